#include "sql_look.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "sql_tree.hpp"
#include "switchback/core/batched.hpp"

namespace switchback::plan_file {
namespace {

struct Refused {
  std::string_view node;
  std::string_view words;
};

// Statements that take away or tighten whatever their arguments are.
constexpr std::array refused_nodes = {
    Refused{"DropStmt", "DROP"},
    Refused{"DropOwnedStmt", "DROP OWNED"},
    Refused{"DropRoleStmt", "DROP ROLE"},
    Refused{"DropdbStmt", "DROP DATABASE"},
    Refused{"DropTableSpaceStmt", "DROP TABLESPACE"},
    Refused{"DropSubscriptionStmt", "DROP SUBSCRIPTION"},
    Refused{"DropUserMappingStmt", "DROP USER MAPPING"},
    Refused{"TruncateStmt", "TRUNCATE"},
    Refused{"DeleteStmt", "DELETE"},
    Refused{"RenameStmt", "RENAME"},
    Refused{"AlterObjectSchemaStmt", "SET SCHEMA"},
};

constexpr std::array refused_commands = {
    Refused{"AT_DropColumn", "DROP COLUMN"},
    Refused{"AT_DropConstraint", "DROP CONSTRAINT"},
    Refused{"AT_SetNotNull", "SET NOT NULL"},
    Refused{"AT_AddConstraint", "ADD CONSTRAINT"},
    Refused{"AT_AddIndexConstraint", "ADD CONSTRAINT"},
    Refused{"AT_AlterColumnType", "ALTER COLUMN TYPE"},
    Refused{"AT_DropIdentity", "DROP IDENTITY"},
    Refused{"AT_DropExpression", "DROP EXPRESSION"},
    Refused{"AT_DropInherit", "NO INHERIT"},
    Refused{"AT_DetachPartition", "DETACH PARTITION"},
    Refused{"AT_DisableTrig", "DISABLE TRIGGER"},
    Refused{"AT_DisableTrigAll", "DISABLE TRIGGER"},
    Refused{"AT_DisableTrigUser", "DISABLE TRIGGER"},
    Refused{"AT_EnableRowSecurity", "ENABLE ROW LEVEL SECURITY"},
    Refused{"AT_ForceRowSecurity", "FORCE ROW LEVEL SECURITY"},
};

template <class Table>
std::string_view words_for(const Table& table, std::string_view node) {
  const auto found = std::ranges::find(table, node, &Refused::node);
  return found == table.end() ? std::string_view{} : found->words;
}

std::string column_constraint(const json& command) {
  const auto definition = command.find("def");
  if (definition == command.end() || !definition->contains("ColumnDef")) return {};
  const json& column = definition->at("ColumnDef");
  for (const json& entry : list_at(column, "constraints")) {
    const std::string type = entry.contains("Constraint") ? text(entry["Constraint"], "contype") : "";
    if (type == "CONSTR_NOTNULL") return "ADD COLUMN … NOT NULL";
    if (type == "CONSTR_CHECK" || type == "CONSTR_UNIQUE" || type == "CONSTR_PRIMARY" || type == "CONSTR_FOREIGN")
      return "ADD COLUMN with a constraint";
  }
  return {};
}

/// Of an object that a statement speaks of, whatever node it is.
std::string name_in(const std::string& node, const json& object) {
  if (node == "RangeVar") return relation_name({{"relation", object}});
  if (node == "List") return joined_name(list_at(object, "items"));
  if (node == "ObjectWithArgs") return joined_name(list_at(object, "objname"));
  return {};
}

/// Of the view, type or function that a statement makes; empty for others.
std::string name_made(const std::string& kind, const json& statement) {
  const auto relation = [&](const json& holder, const char* key) {
    return holder.contains(key) ? relation_name({{"relation", holder.at(key)}}) : std::string();
  };
  if (kind == "CreateStmt") return relation_name(statement);
  if (kind == "ViewStmt") return relation(statement, "view");
  if (kind == "CompositeTypeStmt") return relation(statement, "typevar");
  if (kind == "CreateTableAsStmt" && statement.contains("into")) return relation(statement.at("into"), "rel");
  if (kind == "CreateEnumStmt" || kind == "CreateRangeStmt") return joined_name(list_at(statement, "typeName"));
  if (kind == "CreateDomainStmt") return joined_name(list_at(statement, "domainname"));
  if (kind == "CreateFunctionStmt") return joined_name(list_at(statement, "funcname"));
  return {};
}

/// What a plan has hidden is out of everybody's reach: whoever gives it back takes nothing away.
bool is_taken_out_of_hiding(const json& statement) {
  return relation_name(statement).starts_with("switchback_hidden.");
}

class Look {
 public:
  SqlLook result;

