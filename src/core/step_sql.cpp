#include "switchback/core/step_sql.hpp"

#include <algorithm>

namespace switchback {
namespace {

bool is_plain_name(std::string_view column) {
  return !column.starts_with('(');
}

std::string column_list(const std::vector<std::string>& columns) {
  std::string out;
  for (const std::string& column : columns) {
    if (!out.empty()) out += ", ";
    out += is_plain_name(column) ? quote_identifier(column) : column;
  }
  return out;
}

std::string key_list(const CreateIndex& index) {
  std::string out;
  for (const std::string& column : index.columns) {
    out += (out.empty() ? "" : ", ") + (is_plain_name(column) ? quote_identifier(column) : column);
    const auto key = std::ranges::find(index.keys, column, &IndexKey::key);
    if (key == index.keys.end()) continue;
    if (key->collation) out += " COLLATE " + *key->collation;
    if (key->opclass) out += " " + *key->opclass;
    if (key->descending) out += " DESC";
    if (key->nulls_first) out += *key->nulls_first ? " NULLS FIRST" : " NULLS LAST";
  }
  return out;
}

std::string storage_parameters(const ColumnExpressions& with) {
  std::string out;
  for (const auto& [name, value] : with)
    out += (out.empty() ? "" : ", ") + quote_identifier(name) + " = " + quote_literal(value);
  return out;
}

std::string add_column_clause(const ColumnFacts& column) {
  std::string out = "ADD COLUMN " + quote_identifier(column.name) + " " + column.type;
  if (column.collation) out += " COLLATE " + *column.collation;
  if (column.default_value) out += " DEFAULT " + *column.default_value;
  if (column.not_null) out += " NOT NULL";
  return out;
}

std::string alter(const TableName& table, const std::string& column, const std::string& what) {
  return "ALTER TABLE " + quoted(table) + " ALTER COLUMN " + quote_identifier(column) + " " + what;
}

}  // namespace

StepSql add_columns_sql(const TableName& table, const std::vector<ColumnFacts>& columns, const std::string& marker) {
  StepSql out;
  std::string clauses;
  std::string drops;
  const auto also = [](std::string& list, const std::string& clause) { list += (list.empty() ? "" : ", ") + clause; };
  for (const ColumnFacts& column : columns) {
    out.step += (out.step.empty() ? "add_column " + shown(table) + "." : ", ") + shown(column.name);
    also(clauses, add_column_clause(column));
    also(drops, "DROP COLUMN IF EXISTS " + quote_identifier(column.name));
  }
  // No default: NULL means unfilled, so that a row inserted past the trigger is found by the sweep.
  if (!marker.empty()) {
    also(clauses, "ADD COLUMN " + quote_identifier(marker) + " \"char\"");
    also(drops, "DROP COLUMN IF EXISTS " + quote_identifier(marker));
  }
  if (out.step.empty()) out.step = "sync " + shown(table);
  if (!clauses.empty()) out.sql.push_back("ALTER TABLE " + quoted(table) + " " + clauses);
  for (const ColumnFacts& column : columns) {
    const std::string name = quoted(table) + "." + quote_identifier(column.name);
    if (column.comment) out.sql.push_back("COMMENT ON COLUMN " + name + " IS " + quote_literal(*column.comment));
    if (column.statistics_target >= 0)
      out.sql.push_back(alter(table, column.name, "SET STATISTICS " + std::to_string(column.statistics_target)));
    for (const std::string& grant : column.grants) out.sql.push_back(grant);
  }
  if (!drops.empty()) out.undo.push_back("ALTER TABLE " + quoted(table) + " " + drops);
  out.lock = "ACCESS EXCLUSIVE";
  out.held = "milliseconds: the catalog alone changes";
  out.after = Safety::unsafe;
  return out;
}

std::string index_name(const CreateIndex& index) {
  if (index.name) return *index.name;
  std::string name = index.table.name;
  for (const std::string& column : index.columns) name += "_" + (is_plain_name(column) ? column : std::string("expr"));
  return fit_name(name + "_idx");
}

std::string leaf_index_name(const std::string& index, const TableName& leaf) {
  return fit_name(leaf.name + "_" + index);
}

namespace {

/// `concurrently` and `only` are the key words at their places, or empty.
std::string create_index(const CreateIndex& index, std::string_view concurrently, const std::string& name,
                         std::string_view only, const TableName& on) {
  std::string rest;
  bool unique = index.unique;
  if (index.definition) {
    // The server's own text: everything from USING on is the same on every table.
    unique = index.definition->starts_with("CREATE UNIQUE");
    rest = index.definition->substr(index.definition->find(" USING "));
  } else {
    rest = " USING " + index.method + " (" + key_list(index) + ")";
    if (!index.include.empty()) rest += " INCLUDE (" + column_list(index.include) + ")";
    if (index.nulls_not_distinct) rest += " NULLS NOT DISTINCT";
    if (!index.with.empty()) rest += " WITH (" + storage_parameters(index.with) + ")";
    if (index.where) rest += " WHERE (" + *index.where + ")";
  }
  return std::string("CREATE ") + (unique ? "UNIQUE " : "") + "INDEX " + std::string(concurrently) +
         quote_identifier(name) + " ON " + std::string(only) + quoted(on) + rest;
}

}  // namespace

std::string create_index_sql(const CreateIndex& index, const TableName& on, const std::string& name) {
  return create_index(index, "CONCURRENTLY ", name, "", on);
}

std::string constraint_of_index_sql(const CreateIndex& index) {
  const std::string name = quote_identifier(index_name(index));
  return "ALTER TABLE " + quoted(index.table) + " ADD CONSTRAINT " + name + " UNIQUE USING INDEX " + name;
}

TableName part_index(const CreateIndex& index, const TableFacts& table, const TableName& part) {
  const std::string name = index_name(index);
  return {part.schema, part == table.name ? name : leaf_index_name(name, part)};
}

std::string attach_index_sql(const CreateIndex& index, const TableFacts& table, const TableName& part) {
  const auto parent = table.parents.find(part);
  const TableName above = part_index(index, table, parent == table.parents.end() ? table.name : parent->second);
  return "ALTER INDEX " + quoted(above) + " ATTACH PARTITION " + quoted(part_index(index, table, part));
}

std::vector<TableName> branches_of(const TableFacts& table) {
  std::vector<TableName> all{table.name};
  all.insert(all.end(), table.branches.begin(), table.branches.end());
  return all;
}

std::vector<TableName> index_parts(const CreateIndex& index, const std::optional<TableFacts>& table) {
  if (!table || table->kind != 'p') return {{index.table.schema, index_name(index)}};
  std::vector<TableName> parts;
  for (const TableName& branch : branches_of(*table)) parts.push_back(part_index(index, *table, branch));
  for (const TableName& leaf : table->leaves) parts.push_back(part_index(index, *table, leaf));
  return parts;
}

std::vector<std::string> branch_index_sql(const CreateIndex& index, const TableFacts& table, const TableName& branch) {
  std::vector<std::string> sql{create_index(index, "", part_index(index, table, branch).name, "ONLY ", branch)};
  if (branch != table.name) sql.push_back(attach_index_sql(index, table, branch));
  return sql;
}

StepSql index_sql(const CreateIndex& index, const TableFacts* table) {
  StepSql out;
  const std::string name = index_name(index);
  out.step = "create_index " + shown(name);
  out.transactional = false;
  out.scans = true;
  out.lock = "SHARE UPDATE EXCLUSIVE";
  out.held = "as long as the build takes; reads and writes go on";
  if (table && table->kind == 'p') {
    for (const TableName& branch : branches_of(*table))
      for (std::string& sql : branch_index_sql(index, *table, branch)) out.sql.push_back(std::move(sql));
    for (const TableName& leaf : table->leaves) {
      out.sql.push_back(create_index_sql(index, leaf, part_index(index, *table, leaf).name));
      out.sql.push_back(attach_index_sql(index, *table, leaf));
    }
    out.undo.push_back("DROP INDEX IF EXISTS " + quoted({index.table.schema, name}));
  } else {
    out.sql.push_back(create_index_sql(index, index.table, name));
    if (index.constraint) {
      out.sql.push_back(constraint_of_index_sql(index));
      out.undo.push_back("ALTER TABLE " + quoted(index.table) + " DROP CONSTRAINT IF EXISTS " + quote_identifier(name));
      out.lock += "; ACCESS EXCLUSIVE for the constraint, milliseconds";
    }
    out.undo.push_back("DROP INDEX CONCURRENTLY IF EXISTS " + quoted({index.table.schema, name}));
  }
  return out;
}

StepSql drop_not_null_sql(const DropNotNull& step, const ColumnFacts* was) {
  StepSql out;
  out.step = "drop_not_null " + shown(step.table) + "." + shown(step.column);
  out.sql.push_back(alter(step.table, step.column, "DROP NOT NULL"));
  if (!was || was->not_null) out.undo.push_back(alter(step.table, step.column, "SET NOT NULL"));
  out.lock = "ACCESS EXCLUSIVE";
  out.held = "milliseconds; its undo scans the table";
  return out;
}

StepSql set_default_sql(const SetDefault& step, const ColumnFacts* was) {
  StepSql out;
  out.step = "set_default " + shown(step.table) + "." + shown(step.column);
  out.sql.push_back(alter(step.table, step.column, "SET DEFAULT (" + step.default_value + ")"));
  if (was && was->default_value)
    out.undo.push_back(alter(step.table, step.column, "SET DEFAULT " + *was->default_value));
  else
    out.undo.push_back(alter(step.table, step.column, "DROP DEFAULT"));
  out.lock = "ACCESS EXCLUSIVE";
  out.held = "milliseconds: the catalog alone changes";
  return out;
}

StepSql sql_sql(const Sql& step) {
  StepSql out;
  out.step = "sql";
  out.sql.push_back(step.run);
  if (step.undo) out.undo.push_back(*step.undo);
  if (step.irreversible) out.no_undo = *step.irreversible;
  out.lock = "as the statement takes";
  out.held = "until its transaction ends";
  return out;
}

}  // namespace switchback
