#include "change_tighten.hpp"

#include <algorithm>

#include "switchback/core/rule.hpp"

namespace switchback {

bool finds_by(const TableFacts& table, const std::vector<std::string>& columns) {
  return std::any_of(table.indexes.begin(), table.indexes.end(), [&](const IndexFacts& index) {
    if (!index.valid || index.partial || index.columns.size() < columns.size()) return false;
    if (index.definition.find(" USING btree ") == std::string::npos) return false;
    const auto lead = index.columns.begin();
    return std::is_permutation(lead, lead + static_cast<std::ptrdiff_t>(columns.size()), columns.begin());
  });
}

void expand_tighten(Plan& plan, const ChangeTighten& change, Place place, const TableLookup& lookup) {
  const TableName& table = table_of(change.rule);
  if (const auto* foreign = std::get_if<AddForeignKey>(&change.rule)) {
    const auto facts = lookup ? lookup(table) : std::nullopt;
    if (!facts || !finds_by(*facts, foreign->columns)) {
      CreateIndex index;
      index.table = table;
      index.columns = foreign->columns;
      plan.expand.push_back({std::move(index), place});
    }
  }
  if (change.remove || !change.set.empty())
    plan.migrate.push_back({Fix{table, change.rule, change.set, change.remove, {}}, place});
  plan.contract.steps.push_back({action_of(change.rule), place});
}

}  // namespace switchback
