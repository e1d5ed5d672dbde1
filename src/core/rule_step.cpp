#include "switchback/core/rule_step.hpp"

#include "switchback/core/contract_sql.hpp"
#include "switchback/core/counter_sql.hpp"

namespace switchback {
namespace {

const char* const range = "(a range of the key)";

StepSql step_of(std::string step, std::vector<std::string> sql, std::string lock, std::string held) {
  StepSql out;
  out.step = std::move(step);
  out.sql = std::move(sql);
  out.lock = std::move(lock);
  out.held = std::move(held);
  return out;
}

std::string key_lock(const Rule& rule, const char* otherwise) {
  return std::holds_alternative<AddForeignKey>(rule) ? "SHARE ROW EXCLUSIVE, on both tables" : otherwise;
}

}  // namespace

RuleFacts sketched(const Rule& rule) {
  RuleFacts facts;
  if (const auto* check = std::get_if<AddCheck>(&rule)) facts.check = ResolvedExpression{check->check, {}, {}, {}};
  facts.key = KeyFacts{"", {"(key)"}, {""}};
  return facts;
}

StepSql counter_step(const Plan& plan, int number, const Rule& rule, const RuleFacts& facts) {
  StepSql out = step_of("count what would break " + shown(rule), {}, key_lock(rule, "SHARE ROW EXCLUSIVE"),
                        "milliseconds; the trigger notes and never refuses");
  if (const auto* unique = std::get_if<AddUnique>(&rule)) {
    const CreateIndex twins = twin_index(plan.name, *unique, facts);
    out.sql.push_back(create_index_sql(twins, twins.table, *twins.name) + " (unless another index finds twins)");
    out.undo.push_back("DROP INDEX IF EXISTS " + quoted({twins.table.schema, *twins.name}));
    out.scans = true;
    out.transactional = false;
  }
  for (std::string& sql : counter_sql({0, number, rule, facts, {table_of(rule)}, std::chrono::seconds(300)}))
    if (!sql.starts_with("DROP ")) out.sql.push_back(std::move(sql));
  out.undo.insert(out.undo.begin(), "the triggers and their functions are dropped");
  return out;
}

StepSql fix_step(const Fix& fix, const RuleFacts& facts, const ColumnExpressions& set) {
  std::string assigned;
  for (const auto& [column, sql] : set)
    assigned += (assigned.empty() ? "" : ", ") + quote_identifier(column) + " = (" + sql + ")";
  const std::string rows = std::string(" AS t") + (fix.remove ? "" : " SET " + assigned) + " WHERE " + range + " AND " +
                           offends_sql(fix.rule, facts, "t");
  StepSql out = step_of("fix " + shown(fix.rule),
                        {(fix.remove ? "DELETE FROM ONLY " : "UPDATE ONLY ") + quoted(fix.table) + rows},
                        "ROW EXCLUSIVE", "row locks for one batch");
  out.no_undo = "rows that were mended or deleted stay so";
  out.scans = true;
  return out;
}

StepSql rule_check_step(const Rule& rule, const RuleFacts& facts) {
  StepSql out = step_of("check " + shown(rule),
                        {"SELECT count(*) FROM ONLY " + quoted(table_of(rule)) + " AS t WHERE " + range + " AND " +
                         offends_sql(rule, facts, "t")},
                        "ACCESS SHARE", "one batch");
  out.no_undo = "reads only";
  out.scans = true;
  return out;
}

StepSql enforce_step(const Plan& plan, const Rule& rule, const RuleFacts& facts) {
  const std::string enforce = enforce_sql(plan.name, rule, facts);
  StepSql out = step_of("enforce " + shown(rule),
                        enforce.empty() ? std::vector<std::string>{} : std::vector<std::string>{enforce},
                        key_lock(rule, "ACCESS EXCLUSIVE"), "milliseconds: the catalog alone changes");
  if (const auto* unique = std::get_if<AddUnique>(&rule)) {
    const CreateIndex index = unique_index(*unique);
    out.sql.insert(out.sql.begin(), create_index_sql(index, index.table, *index.name));
    out.held = "milliseconds; before, the build holds SHARE UPDATE EXCLUSIVE, and from its start on a duplicate fails";
    out.scans = true;
    out.transactional = false;
  }
  out.undo = {release_sql(plan.name, rule)};
  out.before = Safety::unsafe;
  return out;
}

std::optional<StepSql> validate_step(const Plan& plan, const Rule& rule) {
  if (std::holds_alternative<AddUnique>(rule)) return std::nullopt;
  StepSql out = step_of("validate " + shown(rule), {validate_sql(plan.name, rule)}, "SHARE UPDATE EXCLUSIVE",
                        "while the table is read; reads and writes go on");
  out.no_undo = "the constraint goes with unhide";
  out.scans = true;
  out.before = Safety::unsafe;
  return out;
}

StepSql settle_step(const Plan& plan, const Rule& rule) {
  const auto* unique = std::get_if<AddUnique>(&rule);
  const bool bare = unique != nullptr && unique->index;
  StepSql out = step_of(describe(action_of(rule)),
                        {std::string("the counter is dropped; the ") + (bare ? "index" : "constraint") + " stays"}, "ACCESS EXCLUSIVE",
                        "milliseconds: the catalog alone changes");
  out.undo = {release_sql(plan.name, rule)};
  if (const auto* strict = std::get_if<SetNotNull>(&rule)) {
    out.sql = settle_not_null_sql(plan.name, strict->table, strict->column);
    out.undo = {"ALTER TABLE " + quoted(strict->table) + " ALTER COLUMN " + quote_identifier(strict->column) +
                " DROP NOT NULL"};
  }
  out.before = Safety::breaks;
  return out;
}

}  // namespace switchback
