#include "sql_statements.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "sql_tree.hpp"

namespace switchback::plan_file {
namespace {

const json& object_at(const json& object, const char* key) {
  static const json none = json::object();
  const auto found = object.find(key);
  return found != object.end() && found->is_object() ? *found : none;
}

TableName table_of_range(const json& range) {
  const std::string schema = text(range, "schemaname");
  return {schema.empty() ? "public" : schema, text(range, "relname")};
}

std::string last_name(const json& names) {
  return names.empty() || !names.back().contains("String") ? "" : text(names.back()["String"], "sval");
}

/// Whether something anywhere in the tree has that key.
template <class Found>
bool any_node(const json& tree, Found found) {
  std::vector<const json*> ahead{&tree};
  while (!ahead.empty()) {
    const json& part = *ahead.back();
    ahead.pop_back();
    for (const auto& [key, value] : part.items()) {
      if (!value.is_structured()) continue;
      if (part.is_object() && found(key, value)) return true;
      ahead.push_back(&value);
    }
  }
  return false;
}

bool has_option(const json& options, std::string_view name) {
  return std::ranges::any_of(options, [&](const json& option) {
    return option.contains("DefElem") && text(option["DefElem"], "defname") == name;
  });
}

bool is_star(const json& target) {
  const json& fields = list_at(object_at(object_at(object_at(target, "ResTarget"), "val"), "ColumnRef"), "fields");
  return !fields.empty() && fields.back().contains("A_Star");
}

/// In the list of a SELECT, but for EXISTS (SELECT * …), whose list nobody looks at.
bool selects_star(const json& tree) {
  std::vector<const json*> ahead{&tree};
  while (!ahead.empty()) {
    const json& part = *ahead.back();
    ahead.pop_back();
    for (const auto& [key, value] : part.items()) {
      if (!value.is_structured()) continue;
      if (key == "SubLink" && text(value, "subLinkType") == "EXISTS_SUBLINK") continue;
      if (key == "targetList" && std::ranges::any_of(value, is_star)) return true;
      ahead.push_back(&value);
    }
  }
  return false;
}

struct Drop {
  std::string_view type, words, step;
};
constexpr std::array drops = {
    Drop{"OBJECT_TABLE", "DROP TABLE", "drop_table"},
    Drop{"OBJECT_VIEW", "DROP VIEW", "drop_view"},
    Drop{"OBJECT_MATVIEW", "DROP MATERIALIZED VIEW", "drop_view"},
    Drop{"OBJECT_INDEX", "DROP INDEX", "drop_index"},
    Drop{"OBJECT_TYPE", "DROP TYPE", "drop_type"},
    Drop{"OBJECT_DOMAIN", "DROP DOMAIN", "drop_type"},
    Drop{"OBJECT_FUNCTION", "DROP FUNCTION", "drop_function"},
    Drop{"OBJECT_PROCEDURE", "DROP PROCEDURE", "drop_function"},
};

/// One statement of a text. `made`: tables that the text makes, which nobody can be using yet.
class Reading {
 public:
  explicit Reading(const std::set<TableName>& made) : made_(made) {}
  SqlStatement out;

  void read(const std::string& kind, const json& node) {
    out.words = kind;
    if (kind == "SelectStmt") {
      out.words = "SELECT";
      out.is_prepared = true;
      out.only_reads = !node.contains("intoClause") && !any_node(node, [](const std::string& key, const json&) {
        return key == "InsertStmt" || key == "UpdateStmt" || key == "DeleteStmt";
      });
      out.star = selects_star(node);
    }
    if (kind == "InsertStmt" || kind == "UpdateStmt" || kind == "DeleteStmt" || kind == "MergeStmt") write(kind, node);
    if (kind == "IndexStmt") index(node);
    if (kind == "ReindexStmt") reindex(node);
    if (kind == "DropStmt") drop(node);
    if (kind == "AlterTableStmt") alter(node);
    if (kind == "RenameStmt") rename(node);
    if (kind == "TruncateStmt") truncate(node);
    if (kind == "LockStmt") lock(node);
    if (kind == "GrantStmt") grant(node);
    if (kind == "CreateTrigStmt" || kind == "RuleStmt") changes("CREATE TRIGGER or RULE", node, true);
    if (kind == "VariableSetStmt") {
      out.words = "SET " + text(node, "name");
      out.sets_session = !node.value("is_local", false) && text(node, "kind") != "VAR_RESET";
    }
    whole_server(kind, node);
    rewriting(kind, node);
    lenient(kind, node);
  }