  void statements(const json& tree) {
    const json& list = list_at(tree, "stmts");
    result.empty = list.empty();
    for (const json& entry : list) {
      if (!entry.contains("stmt")) continue;
      for (const auto& [kind, statement] : entry["stmt"].items()) {
        if (kind == "CreateStmt") created_.insert(relation_name(statement));
        if (const std::string made = name_made(kind, statement); !made.empty()) made_.insert(made);
      }
    }
    walk(list);
  }

 private:
  void refuse(std::string words) {
    if (!words.empty() && std::ranges::find(result.refused, words) == result.refused.end())
      result.refused.push_back(std::move(words));
  }

  /// Everywhere in the tree: a DELETE may stand in a WITH, a DROP in a CREATE SCHEMA. With a stack of its own, since
  /// SQL may nest deeper than ours reaches.
  void walk(const json& tree) {
    std::vector<const json*> ahead{&tree};
    while (!ahead.empty()) {
      const json& part = *ahead.back();
      ahead.pop_back();
      const std::size_t before = ahead.size();
      for (const auto& [key, value] : part.items()) {
        if (!value.is_structured()) continue;
        if (part.is_object()) node(key, value);
        // What a table gets that is made in the same step, nobody can be using yet.
        if (key != "AlterTableStmt" || !created_.contains(relation_name(value))) ahead.push_back(&value);
      }
      std::reverse(ahead.begin() + static_cast<std::ptrdiff_t>(before), ahead.end());  // in the order of the text
    }
  }

  void node(const std::string& name, const json& value) {
    if (name != "AlterObjectSchemaStmt" || !is_taken_out_of_hiding(value))
      refuse(std::string(words_for(refused_nodes, name)));
    if (name == "AlterTableCmd") command(value);
    if (name == "TransactionStmt") result.transaction_control = true;
    if (name == "DoStmt" || name == "CallStmt") result.opaque = true;
    if (name == "GrantStmt" && !value.value("is_grant", false) && !is_about_what_is_made(value)) refuse("REVOKE");
    if (name == "GrantRoleStmt" && !value.value("is_grant", false)) refuse("REVOKE");
    if (name == "AlterEnumStmt" && value.contains("oldVal")) refuse("RENAME VALUE");
    if (name == "MergeWhenClause" && text(value, "commandType") == "CMD_DELETE") refuse("DELETE");
    if (name == "AlterDomainStmt") domain(value);
    if (name == "IndexStmt" && !created_.contains(relation_name(value))) result.blocking_index = true;
  }

  void command(const json& value) {
    const std::string subtype = text(value, "subtype");
    refuse(std::string(words_for(refused_commands, subtype)));
    if (subtype == "AT_ColumnDefault" && !value.contains("def")) refuse("DROP DEFAULT");
    if (subtype == "AT_AddColumn") refuse(column_constraint(value));
  }

  void domain(const json& value) {
    const std::string subtype = text(value, "subtype");
    if (subtype == "O") refuse("SET NOT NULL");
    if (subtype == "C") refuse("ADD CONSTRAINT");
    if (subtype == "X") refuse("DROP CONSTRAINT");
    if (subtype == "T" && !value.contains("def")) refuse("DROP DEFAULT");
  }

  /// What nobody has had a right to yet nobody loses one to.
  bool is_about_what_is_made(const json& grant) const {
    const json& objects = list_at(grant, "objects");
    return !objects.empty() && std::ranges::all_of(objects, [&](const json& object) {
      return std::ranges::any_of(
          object.items(), [&](const auto& entry) { return made_.contains(name_in(entry.key(), entry.value())); });
    });
  }

