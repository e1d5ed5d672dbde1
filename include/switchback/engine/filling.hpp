/// What a batch does to its rows: every unfilled one gets its new side, and one that cannot be converted is marked and
/// quarantined.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "switchback/core/error.hpp"
#include "switchback/core/keyset.hpp"
#include "switchback/core/settings.hpp"
#include "switchback/engine/journal.hpp"
#include "switchback/engine/resolved.hpp"

namespace switchback::engine {

/// What one batch cost, as the server counted it.
struct FillCost {
  std::int64_t rows_filled = 0;
  std::int64_t rows_bad = 0;
  std::int64_t wal_bytes = 0;
  std::int64_t wal_records = 0;
};

/// Of one thread. `sync` outlives it.
class Filling {
 public:
  Filling(PlanId plan, std::string step, const ResolvedSync& sync);

  /// The rows of `leaf` for which `range`, SQL over the alias `t`, is true, and that are unfilled, within the caller's
  /// transaction. `touch`: columns that are set to themselves. Error (Remedy::data) when a value cannot be converted.
  FillCost fill(ports::Session& session, const Settings& settings, const TableName& leaf, const std::string& range,
                const std::vector<std::string>& touch);
  /// The same row by row where it must be: those that cannot be converted are quarantined, the others filled.
  FillCost fill_carefully(ports::Session& session, const Settings& settings, const TableName& leaf,
                          const std::string& range);

 private:
  struct Careful;
  std::string preparation(ports::Session& session, const Settings& settings);
  FillCost update(ports::Session& session, const std::string& before, const TableName& leaf, const std::string& range,
                  const std::vector<std::string>& touch);
  void bisect(ports::Session& session, const Careful& rows, std::size_t from, std::size_t to, FillCost& cost);
  void quarantine(ports::Session& session, const TableName& leaf, const std::string& range, const Error& error);
  std::string marker() const;

  PlanId plan_;
  std::string step_;
  const ResolvedSync& sync_;
  std::string lock_timeout_;
};

}  // namespace switchback::engine