 private:
  void take(const TableName& table) {
    if (!table.name.empty() && !made_.contains(table)) out.tables.push_back(table);
  }
  void changes(std::string words, const json& node, bool keeps_writers_out) {
    out.words = std::move(words);
    take(table_of_range(object_at(node, "relation")));
    out.keeps_writers_out = keeps_writers_out && !out.tables.empty();
  }

  void write(const std::string& kind, const json& node) {
    out.is_prepared = true;
    const std::string word = kind == "InsertStmt"   ? "INSERT"
                             : kind == "UpdateStmt" ? "UPDATE"
                             : kind == "DeleteStmt" ? "DELETE"
                                                    : "MERGE";
    changes(word, node, false);
    if (out.tables.empty()) return;
    out.by_position = word == "INSERT" && !node.contains("cols") && node.contains("selectStmt");
    out.every_row = (word == "UPDATE" || word == "DELETE") && !node.contains("whereClause");
  }

  void index(const json& node) {
    changes("CREATE INDEX", node, !node.value("concurrent", false));
    if (out.tables.empty()) return;
    out.outside_transactions = node.value("concurrent", false);
    if (out.outside_transactions) out.words = "CREATE INDEX CONCURRENTLY";
    out.builds_index = !out.outside_transactions;
    out.step = "create_index";
  }

  void reindex(const json& node) {
    out.outside_transactions = has_option(list_at(node, "params"), "concurrently") ||
                               text(node, "kind") == "REINDEX_OBJECT_DATABASE" ||
                               text(node, "kind") == "REINDEX_OBJECT_SCHEMA";
    if (text(node, "kind") == "REINDEX_OBJECT_TABLE") take(table_of_range(object_at(node, "relation")));
    out.words = "REINDEX";
    out.long_lock = out.keeps_writers_out = !out.outside_transactions;
  }

  void drop(const json& node) {
    const std::string type = text(node, "removeType");
    const auto found = std::ranges::find(drops, type, &Drop::type);
    out.words = found == drops.end() ? "DROP" : std::string(found->words);
    out.step = found == drops.end() ? "" : std::string(found->step);
    out.drops = true;
    out.cascade = text(node, "behavior") == "DROP_CASCADE";
    out.outside_transactions = node.value("concurrent", false);
    if (type != "OBJECT_TABLE") return;
    for (const json& object : list_at(node, "objects")) {
      const std::string name = joined_name(list_at(object_at(object, "List"), "items"));
      const std::size_t dot = name.find('.');
      if (dot != std::string::npos) take({name.substr(0, dot), name.substr(dot + 1)});
    }
    out.keeps_writers_out = true;
  }

  void alter(const json& node) {
    if (text(node, "objtype") != "OBJECT_TABLE") {
      out.words = "ALTER";
      return;
    }
    changes("ALTER TABLE", node, true);
    if (out.tables.empty()) return;  // made by this text
    for (const json& entry : list_at(node, "cmds")) command(object_at(entry, "AlterTableCmd"));
  }

