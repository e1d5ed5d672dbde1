// split_column, merge_columns, and the changes that are one step.
#include <algorithm>

#include "change_parts.hpp"

namespace switchback {
namespace {

std::string type_of(const ColumnExpressions& types, const std::string& column) {
  const auto found = std::ranges::find(types, column, &std::pair<std::string, std::string>::first);
  return found == types.end() ? "text" : found->second;
}

bool adds_column_of(const Plan& plan, const CreateIndex& index) {
  return std::ranges::any_of(plan.expand, [&](const Step& step) {
    const auto* add = std::get_if<AddColumn>(&step.action);
    return add != nullptr && add->table == index.table &&
           std::ranges::any_of(index.columns, [&](const std::string& key) {
             return key == add->name || (key.starts_with('(') && key.find(add->name) != std::string::npos);
           });
  });
}

}  // namespace

void expand_split(Plan& plan, const ChangeSplitColumn& split, Place place) {
  Backfill backfill;
  backfill.table = split.table;
  backfill.set = split.into;
  if (split.reverse) backfill.reverse = {{split.from, *split.reverse}};
  backfill.reverse_none = split.reverse_none;
  for (const auto& [column, expression] : split.into)
    put_step(plan.expand, place, AddColumn{split.table, column, type_of(split.types, column), {}, false, {}});
  put_backfill(plan, place, std::move(backfill));
  put_step(plan.contract.steps, place, DropColumn{split.table, split.from, {}});
}

void expand_merge(Plan& plan, const ChangeMergeColumns& merge, Place place) {
  Backfill backfill;
  backfill.table = merge.table;
  backfill.set = {{merge.into, merge.fill}};
  backfill.reverse = merge.reverse;
  backfill.reverse_none = merge.reverse_none;
  put_step(plan.expand, place, AddColumn{merge.table, merge.into, merge.type, {}, false, {}});
  put_backfill(plan, place, std::move(backfill));
  for (const std::string& column : merge.from)
    put_step(plan.contract.steps, place, DropColumn{merge.table, column, {}});
}

void expand_step(Plan& plan, const ChangeStep& one, Place place) {
  const auto* index = std::get_if<CreateIndex>(&one.action);
  if (one.phase == "contract")
    put_step(plan.contract.steps, place, one.action);
  else if (one.phase == "migrate")
    put_step(plan.migrate, place, one.action);
  else
    put_step(index != nullptr && adds_column_of(plan, *index) ? plan.migrate : plan.expand, place, one.action);
}

}  // namespace switchback
