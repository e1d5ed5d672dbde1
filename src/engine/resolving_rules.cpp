#include "resolving_rules.hpp"

#include <algorithm>

#include "switchback/core/change.hpp"
#include "switchback/core/error.hpp"
#include "switchback/core/step_sql.hpp"

namespace switchback::engine {
namespace {

constexpr int first_with_unvalidated_keys_of_partitioned = 180000;

bool name_is_taken(ports::Session& session, const Rule& rule, const TableFacts& table, const std::string& name) {
  if (std::ranges::any_of(table.constraints, [&](const ConstraintFacts& one) { return one.name == name; })) return true;
  return std::holds_alternative<AddUnique>(rule) &&
         session.exec("SELECT pg_catalog.to_regclass($1) IS NOT NULL", {quoted({table.name.schema, name})})
             .boolean(0, 0);
}

bool same_columns(std::vector<std::string> one, std::vector<std::string> other) {
  std::ranges::sort(one);
  std::ranges::sort(other);
  return one == other;
}

bool will_be_found(const Plan& plan, const TableFacts& table, const std::vector<std::string>& columns) {
  if (finds_by(table, columns)) return true;
  for (const auto* phase : {&plan.expand, &plan.migrate})
    for (const Step& step : *phase)
      if (const auto* index = std::get_if<CreateIndex>(&step.action);
          index && index->table == table.name && !index->where && index->method == "btree" &&
          index->columns.size() >= columns.size() &&
          same_columns({index->columns.begin(), index->columns.begin() + static_cast<std::ptrdiff_t>(columns.size())},
                       columns))
        return true;
  return false;
}

std::string listed(const std::vector<std::string>& columns) {
  std::string out;
  for (const std::string& column : columns) out += (out.empty() ? "" : ", ") + shown(column);
  return out;
}

/// What the server says against the key, between empty tables of the same types and indexes; empty: nothing.
std::string why_not_referred(ports::Session& session, const Plan& plan, AddForeignKey rule, const TableFacts& shaped) {
  const std::string like = quoted(rule.referenced);
  rule.table = shaped.name;
  rule.referenced = {"pg_temp", "~switchback_referred"};
  ports::Transaction transaction(session, ports::nested);
  try {
    session.exec("CREATE TEMPORARY TABLE \"~switchback_referred\" (LIKE " + like + " INCLUDING INDEXES)");
    session.exec(enforce_sql(plan.name, rule, {}));
  } catch (const Error& error) {
    if (error.sqlstate() != "42804") throw;
    return error.what();
  }
  return {};
}

void check_foreign_key(ports::Session& session, ports::Catalog& catalog, const Plan& plan, const AddForeignKey& rule,
                       const TableFacts& table, const TableFacts& shaped, const Refuse& refuse) {
  const auto referenced = catalog.table(session, rule.referenced);
  if (!referenced) return refuse("there is no table " + shown(rule.referenced) + " to refer to", "mend the name");
  for (const std::string& column : rule.referenced_columns)
    if (!referenced->column(column))
      return refuse("the table " + shown(rule.referenced) + " has no column " + shown(column), "mend the name");
  const bool unique = std::ranges::any_of(referenced->indexes, [&](const IndexFacts& index) {
    return index.unique && index.valid && !index.partial && index.immediate &&
           same_columns(index.columns, rule.referenced_columns);
  });
  if (!unique)
    return refuse(shown(rule.referenced) + " (" + listed(rule.referenced_columns) +
                      ") is not unique: a foreign key cannot refer to it",
                  "add_unique on it in an earlier plan");
  if (const std::string why = why_not_referred(session, plan, rule, shaped); !why.empty())
    return refuse(listed(rule.columns) + " cannot refer to " + shown(rule.referenced) + " (" +
                      listed(rule.referenced_columns) + "): " + why,
                  "change_type it to the type of the referenced column first");
  if (!will_be_found(plan, table, rule.columns))
    return refuse(
        "no index finds the rows of " + shown(table.name) + " by " + listed(rule.columns) + ": every DELETE on " +
            shown(rule.referenced) + " would read the whole table",
        "create_index: { table: " + shown(table.name) + ", columns: [" + listed(rule.columns) + "] } in expand");
  if (table.kind == 'p' &&
      session.exec("SHOW server_version_num").integer(0, 0) < first_with_unvalidated_keys_of_partitioned)
    refuse("a foreign key of a partitioned table cannot be NOT VALID before PostgreSQL 18: adding it would read " +
               shown(table.name) + " under a lock",
           "add it to each partition, in a plan of its own: add_foreign_key: { table: PARTITION, … }");
}

}  // namespace

void check_rule_columns(const Rule& rule, const TableFacts& shaped, const Refuse& refuse) {
  for (const std::string& column : columns_of(rule))
    if (!shaped.column(column))
      refuse("the table " + shown(table_of(rule)) + " has no column " + shown(column), "mend the name");
}

void check_rule(ports::Session& session, ports::Catalog& catalog, const Plan& plan, const Rule& rule,
                const TableFacts& table, const TableFacts& shaped, const Refuse& refuse) {
  check_rule_columns(rule, shaped, refuse);
  if (const std::string name = constraint_name(plan.name, rule);
      !std::holds_alternative<SetNotNull>(rule) && name_is_taken(session, rule, table, name))
    refuse("the name " + shown(name) + " is taken on " + shown(table.name),
           "give the new constraint another name: name: …");
  if (const auto* foreign = std::get_if<AddForeignKey>(&rule))
    check_foreign_key(session, catalog, plan, *foreign, table, shaped, refuse);
  if (!std::holds_alternative<AddUnique>(rule)) return;
  if (table.kind == 'p')
    refuse(
        "a unique constraint of a partitioned table cannot be made of an index that was built before: adding it would "
        "read " +
            shown(table.name) + " under a lock",
        "add_unique on each partition; over all of them only a unique index can hold, with the partition key in it");
  if (!table.key)
    refuse("the table " + shown(table.name) + " has no key by which one of two equal rows could be told from the other",
           "it needs a primary key first");
}

std::vector<std::string> operator_schemas(ports::Session& session, const Rule& rule, const RuleFacts& facts,
                                          const TableFacts& shaped) {
  std::vector<std::string> types;
  for (const std::string& column : columns_of(rule))
    if (const ColumnFacts* found = shaped.column(column)) types.push_back(found->type);
  if (facts.key) types.insert(types.end(), facts.key->types.begin(), facts.key->types.end());
  std::string list;
  for (const std::string& type : types)
    list += (list.empty() ? "" : ", ") + quote_literal(type) + "::pg_catalog.regtype";
  std::vector<std::string> schemas;
  if (list.empty()) return schemas;
  const auto found = session.exec(
      "SELECT DISTINCT n.nspname FROM pg_catalog.pg_type y JOIN pg_catalog.pg_opclass o ON o.opcdefault AND "
      "o.opcintype "
      "= CASE y.typtype WHEN 'd' THEN y.typbasetype ELSE y.oid END JOIN pg_catalog.pg_am m ON m.oid = o.opcmethod AND "
      "m.amname = 'btree' JOIN pg_catalog.pg_namespace n ON n.oid = o.opcnamespace WHERE y.oid IN (" +
      list + ") AND n.nspname <> 'pg_catalog' ORDER BY 1");
  for (std::size_t i = 0; i < found.size(); ++i) schemas.push_back(found.text(i, 0));
  return schemas;
}

}  // namespace switchback::engine
