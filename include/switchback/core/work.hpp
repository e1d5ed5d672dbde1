/// The order in which a phase is worked off: steps as written, but all of a synced table's new columns, its marker and
/// its sync function together, so that no write ever falls between them.
#pragma once

#include <string>
#include <vector>

#include "switchback/core/plan.hpp"

namespace switchback {

struct Work {
  enum class Kind {
    columns,  ///< add columns, with `sync` also marker, sync function and triggers: one transaction
    index,
    statement,  ///< drop_not_null, set_default, sql …: one transaction each
    backfill,
    verify,
    compare,  ///< both sides of every row of `table`
    batched,  ///< a statement over all rows, batch by batch
    fix,      ///< mends the rows that break a rule
    rule,     ///< that no row breaks the rule of a contract step, which `steps` names
    pairs,    ///< that no two rows are in the way of the exclusion constraint of a contract step
    mirror,   ///< the triggers that keep a copy of a table equal to it
    copy,     ///< its rows, and the comparison
    pairing,  ///< the triggers that keep columns of two tables equal
    paired,   ///< what the rows have of them, and the comparison
    counter,  ///< what notes the writes that the rule would refuse
  };
  Kind kind = Kind::statement;
  int ordinal = 0;  ///< within the phase, from 1
  TableName table;
  std::vector<const Step*> steps;  ///< into the plan, which outlives this
  bool sync = false;
  std::string name;  ///< "add_column users.first_name"
};

/// After the steps what keeps each copy and each pair equal, then a counter for each rule of the contract.
std::vector<Work> expand_work(const Plan& plan);
/// As written; after the steps a comparison for each synced table, then each rule and exclusion of the contract.
std::vector<Work> migrate_work(const Plan& plan);

}  // namespace switchback