  std::set<std::string> created_;
  std::set<std::string> made_;
};

std::optional<std::string> first_call(const json& tree) {
  std::vector<const json*> ahead{&tree};
  while (!ahead.empty()) {
    const json& part = *ahead.back();
    ahead.pop_back();
    for (const auto& [key, value] : part.items()) {
      if (value.is_structured()) ahead.push_back(&value);
      if (!part.is_object() || key != "FuncCall") continue;
      const json& names = list_at(value, "funcname");
      const bool named = !names.empty() && names.back().contains("String");
      const std::string name = named ? text(names.back()["String"], "sval") : "a function";
      if (name != "now") return name;
    }
  }
  return std::nullopt;
}

}  // namespace

SqlLook look_at_sql(const std::string& statements) {
  const Parsed parsed = parse(statements);
  Look look;
  if (parsed.error)
    look.result.unparsed = parsed.error;
  else
    look.statements(parsed.tree);
  return look.result;
}

bool bears_both_images(const std::string& sql) {
  const SqlLook look = look_at_sql(sql);
  return !look.unparsed && look.refused.empty() && !look.blocking_index && !look.opaque;
}

std::optional<Action> as_drop_step(const std::string& sql) {
  const Parsed parsed = parse(sql);
  if (parsed.error) return std::nullopt;
  const json& list = list_at(parsed.tree, "stmts");
  if (list.size() != 1 || !list[0].contains("stmt") || !list[0]["stmt"].contains("DropStmt")) return std::nullopt;
  const json& drop = list[0]["stmt"]["DropStmt"];
  const json& objects = list_at(drop, "objects");
  if (objects.size() != 1 || !objects[0].contains("List") || text(drop, "behavior") == "DROP_CASCADE")
    return std::nullopt;
  const json& parts = list_at(objects[0]["List"], "items");
  if (parts.empty() || parts.size() > 2) return std::nullopt;
  const std::string schema = parts.size() == 2 ? text(parts[0]["String"], "sval") : "public";
  const TableName name{schema, text(parts.back()["String"], "sval")};
  const std::string type = text(drop, "removeType");
  if (type == "OBJECT_TABLE") return DropTable{name};
  if (type == "OBJECT_VIEW" || type == "OBJECT_MATVIEW") return DropView{name};
  return std::nullopt;
}

std::optional<std::string> why_not_one(const std::string& sql, std::string_view node) {
  const Parsed parsed = parse(sql);
  if (parsed.error) return parsed.error;
  const json& list = list_at(parsed.tree, "stmts");
  if (list.size() == 1 && list[0].contains("stmt") && list[0]["stmt"].contains(std::string(node))) return std::nullopt;
  return "there is another statement in it";
}

std::optional<std::string> why_not_batched(const std::string& sql) {
  const auto at = sql.find(batch_rows);
  if (at == std::string::npos || sql.find(batch_rows, at + 1) != std::string::npos)
    return "{rows} stands for the rows of one batch: it must be in the statement, once";
  const std::string sketch = batched_sketch(sql);
  const Parsed parsed = parse(sketch);
  if (parsed.error) return "cannot be parsed: " + *parsed.error;
  const json& list = list_at(parsed.tree, "stmts");
  const bool one = list.size() == 1 && list[0].contains("stmt");
  if (!one || !(list[0]["stmt"].contains("UpdateStmt") || list[0]["stmt"].contains("InsertStmt")))
    return "it must be one UPDATE, or one INSERT … SELECT: both images go on working meanwhile";
  const SqlLook look = look_at_sql(sketch);
  if (!look.refused.empty()) return look.refused.front() + " takes away what images may be using";
  return std::nullopt;
}

std::optional<bool> makes_unique_index(const std::string& sql) {
  const Parsed parsed = parse(sql);
  if (parsed.error) return std::nullopt;
  const json& list = list_at(parsed.tree, "stmts");
  if (list.size() != 1 || !list[0].contains("stmt") || !list[0]["stmt"].contains("IndexStmt")) return std::nullopt;
  return list[0]["stmt"]["IndexStmt"].value("unique", false);
}

std::optional<std::string> called_function(const std::string& expression) {
  const Parsed parsed = parse("SELECT (" + expression + ")");
  return parsed.error ? std::nullopt : first_call(parsed.tree);
}

}  // namespace switchback::plan_file
