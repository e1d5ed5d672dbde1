#include "switchback/core/work.hpp"

#include <algorithm>

#include "switchback/core/rule.hpp"

namespace switchback {
namespace {

std::vector<TableName> synced_tables(const Plan& plan) {
  std::vector<TableName> tables;
  for (const Step& step : plan.migrate)
    if (const auto* backfill = std::get_if<Backfill>(&step.action)) tables.push_back(backfill->table);
  return tables;
}

Work::Kind kind_of(const Action& action) {
  if (std::holds_alternative<CreateIndex>(action)) return Work::Kind::index;
  if (std::holds_alternative<Backfill>(action)) return Work::Kind::backfill;
  if (std::holds_alternative<Verify>(action)) return Work::Kind::verify;
  if (std::holds_alternative<Fix>(action)) return Work::Kind::fix;
  if (std::holds_alternative<SqlBatched>(action)) return Work::Kind::batched;
  if (std::holds_alternative<CopyTable>(action)) return Work::Kind::copy;
  if (std::holds_alternative<PairTables>(action)) return Work::Kind::paired;
  return Work::Kind::statement;
}

void add_rules(std::vector<Work>& work, const Plan& plan, Work::Kind kind, std::string_view verb) {
  for (const Step& step : plan.contract.steps)
    if (const auto rule = rule_of(step.action))
      work.push_back({kind, 0, table_of(*rule), {&step}, false, std::string(verb) + " " + shown(*rule)});
}

void number(std::vector<Work>& work) {
  int ordinal = 0;
  for (Work& one : work) one.ordinal = ++ordinal;
}

}  // namespace

std::vector<Work> expand_work(const Plan& plan) {
  const std::vector<TableName> synced = synced_tables(plan);
  std::vector<TableName> waiting = synced;
  std::vector<Work> work;
  for (const Step& step : plan.expand) {
    const auto* column = std::get_if<AddColumn>(&step.action);
    const TableName* table = table_of(step.action);
    Work one{column ? Work::Kind::columns : kind_of(step.action),
             0,
             table ? *table : TableName{},
             {&step},
             false,
             describe(step.action)};
    if (column && std::ranges::find(synced, column->table) != synced.end()) {
      const auto first = std::ranges::find(waiting, column->table);
      if (first == waiting.end()) {  // joins the work of the table's first column
        for (Work& earlier : work)
          if (earlier.sync && earlier.table == column->table) {
            earlier.steps.push_back(&step);
            earlier.name += ", " + column->name;
          }
        continue;
      }
      waiting.erase(first);
      one.sync = true;
    }
    work.push_back(std::move(one));
  }
  for (const TableName& table : waiting)
    work.push_back({Work::Kind::columns, 0, table, {}, true, "sync " + shown(table)});
  for (const Step& step : plan.migrate)
    if (const auto* copy = std::get_if<CopyTable>(&step.action))
      work.push_back({Work::Kind::mirror,
                      0,
                      copy->table,
                      {&step},
                      false,
                      "keep " + shown(copy->to) + " equal to " + shown(copy->table)});
  for (const Step& step : plan.migrate)
    if (const auto* pair = std::get_if<PairTables>(&step.action))
      work.push_back({Work::Kind::pairing,
                      0,
                      pair->table,
                      {&step},
                      false,
                      "keep " + shown(pair->table) + " and " + shown(pair->to) + " equal"});
  add_rules(work, plan, Work::Kind::counter, "count");
  number(work);
  return work;
}

std::vector<Work> migrate_work(const Plan& plan) {
  std::vector<Work> work;
  for (const Step& step : plan.migrate) {
    const TableName* table = table_of(step.action);
    work.push_back({kind_of(step.action), 0, table ? *table : TableName{}, {&step}, false, describe(step.action)});
  }
  for (const TableName& table : synced_tables(plan))
    work.push_back({Work::Kind::compare, 0, table, {}, false, "compare " + shown(table)});
  add_rules(work, plan, Work::Kind::rule, "check");
  for (const Step& step : plan.contract.steps)
    if (const auto* exclusion = std::get_if<AddExclusion>(&step.action))
      work.push_back({Work::Kind::pairs, 0, exclusion->table, {&step}, false, "check " + describe(step.action)});
  number(work);
  return work;
}

}  // namespace switchback
