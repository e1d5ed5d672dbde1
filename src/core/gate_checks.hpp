/// The checks of one image that a gate is made of. Private to the gate.
#pragma once

#include "switchback/core/gate.hpp"

namespace switchback::gating {

/// Where an image stands to a plan's change.
enum class Side { before, after, unknown };

class Checks {
 public:
  /// `going_on`: the image is a new one, so that one registered later is a later one. Of one that runs, or ran, that
  /// says nothing: it may have been registered late because nobody had thought of it.
  Checks(const GateFacts& facts, const RegisteredImage& image, bool going_on)
      : facts_(facts), image_(image), going_on_(going_on) {}
  std::vector<GateReason> found();
  Side side_of(const GatePlan& plan) const;
  /// What is worth knowing and decides nothing; filled by found().
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  // --- what it uses (gate_uses.cpp) ---
  void table(const TableUse& use);
  void absent_table(const TableUse& use);
  void column(const TableUse& use, const CatalogTable& table, const std::string& name);
  void absent_column(const TableName& table, const std::string& name);
  void present_column(const TableName& table, const std::string& name);
  void whole_rows(const TableUse& use);
  void unsynced(const TableUse& use);
  void inserts(const TableUse& use, const CatalogTable& table);
  void positions(const TableUse& use, const CatalogTable& table);
  std::vector<std::string> filled(const TableUse& use) const;
  const GatePlan* whoever_moved(const TableName& table) const;
  const GatePlan* whoever_swapped(const TableName& table, std::string_view column) const;
  /// Whether what a plan does to `planned` it does to `used`, which may be its partition.
  bool reaches(const TableName& planned, const TableName& used) const;
  bool names(const std::vector<PlanEffect::Column>& columns, const TableName& table, std::string_view column) const;
  bool is_attribute(const TableName& table, std::string_view name) const;

  // --- what its writes rest on (gate_writes.cpp) ---
  void through_view(const TableUse& use, const CatalogTable& table);
  void conflicts(const TableUse& use, const CatalogTable& table);
  const GatePlan* whoever_took(const TableName& table, const ConflictTarget& target) const;
  void nulls(const TableUse& use, const CatalogTable& table);

  // --- what the database refuses or has changed since it was registered (gate_surroundings.cpp) ---
  void surroundings(const ImageSurroundings& found);
  void rule(const ImageSurroundings::Rule& rule);
  void label(const ImageSurroundings::Changed& label);
  void denied(const ImageSurroundings::Denied& denied);
  void absent_object(const ImageSurroundings::Absent& absent, std::string_view kind,
                     std::vector<TableName> PlanEffect::*taken);
  void overloads(const ImageSurroundings& found);
  void refused(const ImageSurroundings::Refusal& refusal);
  void called(const ImageSurroundings::Called& called);
  void values(const TableUse& use, const CatalogTable& table);
  const TableUse* use_of_table(const TableName& table) const;

  // --- plans and images by name (gate_checks.cpp) ---
  void plan(const GatePlan& plan);
  bool has_reason_of(const GatePlan& plan) const;

  void refuse(const std::string& structure, const std::string& why, const GatePlan* plan);
  void doubt(const std::string& structure, const std::string& why, const GatePlan* plan,
             const std::string& remedy = {});

  const GateFacts& facts_;
  const RegisteredImage& image_;
  bool going_on_;
  std::vector<GateReason> reasons_;
  std::vector<std::string> notes_;
};

/// `public.users.full_name`.
std::string shown_column(const TableName& table, std::string_view column);
std::string shown_table(const TableName& table);
/// As an image names it: a bare name without a schema.
std::string shown_object(const TableName& object);
bool contains(const std::vector<std::string>& names, std::string_view name);
const CatalogColumn* find(const CatalogTable& table, std::string_view name);
/// What the plan takes away is out of reach, or on its way there or back.
bool takes_now(const GatePlan& plan);
std::string in_state(const GatePlan& plan);
/// The command that makes the structures of `plan` what an image of that side needs; empty when there is none.
struct Remedy {
  std::string command;
  std::optional<std::int64_t> seconds;
};
Remedy remedy_of(const GatePlan& plan);

/// Whether the plan's structures are in the database at all.
bool in_force(const GatePlan& plan);

}  // namespace switchback::gating