  void command(const json& node) {
    const std::string type = text(node, "subtype");
    const auto is = [&](const char* words, const char* step, bool long_lock) {
      out.words = std::string("ALTER TABLE … ") + words;
      out.step = step;
      out.long_lock = out.long_lock || long_lock;
    };
    if (text(node, "behavior") == "DROP_CASCADE") out.cascade = true;
    if (node.value("missing_ok", false) && type == "AT_AddColumn") out.lenient = true;
    if (type == "AT_DropColumn" || type == "AT_DropConstraint") {
      is(type == "AT_DropColumn" ? "DROP COLUMN" : "DROP CONSTRAINT",
         type == "AT_DropColumn" ? "drop_column" : "drop_constraint", false);
      out.drops = true;
    }
    if (type == "AT_SetNotNull") is("SET NOT NULL", "set_not_null", true);
    if (type == "AT_AlterColumnType") is("TYPE", "change_type", true);
    if (type == "AT_SetLogged" || type == "AT_SetUnLogged") is("SET LOGGED", "", true);
    if (type == "AT_SetTableSpace") is("SET TABLESPACE", "", true);
    if (type == "AT_SetAccessMethod") is("SET ACCESS METHOD", "", true);
    if (type == "AT_ValidateConstraint") out.keeps_writers_out = false;
    if (type == "AT_DetachPartition" && object_at(object_at(node, "def"), "PartitionCmd").value("concurrent", false)) {
      is("DETACH PARTITION CONCURRENTLY", "", false);
      out.outside_transactions = true;
    }
    if (type == "AT_AddConstraint") constraint(object_at(object_at(node, "def"), "Constraint"));
    if (type == "AT_AddColumn" && rewrites(object_at(object_at(node, "def"), "ColumnDef")))
      is("ADD COLUMN", "add_column", true);
  }

  void constraint(const json& node) {
    const std::string type = text(node, "contype");
    const bool checked_at_once = !node.value("skip_validation", false);
    out.words = "ALTER TABLE … ADD CONSTRAINT";
    if (type == "CONSTR_CHECK" || type == "CONSTR_FOREIGN") {
      out.long_lock = out.long_lock || checked_at_once;
      if (checked_at_once) out.step = type == "CONSTR_CHECK" ? "add_check" : "add_foreign_key";
    }
    const bool builds = type == "CONSTR_UNIQUE" || type == "CONSTR_PRIMARY" || type == "CONSTR_EXCLUSION";
    if (!builds || node.contains("indexname")) return;
    out.builds_index = true;
    if (type == "CONSTR_UNIQUE") out.step = "add_unique";
  }

  /// A new column whose value has to be computed for each row that is there.
  static bool rewrites(const json& column) {
    static const std::set<std::string> serials = {"serial",    "serial4",     "serial8",
                                                  "bigserial", "smallserial", "serial2"};
    if (serials.contains(last_name(list_at(object_at(column, "typeName"), "names")))) return true;
    return std::ranges::any_of(list_at(column, "constraints"), [](const json& entry) {
      const json& one = object_at(entry, "Constraint");
      const std::string type = text(one, "contype");
      if (type == "CONSTR_GENERATED" || type == "CONSTR_IDENTITY") return true;
      return type == "CONSTR_DEFAULT" && any_node(one, [](const std::string& key, const json& value) {
               return key == "FuncCall" && last_name(list_at(value, "funcname")) != "now";
             });
    });
  }

  void rename(const json& node) {
    const std::string type = text(node, "renameType");
    if (type == "OBJECT_COLUMN" || type == "OBJECT_TABLE" || type == "OBJECT_TABCONSTRAINT")
      changes("RENAME", node, true);
    out.words = type == "OBJECT_COLUMN" ? "RENAME COLUMN" : "RENAME";
    if (type == "OBJECT_COLUMN" && !out.tables.empty()) out.step = "rename_column";
  }

  void truncate(const json& node) {
    out.words = "TRUNCATE";
    for (const json& one : list_at(node, "relations")) take(table_of_range(object_at(one, "RangeVar")));
    out.keeps_writers_out = !out.tables.empty();
    out.cascade = text(node, "behavior") == "DROP_CASCADE";
  }

