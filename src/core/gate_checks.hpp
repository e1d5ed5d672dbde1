/// The checks of one image that a gate is made of. Private to the gate.
#pragma once

#include "switchback/core/gate.hpp"

namespace switchback::gating {

/// Where an image stands to a plan's change.
enum class Side { before, after, unknown };

class Checks {
 public:
  Checks(const GateFacts& facts, const RegisteredImage& image) : facts_(facts), image_(image) {}
  std::vector<GateReason> found();
  Side side_of(const GatePlan& plan) const;

 private:
  // --- what it uses (gate_uses.cpp) ---
  void table(const TableUse& use);
  void absent_table(const TableUse& use);
  void column(const TableUse& use, const CatalogTable& table, const std::string& name);
  void absent_column(const TableName& table, const std::string& name);
  void present_column(const TableName& table, const std::string& name);
  void whole_rows(const TableUse& use);
  void inserts(const TableUse& use, const CatalogTable& table);
  void positions(const TableUse& use, const CatalogTable& table);
  std::vector<std::string> filled(const TableUse& use) const;
  const GatePlan* whoever_moved(const TableName& table) const;

  // --- plans and images by name (gate_checks.cpp) ---
  void plan(const GatePlan& plan);
  bool has_reason_of(const GatePlan& plan) const;

  void refuse(const std::string& structure, const std::string& why, const GatePlan* plan);
  void doubt(const std::string& structure, const std::string& why, const GatePlan* plan,
             const std::string& remedy = {});

  const GateFacts& facts_;
  const RegisteredImage& image_;
  std::vector<GateReason> reasons_;
};

/// `public.users.full_name`.
std::string shown_column(const TableName& table, std::string_view column);
std::string shown_table(const TableName& table);
/// The command that makes the structures of `plan` what an image of that side needs; empty when there is none.
struct Remedy {
  std::string command;
  std::optional<std::int64_t> seconds;
};
Remedy remedy_of(const GatePlan& plan);

/// Whether the plan's structures are in the database at all.
bool in_force(const GatePlan& plan);

}  // namespace switchback::gating
