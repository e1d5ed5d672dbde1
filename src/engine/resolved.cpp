#include "switchback/engine/resolved.hpp"

#include <nlohmann/json.hpp>

namespace switchback::engine {
namespace {

using nlohmann::json;

json put(const TableName& table) {
  return {table.schema, table.name};
}
TableName get_table(const json& from) {
  return {from.at(0), from.at(1)};
}

template <class T>
json put(const std::optional<T>& value) {
  return value ? json(*value) : json(nullptr);
}
std::optional<std::string> get_optional(const json& from) {
  return from.is_null() ? std::nullopt : std::optional<std::string>(from.get<std::string>());
}

json put(const ResolvedExpression& expression) {
  return {
      {"sql", expression.sql}, {"columns", expression.columns}, {"type", expression.type}, {"calls", expression.calls}};
}
ResolvedExpression get_expression(const json& from) {
  return {from.at("sql"), from.at("columns"), from.at("type"), from.at("calls")};
}

json put(const KeyFacts& key) {
  return {{"index", key.index}, {"columns", key.columns}, {"types", key.types}};
}
KeyFacts get_key(const json& from) {
  return {from.at("index"), from.at("columns"), from.at("types")};
}

json put(const std::vector<SyncColumn>& side) {
  json out = json::array();
  for (const SyncColumn& column : side)
    out.push_back({{"name", column.name},
                   {"type", column.type},
                   {"not_null", column.not_null},
                   {"default", put(column.default_value)},
                   {"bitwise_equality", column.bitwise_equality},
                   {"default_volatile", column.default_volatile},
                   {"number", column.number}});
  return out;
}
std::vector<SyncColumn> get_side(const json& from) {
  std::vector<SyncColumn> side;
  for (const json& column : from)
    side.push_back({column.at("name"), column.at("type"), column.at("not_null"), get_optional(column.at("default")),
                    column.at("bitwise_equality"), column.at("default_volatile"), column.at("number")});
  return side;
}

using Expressions = std::vector<std::pair<std::string, ResolvedExpression>>;
json put(const Expressions& expressions) {
  json out = json::array();
  for (const auto& [column, expression] : expressions) out.push_back({column, put(expression)});
  return out;
}
Expressions get_expressions(const json& from) {
  Expressions out;
  for (const json& pair : from) out.emplace_back(pair.at(0), get_expression(pair.at(1)));
  return out;
}

json put(const SyncPlan& plan) {
  return {{"plan", plan.plan},
          {"marker", plan.marker},
          {"old_side", put(plan.old_side)},
          {"new_side", put(plan.new_side)},
          {"forward", put(plan.forward)},
          {"reverse", put(plan.reverse)},
          {"where", plan.where ? put(*plan.where) : json(nullptr)},
          {"reject", plan.reject},
          {"exact", plan.exact},
          {"new_side_wins_insert", plan.new_side_wins_insert},
          {"failure_marks", std::string{plan.forward_failed, plan.reverse_failed}}};
}
SyncPlan get_sync(const json& from) {
  SyncPlan plan;
  plan.plan = from.at("plan");
  plan.marker = from.at("marker");
  plan.old_side = get_side(from.at("old_side"));
  plan.new_side = get_side(from.at("new_side"));
  plan.forward = get_expressions(from.at("forward"));
  plan.reverse = get_expressions(from.at("reverse"));
  if (!from.at("where").is_null()) plan.where = get_expression(from.at("where"));
  plan.reject = from.at("reject");
  plan.exact = from.at("exact");
  plan.new_side_wins_insert = from.at("new_side_wins_insert");
  const auto marks = from.at("failure_marks").get<std::string>();
  plan.forward_failed = marks.at(0);
  plan.reverse_failed = marks.at(1);
  return plan;
}

json put(const ColumnFacts& column) {
  return {{"name", column.name},
          {"type", column.type},
          {"not_null", column.not_null},
          {"default", put(column.default_value)},
          {"default_volatile", column.default_volatile},
          {"bitwise_equality", column.bitwise_equality},
          {"collation", put(column.collation)},
          {"comment", put(column.comment)},
          {"grants", column.grants},
          {"statistics_target", column.statistics_target}};
}
ColumnFacts get_column(const json& from) {
  ColumnFacts column;
  column.name = from.at("name");
  column.type = from.at("type");
  column.not_null = from.at("not_null");
  column.default_value = get_optional(from.at("default"));
  column.default_volatile = from.at("default_volatile");
  column.bitwise_equality = from.at("bitwise_equality");
  column.collation = get_optional(from.at("collation"));
  column.comment = get_optional(from.at("comment"));
  column.grants = from.at("grants").get<std::vector<std::string>>();
  column.statistics_target = from.at("statistics_target");
  return column;
}

json put(const RuleFacts& facts) {
  return {{"check", facts.check ? put(*facts.check) : json(nullptr)},
          {"key", facts.key ? put(*facts.key) : json(nullptr)},
          {"columns", put(facts.columns)},
          {"operator_schemas", facts.operator_schemas}};
}
RuleFacts get_rule(const json& from) {
  RuleFacts facts;
  if (!from.at("check").is_null()) facts.check = get_expression(from.at("check"));
  if (!from.at("key").is_null()) facts.key = get_key(from.at("key"));
  facts.columns = get_side(from.at("columns"));
  facts.operator_schemas = from.at("operator_schemas").get<std::vector<std::string>>();
  return facts;
}

}  // namespace

const ResolvedSync* ResolvedPlan::sync_of(const TableName& table) const {
  for (const ResolvedSync& one : sync)
    if (one.table == table) return &one;
  return nullptr;
}

const ColumnFacts* ResolvedPlan::added(const TableName& table, std::string_view column) const {
  for (const ResolvedColumn& one : columns)
    if (one.table == table && one.column.name == column) return &one.column;
  return nullptr;
}

std::string to_json(const SyncPlan& plan) {
  return put(plan).dump();
}
SyncPlan sync_from_json(const std::string& text) {
  return get_sync(json::parse(text));
}

std::string to_json(const ResolvedPlan& plan) {
  json sync = json::array();
  for (const ResolvedSync& one : plan.sync)
    sync.push_back({{"table", put(one.table)},
                    {"oid", one.oid},
                    {"sync", put(one.sync)},
                    {"key", put(one.key)},
                    {"skip_user_triggers", one.user_triggers == UserTriggers::skip},
                    {"target_ms", one.batch.target ? json(one.batch.target->count()) : json(nullptr)},
                    {"max_wal", put(one.batch.max_wal)}});
  json columns = json::array();
  for (const ResolvedColumn& one : plan.columns)
    columns.push_back({{"table", put(one.table)}, {"column", put(one.column)}});
  json checks = json::array();
  for (const ResolvedCheck& one : plan.checks)
    checks.push_back(
        {{"table", put(one.table)}, {"written", one.written}, {"check", put(one.check)}, {"key", put(one.key)}});
  json rules = json::array();
  for (const RuleFacts& one : plan.rules) rules.push_back(put(one));
  json fixes = json::array();
  for (const ResolvedFix& one : plan.fixes) fixes.push_back({{"rule", put(one.facts)}, {"set", put(one.set)}});
  return json{{"sync", sync}, {"columns", columns}, {"checks", checks}, {"rules", rules}, {"fixes", fixes}}.dump();
}

ResolvedPlan resolved_from_json(const std::string& text) {
  const json from = json::parse(text);
  ResolvedPlan plan;
  for (const json& one : from.at("sync")) {
    ResolvedSync sync{get_table(one.at("table")),
                      one.at("oid"),
                      get_sync(one.at("sync")),
                      get_key(one.at("key")),
                      one.at("skip_user_triggers") ? UserTriggers::skip : UserTriggers::fire,
                      {}};
    if (!one.at("target_ms").is_null())
      sync.batch.target = std::chrono::milliseconds(one.at("target_ms").get<std::int64_t>());
    if (!one.at("max_wal").is_null()) sync.batch.max_wal = one.at("max_wal").get<std::int64_t>();
    plan.sync.push_back(std::move(sync));
  }
  for (const json& one : from.at("columns"))
    plan.columns.push_back({get_table(one.at("table")), get_column(one.at("column"))});
  for (const json& one : from.at("checks"))
    plan.checks.push_back(
        {get_table(one.at("table")), one.at("written"), get_expression(one.at("check")), get_key(one.at("key"))});
  for (const json& one : from.at("rules")) plan.rules.push_back(get_rule(one));
  for (const json& one : from.at("fixes"))
    plan.fixes.push_back({get_rule(one.at("rule")), get_expressions(one.at("set"))});
  return plan;
}

}  // namespace switchback::engine