  void lock(const json& node) {
    constexpr int share = 5;  // lockdefs.h: from here on writers are kept out
    out.words = "LOCK TABLE";
    for (const json& one : list_at(node, "relations")) take(table_of_range(object_at(one, "RangeVar")));
    out.keeps_writers_out = node.value("mode", 0) >= share && !out.tables.empty();
  }

  void grant(const json& node) {
    out.words = node.value("is_grant", false) ? "GRANT" : "REVOKE";
    if (!node.value("is_grant", false)) return;
    const bool all = text(node, "targtype") == "ACL_TARGET_ALL_IN_SCHEMA";
    for (const json& object : list_at(node, "objects")) {
      if (all && object.contains("String")) out.granted.push_back({text(object["String"], "sval"), "*"});
      if (object.contains("RangeVar")) out.granted.push_back(table_of_range(object["RangeVar"]));
    }
  }

  void whole_server(const std::string& kind, const json& node) {
    static const std::set<std::string> outside = {"CreatedbStmt",         "DropdbStmt",       "CreateTableSpaceStmt",
                                                  "DropTableSpaceStmt",   "AlterSystemStmt",  "CreateSubscriptionStmt",
                                                  "DropSubscriptionStmt", "AlterDatabaseStmt"};
    if (outside.contains(kind) && kind != "AlterDatabaseStmt") out.outside_transactions = true;
    if (kind == "AlterSystemStmt") out.words = "ALTER SYSTEM";
    if (kind == "CreatedbStmt") out.words = "CREATE DATABASE";
    if (kind == "VacuumStmt" && node.value("is_vacuumcmd", false)) {
      out.words = has_option(list_at(node, "options"), "full") ? "VACUUM FULL" : "VACUUM";
      out.outside_transactions = true;
    }
  }

  void rewriting(const std::string& kind, const json& node) {
    if (kind == "ClusterStmt") {
      changes("CLUSTER", node, true);
      out.long_lock = true;
    }
    if (kind == "RefreshMatViewStmt") {
      out.words = "REFRESH MATERIALIZED VIEW";
      out.long_lock = !node.value("concurrent", false) && !node.value("skipData", false);
    }
  }

  void lenient(const std::string& kind, const json& node) {
    const bool if_not_exists = node.value("if_not_exists", false);
    const bool or_replace = node.value("replace", false);
    out.lenient = out.lenient || (kind != "DropStmt" && (if_not_exists || or_replace));
  }

  const std::set<TableName>& made_;
};

// --- expressions ---------------------------------------------------------------------------------------------------

/// Whether a node is sure to be NULL when every column in it is.
bool surely_null(const json& node, int depth);

bool any_null(const json& list, int depth) {
  return std::ranges::any_of(list, [&](const json& one) { return surely_null(one, depth); });
}
bool all_null(const json& list, int depth) {
  return !list.empty() && std::ranges::all_of(list, [&](const json& one) { return surely_null(one, depth); });
}

/// Functions that are called although an argument is NULL, and give a value then.
bool bears_null(const std::string& function) {
  static const std::set<std::string> names = {"concat",
                                              "concat_ws",
                                              "format",
                                              "num_nulls",
                                              "num_nonnulls",
                                              "jsonb_build_object",
                                              "json_build_object",
                                              "jsonb_build_array",
                                              "json_build_array",
                                              "array_append",
                                              "array_prepend",
                                              "array_cat",
                                              "row_to_json",
                                              "to_jsonb"};
  return names.contains(function);
}

bool operator_null(const json& node, int depth) {
  const std::string kind = text(node, "kind");
  if (kind == "AEXPR_DISTINCT" || kind == "AEXPR_NOT_DISTINCT") return false;
  const bool left = node.contains("lexpr") && surely_null(node["lexpr"], depth);
  if (kind == "AEXPR_NULLIF" || kind == "AEXPR_IN" || kind.starts_with("AEXPR_BETWEEN")) return left;
  return left || (node.contains("rexpr") && surely_null(node["rexpr"], depth));
}

bool case_null(const json& node, int depth) {
  for (const json& entry : list_at(node, "args")) {
    const json& when = object_at(entry, "CaseWhen");
    const bool never = !node.contains("arg") && when.contains("expr") && surely_null(when["expr"], depth);
    if (!never && when.contains("result") && !surely_null(when["result"], depth)) return false;
  }
  return !node.contains("defresult") || surely_null(node["defresult"], depth);
}

bool surely_null(const json& node, int depth) {
  constexpr int deepest = 200;
  if (depth > deepest || !node.is_object() || node.empty()) return false;
  const auto entry = node.items().begin();
  const std::string& kind = entry.key();
  const json& inner = entry.value();
  if (kind == "ColumnRef") return true;
  if (kind == "A_Const") return inner.value("isnull", false);
  if (kind == "A_Expr") return operator_null(inner, depth + 1);
  if (kind == "TypeCast" || kind == "CollateClause" || kind == "A_Indirection")
    return inner.contains("arg") && surely_null(inner["arg"], depth + 1);
  if (kind == "FuncCall")
    return !bears_null(last_name(list_at(inner, "funcname"))) && any_null(list_at(inner, "args"), depth + 1);
  if (kind == "CoalesceExpr" || kind == "MinMaxExpr" || kind == "BoolExpr")
    return all_null(list_at(inner, "args"), depth + 1);
  if (kind == "CaseExpr") return case_null(inner, depth + 1);
  return false;
}

void note(std::vector<std::string>& names, const std::string& name) {
  if (!name.empty() && std::ranges::find(names, name) == names.end()) names.push_back(name);
}

}  // namespace

std::vector<SqlStatement> statements_of(const std::string& sql) {
  const Parsed parsed = parse(sql);
  std::vector<SqlStatement> all;
  if (parsed.error) return all;
  std::set<TableName> made;
  for (const json& entry : list_at(parsed.tree, "stmts")) {
    const json& statement = object_at(entry, "stmt");
    if (statement.contains("CreateStmt")) made.insert(table_of_range(object_at(statement["CreateStmt"], "relation")));
    if (statement.contains("CreateTableAsStmt"))
      made.insert(table_of_range(object_at(object_at(statement["CreateTableAsStmt"], "into"), "rel")));
  }
  for (const json& entry : list_at(parsed.tree, "stmts")) {
    const json& statement = object_at(entry, "stmt");
    if (statement.empty()) continue;
    Reading reading(made);
    const auto node = statement.items().begin();
    reading.read(node.key(), node.value());
    const auto from = std::min(entry.value("stmt_location", std::size_t{0}), sql.size());
    const auto length = entry.value("stmt_len", std::size_t{0});
    reading.out.text = sql.substr(from, length == 0 ? std::string::npos : length);
    all.push_back(std::move(reading.out));
  }
  return all;
}

SqlExpression expression_of(const std::string& expression) {
  SqlExpression out;
  const Parsed parsed = parse("SELECT (" + expression + "\n)");
  if (parsed.error) return out;
  const json& list = list_at(parsed.tree, "stmts");
  if (list.size() != 1) return out;
  const json& targets = list_at(object_at(object_at(list[0], "stmt"), "SelectStmt"), "targetList");
  if (targets.size() != 1) return out;
  const json& value = object_at(object_at(targets[0], "ResTarget"), "val");
  out.parsed = true;
  out.of_nulls = !surely_null(value, 0);
  out.copy = value.contains("ColumnRef");
  any_node(value, [&](const std::string& key, const json& node) {
    if (key == "ColumnRef") note(out.columns, last_name(list_at(node, "fields")));
    if (key == "FuncCall") note(out.calls, last_name(list_at(node, "funcname")));
    if (key == "TypeCast") note(out.casts, last_name(list_at(object_at(node, "typeName"), "names")));
    return false;
  });
  if (out.copy) note(out.columns, last_name(list_at(value["ColumnRef"], "fields")));
  return out;
}

}  // namespace switchback::plan_file
