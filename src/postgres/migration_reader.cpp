#include "switchback/postgres/migration_reader.hpp"

#include <algorithm>
#include <array>
#include <functional>

#include "migration_text.hpp"
#include "migration_tree.hpp"
#include "switchback/core/rule.hpp"

namespace switchback::postgres {
namespace {

using namespace migration;
using What = decltype(MigrationStatement::what);

// libpg_query overflows an 8 MiB stack at some 65,000 levels; an operator and its operand, two bytes, are one level.
constexpr std::size_t longest_statement = std::size_t{64} << 10;

/// Where tools keep what they have run.
constexpr std::array records = {"schema_migrations",      "ar_internal_metadata",
                                "alembic_version",        "django_migrations",
                                "flyway_schema_history",  "schema_version",
                                "databasechangelog",      "databasechangeloglock",
                                "goose_db_version",       "gorp_migrations",
                                "knex_migrations",        "knex_migrations_lock",
                                "_prisma_migrations",     "migrations",
                                "typeorm_migrations",     "SequelizeMeta",
                                "_sqlx_migrations",       "__diesel_schema_migrations",
                                "refinery_schema_history"};

bool is_record(const TableName& table) {
  return std::ranges::find(records, table.name) != records.end();
}

/// The constraint's name where none is given: as the server makes it (ChooseConstraintName).
std::string made_name(const TableName& table, const std::vector<std::string>& columns, std::string_view end) {
  std::string name = table.name;
  for (const std::string& column : columns) name += "_" + column;
  return fit_name(name + "_" + std::string(end));
}

KeyAction key_action(std::string_view letter) {
  if (letter == "r") return KeyAction::restrict_;
  if (letter == "c") return KeyAction::cascade;
  if (letter == "n") return KeyAction::set_null;
  if (letter == "d") return KeyAction::set_default;
  return KeyAction::no_action;
}

class Reader {
 public:
  std::vector<MigrationStatement> read(std::string_view text) {
    const MigrationText cut = cut_migration(text);
    for (const PassedText& one : cut.passed) put(ddl::PassedOver{one.why}, one.text, one.place);
    if (!cut.unread.empty()) put(ddl::Unread{cut.unread + ": the file cannot be cut into statements"}, "", {1, 1});
    for (const StatementText& one : cut.statements) read_statement(one);
    std::ranges::stable_sort(statements_, [](const MigrationStatement& one, const MigrationStatement& other) {
      return std::pair(one.place.line, one.place.column) < std::pair(other.place.line, other.place.column);
    });
    return std::move(statements_);
  }

 private:
  void put(What what, std::string sql, Place place) { statements_.push_back({std::move(what), std::move(sql), place}); }
  void put(What what) { put(std::move(what), text_->text, text_->place); }

  void read_statement(const StatementText& text) {
    text_ = &text;
    if (text.text.starts_with('\\')) return put(ddl::Unread{"a command of psql that runs other SQL"});
    if (text.text.size() > longest_statement) return put(ddl::Unread{"it is longer than 64 KiB"});
    EditableTree tree(text.text);
    if (tree.root() == nullptr || tree.root()->n_stmts != 1) return put(ddl::Unread{hinted(tree.error())});
    const std::size_t before = statements_.size();
    read_node(*tree.root()->stmts[0]->stmt);
    if (text.rollback.empty()) return;
    for (std::size_t i = before; i < statements_.size(); ++i)
      if (auto* other = std::get_if<ddl::Other>(&statements_[i].what); other != nullptr && !other->undo)
        other->undo = text.rollback;
  }

  std::string hinted(const std::string& error) const {
    if (text_->text.find("${") != std::string::npos)
      return error + " (it has a placeholder, ${…}: put in the value that the tool would)";
    return error;
  }

  void read_node(Node& node) {
    switch (node.node_case) {
      case PG_QUERY__NODE__NODE_TRANSACTION_STMT:
        return put(ddl::PassedOver{"transactions are begun and ended by the engine"});
      case PG_QUERY__NODE__NODE_VARIABLE_SET_STMT:
        return read_setting(*node.variable_set_stmt);
      case PG_QUERY__NODE__NODE_VARIABLE_SHOW_STMT:
        return put(ddl::PassedOver{"it changes nothing"});
      case PG_QUERY__NODE__NODE_LOCK_STMT:
        return put(ddl::PassedOver{"the engine takes its own locks"});
      case PG_QUERY__NODE__NODE_VACUUM_STMT:
        return put(ddl::PassedOver{"VACUUM and ANALYZE are run by hand; the engine analyses what it fills"});
      case PG_QUERY__NODE__NODE_ALTER_TABLE_STMT:
        return read_alter(*node.alter_table_stmt);
      case PG_QUERY__NODE__NODE_RENAME_STMT:
        return read_rename(*node.rename_stmt);
      case PG_QUERY__NODE__NODE_CREATE_STMT:
        return read_create(node);
      case PG_QUERY__NODE__NODE_INDEX_STMT:
        return read_index(node);
      case PG_QUERY__NODE__NODE_DROP_STMT:
        return read_drop(*node.drop_stmt);
      case PG_QUERY__NODE__NODE_CREATE_ENUM_STMT:
        return put(
            ddl::OneStep{CreateEnum{table_of(node.create_enum_stmt->type_name, node.create_enum_stmt->n_type_name),
                                    strings(node.create_enum_stmt->vals, node.create_enum_stmt->n_vals)}});
      case PG_QUERY__NODE__NODE_ALTER_ENUM_STMT:
        return read_enum_value(*node.alter_enum_stmt);
      case PG_QUERY__NODE__NODE_VIEW_STMT:
        return read_view(node);
      case PG_QUERY__NODE__NODE_COMMENT_STMT:
        return read_comment(node);
      case PG_QUERY__NODE__NODE_UPDATE_STMT:
        return read_update(*node.update_stmt);
      case PG_QUERY__NODE__NODE_INSERT_STMT:
        return read_rows("INSERT", *node.insert_stmt->relation);
      case PG_QUERY__NODE__NODE_DELETE_STMT:
        return read_rows("DELETE", *node.delete_stmt->relation);
      case PG_QUERY__NODE__NODE_SELECT_STMT:
        return read_select();
      default:
        return put(other_of(node));
    }
  }

  void read_setting(const PgQuery__VariableSetStmt& set) {
    if (std::string_view(set.name) != "search_path" || set.n_args == 0)
      return put(ddl::PassedOver{"a setting of the tool's own session; the engine has lock_timeout and its like"});
    const Node& first = *set.args[0];
    const bool constant =
        first.node_case == PG_QUERY__NODE__NODE_A_CONST && first.a_const->val_case == PG_QUERY__A__CONST__VAL_SVAL;
    const std::string schema = constant ? first.a_const->sval->sval : "";
    schema_ = schema.empty() || schema == "$user" ? "public" : schema;
    put(ddl::PassedOver{"names without a schema are taken to be of " + schema_ + " from here on"});
  }

  /// pg_dump's own way to say SET search_path; anything else may do something.
  void read_select() {
    if (text_->text.find("set_config") != std::string::npos && text_->text.find("search_path") != std::string::npos)
      return put(ddl::PassedOver{"a setting of the tool's own session"});
    ddl::Other other;
    other.what = "SELECT";
    other.rows = true;
    put(std::move(other));
  }

  TableName table_of(const PgQuery__RangeVar& relation) const { return table_name(relation, schema_); }
  TableName table_of(Node* const* names, std::size_t count) const { return table_name(names, count, schema_); }

  // --- ALTER TABLE

  void read_alter(PgQuery__AlterTableStmt& alter) {
    const TableName table = table_of(*alter.relation);
    if (is_record(table)) return put(ddl::PassedOver{"a tool's own record of what has run"});
    Node** const commands = alter.cmds;
    const std::size_t count = alter.n_cmds;
    for (std::size_t i = 0; i < count; ++i) {
      alter.cmds = commands + i;
      alter.n_cmds = 1;
      Node whole = PG_QUERY__NODE__INIT;
      whole.node_case = PG_QUERY__NODE__NODE_ALTER_TABLE_STMT;
      whole.alter_table_stmt = &alter;
      const bool plain = alter.objtype == PG_QUERY__OBJECT_TYPE__OBJECT_TABLE;
      const std::string sql = count == 1 ? text_->text : deparsed(whole);
      const bool index = alter.objtype == PG_QUERY__OBJECT_TYPE__OBJECT_INDEX;
      PgQuery__AlterTableCmd& one = *commands[i]->alter_table_cmd;
      const auto parameters = index ? storage_parameters(table, true, one) : std::nullopt;
      What what = plain ? command(table, one) : parameters ? What(ddl::OneStep{*parameters}) : What(other_of(whole));
      if (auto* other = std::get_if<ddl::Other>(&what)) other->table = table;
      put(std::move(what), sql, text_->place);
    }
    alter.cmds = commands;
    alter.n_cmds = count;
  }

  What command(const TableName& table, PgQuery__AlterTableCmd& one) {
    const std::string name = one.name;
    const bool cascade = one.behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE;
    switch (one.subtype) {
      case PG_QUERY__ALTER_TABLE_TYPE__AT_AddColumn:
        return new_column(table, *one.def->column_def);
      case PG_QUERY__ALTER_TABLE_TYPE__AT_DropColumn:
        return ddl::GoneColumn{table, name, cascade};
      case PG_QUERY__ALTER_TABLE_TYPE__AT_ColumnDefault:
        return ddl::ColumnDefault{table, name,
                                  one.def != nullptr ? std::optional(expression_text(one.def)) : std::nullopt};
      case PG_QUERY__ALTER_TABLE_TYPE__AT_SetNotNull:
        return ddl::Nullability{table, name, true};
      case PG_QUERY__ALTER_TABLE_TYPE__AT_DropNotNull:
        return ddl::Nullability{table, name, false};
      case PG_QUERY__ALTER_TABLE_TYPE__AT_AlterColumnType:
        return retyped(table, name, *one.def->column_def);
      case PG_QUERY__ALTER_TABLE_TYPE__AT_AddConstraint:
        return new_constraint(table, *one.def);
      case PG_QUERY__ALTER_TABLE_TYPE__AT_DropConstraint:
        return ddl::GoneConstraint{table, name, cascade};
      case PG_QUERY__ALTER_TABLE_TYPE__AT_ValidateConstraint:
        return ddl::ValidatedConstraint{table, name};
      default: {
        if (auto step = setting_step(table, one)) return ddl::OneStep{std::move(*step)};
        ddl::Other other;
        other.what = "ALTER TABLE";
        other.undo = opposite(table, one);
        return other;
      }
    }
  }

  /// What the server keeps of a table, where a step has a key for all of it.
  static std::optional<Action> setting_step(const TableName& table, const PgQuery__AlterTableCmd& one) {
    const std::string name = one.name;
    switch (one.subtype) {
      case PG_QUERY__ALTER_TABLE_TYPE__AT_SetRelOptions:
        if (auto step = storage_parameters(table, false, one)) return *step;
        return std::nullopt;
      case PG_QUERY__ALTER_TABLE_TYPE__AT_ReplicaIdentity:
        return replica_identity(table, *one.def->replica_identity_stmt);
      case PG_QUERY__ALTER_TABLE_TYPE__AT_SetStatistics:
        if (name.empty() || one.def == nullptr || one.def->node_case != PG_QUERY__NODE__NODE_INTEGER)
          return std::nullopt;  // of a column by its number
        return SetStatistics{table, name, one.def->integer->ival};
      case PG_QUERY__ALTER_TABLE_TYPE__AT_SetStorage:
        return SetStorage{table, name, lower_word(one.def), {}};
      case PG_QUERY__ALTER_TABLE_TYPE__AT_SetCompression:
        return SetStorage{table, name, {}, lower_word(one.def)};
      default:
        return std::nullopt;
    }
  }

  static std::string lower_word(const Node* node) {
    std::string word(string_of(node));
    std::ranges::transform(word, word.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return word;
  }

  static std::optional<Action> replica_identity(const TableName& table, const PgQuery__ReplicaIdentityStmt& set) {
    const std::string_view type = set.identity_type;
    if (type == "i") return SetReplicaIdentity{table, Identity::index, set.name};
    return SetReplicaIdentity{table,
                              type == "f"   ? Identity::full
                              : type == "n" ? Identity::nothing
                                            : Identity::primary_key,
                              {}};
  }

  static std::optional<SetStorageParameters> storage_parameters(const TableName& name, bool index,
                                                                const PgQuery__AlterTableCmd& one) {
    if (one.subtype != PG_QUERY__ALTER_TABLE_TYPE__AT_SetRelOptions || one.def == nullptr ||
        one.def->node_case != PG_QUERY__NODE__NODE_LIST)
      return std::nullopt;
    SetStorageParameters step{name, index, {}};
    for (std::size_t i = 0; i < one.def->list->n_items; ++i) {
      const PgQuery__DefElem& parameter = *one.def->list->items[i]->def_elem;
      auto value = parameter_value(parameter.arg);
      if (!value) return std::nullopt;
      const std::string in = parameter.defnamespace;
      step.set.emplace_back((in.empty() ? "" : in + ".") + parameter.defname, std::move(*value));
    }
    return step;
  }

  static std::optional<std::string> parameter_value(const Node* value) {
    if (value == nullptr) return "true";
    switch (value->node_case) {
      case PG_QUERY__NODE__NODE_INTEGER:
        return std::to_string(value->integer->ival);
      case PG_QUERY__NODE__NODE_FLOAT:
        return std::string(value->float_->fval);
      case PG_QUERY__NODE__NODE_STRING:
        return std::string(string_of(value));
      case PG_QUERY__NODE__NODE_TYPE_NAME: {
        const auto names = strings(value->type_name->names, value->type_name->n_names);
        return names.empty() ? std::nullopt : std::optional(names.back());
      }
      default:
        return std::nullopt;
    }
  }

  /// Commands that another one takes back exactly, as long as they did anything.
  static std::optional<std::string> opposite(const TableName& table, const PgQuery__AlterTableCmd& one) {
    const std::string alter = "ALTER TABLE " + shown(table) + " ";
    switch (one.subtype) {
      case PG_QUERY__ALTER_TABLE_TYPE__AT_EnableRowSecurity:
        return alter + "DISABLE ROW LEVEL SECURITY";
      case PG_QUERY__ALTER_TABLE_TYPE__AT_DisableRowSecurity:
        return alter + "ENABLE ROW LEVEL SECURITY";
      case PG_QUERY__ALTER_TABLE_TYPE__AT_ForceRowSecurity:
        return alter + "NO FORCE ROW LEVEL SECURITY";
      case PG_QUERY__ALTER_TABLE_TYPE__AT_NoForceRowSecurity:
        return alter + "FORCE ROW LEVEL SECURITY";
      default:
        return std::nullopt;
    }
  }

  static What retyped(const TableName& table, const std::string& name, const PgQuery__ColumnDef& column) {
    ddl::RetypedColumn retyped{table, name, type_text(*column.type_name), {}};
    if (column.coll_clause != nullptr) retyped.type += collation_text(*column.coll_clause);
    if (column.raw_default == nullptr) return retyped;
    const Node* cast = column.raw_default;
    const bool only_casts = cast->node_case == PG_QUERY__NODE__NODE_TYPE_CAST &&
                            is_column(*cast->type_cast->arg, name) &&
                            type_text(*cast->type_cast->type_name) == type_text(*column.type_name);
    if (!only_casts && !is_column(*cast, name)) retyped.conversion = row_expression(column.raw_default, table.name);
    return retyped;
  }

  ddl::NewColumn new_column(const TableName& table, PgQuery__ColumnDef& column) {
    ddl::NewColumn added;
    added.table = table;
    added.name = column.colname;
    added.type = type_text(*column.type_name);
    added.definition = column_text(column).second;
    if (column.coll_clause != nullptr) added.type += collation_text(*column.coll_clause);
    if (const std::string serial = added.type; serial.ends_with("serial") || serial.ends_with("serial8"))
      added.odd = "a column of type " + serial;
    for (std::size_t i = 0; i < column.n_constraints; ++i)
      read_column_constraint(added, *column.constraints[i]->constraint);
    return added;
  }

  void read_column_constraint(ddl::NewColumn& column, PgQuery__Constraint& one) {
    const std::vector<std::string> itself{column.name};
    switch (one.contype) {
      case PG_QUERY__CONSTR_TYPE__CONSTR_NULL:
        return;
      case PG_QUERY__CONSTR_TYPE__CONSTR_NOTNULL:
        column.not_null = true;
        return;
      case PG_QUERY__CONSTR_TYPE__CONSTR_DEFAULT:
        column.default_value = expression_text(one.raw_expr);
        return;
      case PG_QUERY__CONSTR_TYPE__CONSTR_IDENTITY:
        column.odd = "an identity column";
        return;
      case PG_QUERY__CONSTR_TYPE__CONSTR_GENERATED:
        column.odd = "a generated column";
        return;
      case PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY:
        column.odd = "a primary key";
        return;
      case PG_QUERY__CONSTR_TYPE__CONSTR_ATTR_DEFERRABLE:
      case PG_QUERY__CONSTR_TYPE__CONSTR_ATTR_DEFERRED:
        column.odd = "a deferrable constraint";
        return;
      case PG_QUERY__CONSTR_TYPE__CONSTR_ATTR_NOT_DEFERRABLE:
      case PG_QUERY__CONSTR_TYPE__CONSTR_ATTR_IMMEDIATE:
        return;
      default:
        if (auto rule = rule_from(column.table, one, itself); rule && odd_words(one).empty())
          column.rules.push_back(std::move(*rule));
        else
          column.odd = "a constraint " + odd_words(one);
    }
  }

  // --- constraints

  static std::string odd_words(const PgQuery__Constraint& one) {
    if (one.deferrable) return "DEFERRABLE";
    if (one.is_no_inherit) return "NO INHERIT";
    if (one.nulls_not_distinct) return "NULLS NOT DISTINCT";
    if (one.n_including > 0) return "INCLUDE";
    if (one.n_options > 0) return "WITH";
    if (one.n_fk_del_set_cols > 0) return "ON DELETE SET with columns";
    if (std::string_view(one.fk_matchtype) == "f") return "MATCH FULL";
    if (one.contype == PG_QUERY__CONSTR_TYPE__CONSTR_EXCLUSION) return "EXCLUDE";
    return "";
  }

  std::optional<Rule> rule_from(const TableName& table, PgQuery__Constraint& one,
                                std::vector<std::string> columns) const {
    const std::string given = one.conname;
    const auto named = [&](const std::string& made) { return given.empty() ? made : given; };
    if (one.contype == PG_QUERY__CONSTR_TYPE__CONSTR_CHECK) {
      const RowExpression check = row_expression(one.raw_expr, table.name);
      const std::vector<std::string> of(check.columns.begin(), check.columns.end());
      return AddCheck{table, check.sql,
                      named(made_name(table, of.size() == 1 ? of : std::vector<std::string>{}, "check"))};
    }
    if (one.contype == PG_QUERY__CONSTR_TYPE__CONSTR_UNIQUE) {
      if (one.n_keys > 0) columns = strings(one.keys, one.n_keys);
      const std::string name = named(made_name(table, columns, "key"));
      return AddUnique{table, std::move(columns), name};
    }
    if (one.contype != PG_QUERY__CONSTR_TYPE__CONSTR_FOREIGN) return std::nullopt;
    AddForeignKey key;
    key.table = table;
    key.columns = one.n_fk_attrs > 0 ? strings(one.fk_attrs, one.n_fk_attrs) : std::move(columns);
    key.referenced = table_of(*one.pktable);
    key.referenced_columns = strings(one.pk_attrs, one.n_pk_attrs);
    key.on_delete = key_action(one.fk_del_action);
    key.on_update = key_action(one.fk_upd_action);
    key.name = named(made_name(table, key.columns, "fkey"));
    return key;
  }

  /// Where each element is a column or an expression and nothing else, with an operator that needs no schema.
  static std::optional<AddExclusion> exclusion_from(const TableName& table, const PgQuery__Constraint& one) {
    AddExclusion made;
    made.table = table;
    if (!std::string_view(one.access_method).empty()) made.method = one.access_method;
    if (!std::string_view(one.conname).empty()) made.name = one.conname;
    if (one.where_clause != nullptr) made.where = expression_text(one.where_clause);
    for (std::size_t i = 0; i < one.n_exclusions; ++i) {
      const Node& pair = *one.exclusions[i];
      if (pair.node_case != PG_QUERY__NODE__NODE_LIST || pair.list->n_items != 2) return std::nullopt;
      const PgQuery__IndexElem& key = *pair.list->items[0]->index_elem;
      const Node& with = *pair.list->items[1];
      const bool bare = with.node_case == PG_QUERY__NODE__NODE_LIST && with.list->n_items == 1;
      if (!is_plain(key) || !bare) return std::nullopt;
      made.elements.emplace_back(key_text(key), std::string(string_of(with.list->items[0])));
    }
    return made.elements.empty() ? std::nullopt : std::optional(made);
  }

  static bool is_plain(const PgQuery__IndexElem& key) {
    return key.n_collation == 0 && key.n_opclass == 0 && key.n_opclassopts == 0 &&
           key.ordering <= PG_QUERY__SORT_BY_DIR__SORTBY_DEFAULT &&
           key.nulls_ordering <= PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_DEFAULT;
  }
  static std::string key_text(const PgQuery__IndexElem& key) {
    return key.expr != nullptr ? "(" + expression_text(key.expr) + ")" : std::string(key.name);
  }

  ddl::NewConstraint new_constraint(const TableName& table, Node& node) {
    PgQuery__Constraint& one = *node.constraint;
    ddl::NewConstraint made;
    made.table = table;
    made.name = one.conname;
    made.primary = one.contype == PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY;
    made.using_index = one.indexname;
    made.odd = odd_words(one);
    if (made.odd == "EXCLUDE") made.exclusion = exclusion_from(table, one);
    one.skip_validation = 0;
    one.initially_valid = 1;
    if (made.using_index.empty()) {
      made.rule = rule_from(table, one, {});
      if (made.rule)
        made.name = std::visit(
            [](const auto& rule) {
              if constexpr (requires { rule.name; })
                return rule.name.value_or("");
              else
                return std::string();
            },
            *made.rule);
      if (!made.odd.empty()) made.rule.reset();
    }
    if (made.name.empty() && made.primary) made.name = fit_name(table.name + "_pkey");
    if (made.name.empty()) made.name = made.using_index;
    std::string name = made.name;
    char* const given = one.conname;
    if (!name.empty()) one.conname = name.data();
    made.definition = constraint_text(node);
    one.conname = given;
    return made;
  }

  // --- CREATE TABLE, CREATE INDEX

  void read_create(Node& node) {
    PgQuery__CreateStmt& create = *node.create_stmt;
    ddl::NewTable made;
    made.table.name = table_of(*create.relation);
    if (is_record(made.table.name)) return put(ddl::PassedOver{"a tool's own record of what has run"});
    made.odd = create.n_inh_relations > 0                                 ? "INHERITS"
               : create.partbound != nullptr                              ? "PARTITION OF"
               : create.partspec != nullptr                               ? "PARTITION BY"
               : create.of_typename != nullptr                            ? "OF"
               : create.n_options > 0                                     ? "WITH"
               : std::string_view(create.relation->relpersistence) != "p" ? "TEMPORARY or UNLOGGED"
               : !std::string_view(create.tablespacename).empty()         ? "TABLESPACE"
               : create.if_not_exists != 0                                ? "IF NOT EXISTS"
                                                                          : "";
    for (std::size_t i = 0; i < create.n_table_elts; ++i) {
      Node& element = *create.table_elts[i];
      if (element.node_case == PG_QUERY__NODE__NODE_COLUMN_DEF)
        made.table.columns.push_back(column_text(*element.column_def));
      else if (element.node_case == PG_QUERY__NODE__NODE_CONSTRAINT)
        read_table_constraint(made.table, element);
      else
        made.odd = "LIKE";
    }
    if (made.table.columns.empty() && made.odd.empty()) made.odd = "no columns";
    put(std::move(made));
  }

  static void read_table_constraint(CreateTable& table, Node& node) {
    const PgQuery__Constraint& one = *node.constraint;
    const bool plain_key =
        one.contype == PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY && odd_words(one).empty() &&
        (std::string_view(one.conname).empty() || one.conname == fit_name(table.name.name + "_pkey"));
    if (plain_key)
      table.primary_key = strings(one.keys, one.n_keys);
    else
      table.constraints.push_back(constraint_text(node));
  }

  void read_index(Node& node) {
    PgQuery__IndexStmt& index = *node.index_stmt;
    CreateIndex made;
    made.table = table_of(*index.relation);
    made.unique = index.unique != 0;
    made.method = std::string_view(index.access_method).empty() ? "btree" : index.access_method;
    if (!std::string_view(index.idxname).empty()) made.name = index.idxname;
    if (index.where_clause != nullptr) made.where = expression_text(index.where_clause);
    bool plain = index.n_options == 0 && index.nulls_not_distinct == 0 && std::string_view(index.table_space).empty() &&
                 index.relation->inh != 0;
    for (std::size_t i = 0; i < index.n_index_params; ++i) {
      const PgQuery__IndexElem& key = *index.index_params[i]->index_elem;
      plain = plain && is_plain(key);
      made.columns.push_back(key_text(key));
    }
    for (std::size_t i = 0; i < index.n_index_including_params; ++i)
      made.include.emplace_back(index.index_including_params[i]->index_elem->name);
    if (!plain) {
      index.concurrent = 0;
      index.if_not_exists = 0;
      made.definition = deparsed(node);
    }
    put(ddl::NewIndex{std::move(made)});
  }

  // --- RENAME, DROP

  void read_rename(PgQuery__RenameStmt& rename) {
    const std::string to = rename.newname;
    if (rename.relation != nullptr && rename.rename_type == PG_QUERY__OBJECT_TYPE__OBJECT_COLUMN &&
        rename.relation_type == PG_QUERY__OBJECT_TYPE__OBJECT_TABLE)
      return put(ddl::RenamedColumn{table_of(*rename.relation), rename.subname, to});
    if (rename.relation != nullptr && rename.rename_type == PG_QUERY__OBJECT_TYPE__OBJECT_TABLE)
      return put(ddl::RenamedTable{table_of(*rename.relation), to});
    if (rename.relation != nullptr && rename.rename_type == PG_QUERY__OBJECT_TYPE__OBJECT_TABCONSTRAINT)
      return put(ddl::OneStep{RenameConstraint{table_of(*rename.relation), rename.subname, to}});
    if (rename.relation != nullptr && rename.rename_type == PG_QUERY__OBJECT_TYPE__OBJECT_INDEX)
      return put(ddl::OneStep{RenameIndex{table_of(*rename.relation), to}});
    Node whole = PG_QUERY__NODE__INIT;
    whole.node_case = PG_QUERY__NODE__NODE_RENAME_STMT;
    whole.rename_stmt = &rename;
    put(other_of(whole));
  }

  void read_drop(PgQuery__DropStmt& drop) {
    Node** const objects = drop.objects;
    const std::size_t count = drop.n_objects;
    for (std::size_t i = 0; i < count; ++i) {
      drop.objects = objects + i;
      drop.n_objects = 1;
      Node whole = PG_QUERY__NODE__INIT;
      whole.node_case = PG_QUERY__NODE__NODE_DROP_STMT;
      whole.drop_stmt = &drop;
      const std::string sql = count == 1 ? text_->text : deparsed(whole);
      put(dropped(drop.remove_type, *objects[i], drop.behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE, whole), sql,
          text_->place);
    }
    drop.objects = objects;
    drop.n_objects = count;
  }

  What dropped(PgQuery__ObjectType type, const Node& object, bool cascade, Node& whole) const {
    if (object.node_case == PG_QUERY__NODE__NODE_LIST) {
      const TableName name = table_of(object.list->items, object.list->n_items);
      if (type == PG_QUERY__OBJECT_TYPE__OBJECT_TABLE) return ddl::Gone{DropTable{name}, cascade};
      if (type == PG_QUERY__OBJECT_TYPE__OBJECT_INDEX) return ddl::Gone{DropIndex{name}, cascade};
      if (type == PG_QUERY__OBJECT_TYPE__OBJECT_VIEW || type == PG_QUERY__OBJECT_TYPE__OBJECT_MATVIEW)
        return ddl::Gone{DropView{name}, cascade};
    }
    if (object.node_case == PG_QUERY__NODE__NODE_TYPE_NAME &&
        (type == PG_QUERY__OBJECT_TYPE__OBJECT_TYPE || type == PG_QUERY__OBJECT_TYPE__OBJECT_DOMAIN))
      return ddl::Gone{DropType{table_of(object.type_name->names, object.type_name->n_names)}, cascade};
    const bool function =
        type == PG_QUERY__OBJECT_TYPE__OBJECT_FUNCTION || type == PG_QUERY__OBJECT_TYPE__OBJECT_PROCEDURE;
    if (object.node_case == PG_QUERY__NODE__NODE_OBJECT_WITH_ARGS && function &&
        object.object_with_args->args_unspecified == 0) {
      const PgQuery__ObjectWithArgs& routine = *object.object_with_args;
      DropFunction step{table_of(routine.objname, routine.n_objname), {}};
      for (std::size_t i = 0; i < routine.n_objargs; ++i)
        step.arguments += (i == 0 ? "" : ", ") + type_text(*routine.objargs[i]->type_name);
      return ddl::Gone{std::move(step), cascade};
    }
    return other_of(whole);
  }

  // --- the rest

  void read_enum_value(const PgQuery__AlterEnumStmt& alter) {
    const TableName type = table_of(alter.type_name, alter.n_type_name);
    if (!std::string_view(alter.old_val).empty()) {
      ddl::Other other;
      other.what = "RENAME VALUE";
      other.undo = "ALTER TYPE " + shown(type) + " RENAME VALUE " + quote_literal(alter.new_val) + " TO " +
                   quote_literal(alter.old_val);
      return put(std::move(other));
    }
    AddEnumValue value{type, alter.new_val, {}, {}};
    if (!std::string_view(alter.new_val_neighbor).empty())
      (alter.new_val_is_after != 0 ? value.after : value.before) = alter.new_val_neighbor;
    put(ddl::OneStep{std::move(value)});
  }

  void read_view(Node& node) {
    const PgQuery__ViewStmt& view = *node.view_stmt;
    const bool plain = view.replace == 0 && view.n_options == 0 && view.n_aliases == 0 &&
                       view.with_check_option <= PG_QUERY__VIEW_CHECK_OPTION__NO_CHECK_OPTION &&
                       std::string_view(view.view->relpersistence) == "p";
    if (!plain) return put(other_of(node));
    CreateView step;
    step.name = table_of(*view.view);
    step.query = deparsed(*view.query);
    put(ddl::OneStep{std::move(step)});
  }

  void read_comment(Node& node) {
    const PgQuery__CommentStmt& comment = *node.comment_stmt;
    if (auto step = comment_step(comment, schema_); step && !step->comment.empty())
      return put(ddl::OneStep{std::move(*step)});
    ddl::Other other;
    other.what = "COMMENT ON";
    if (!std::string_view(comment.comment).empty()) {
      char* const text = comment.comment;
      node.comment_stmt->comment = const_cast<char*>("");
      other.undo = deparsed(node);
      node.comment_stmt->comment = text;
    }
    put(std::move(other));
  }

  void read_rows(const std::string& what, const PgQuery__RangeVar& relation) {
    const TableName table = table_of(relation);
    if (is_record(table)) return put(ddl::PassedOver{"a tool's own record of what has run: let the tool keep it"});
    ddl::Other other;
    other.what = what;
    other.rows = true;
    other.table = table;
    put(std::move(other));
  }

  void read_update(PgQuery__UpdateStmt& update) {
    ddl::UpdatedRows rows;
    rows.table = table_of(*update.relation);
    if (is_record(rows.table)) return put(ddl::PassedOver{"a tool's own record of what has run: let the tool keep it"});
    if (update.n_from_clause > 0) rows.odd = "FROM";
    if (update.with_clause != nullptr) rows.odd = "WITH";
    const std::string alias = update.relation->alias != nullptr ? update.relation->alias->aliasname : rows.table.name;
    for (std::size_t i = 0; i < update.n_target_list; ++i) {
      const PgQuery__ResTarget& target = *update.target_list[i]->res_target;
      if (target.n_indirection > 0 || target.val->node_case == PG_QUERY__NODE__NODE_MULTI_ASSIGN_REF ||
          target.val->node_case == PG_QUERY__NODE__NODE_SET_TO_DEFAULT)
        rows.odd = "SET of several columns at once";
      else if (has_subquery(*target.val))
        rows.odd = "a subquery";
      else
        rows.set.emplace_back(target.name, row_expression(target.val, alias));
      if (!rows.odd.empty() && target.n_indirection == 0 && (rows.set.empty() || rows.set.back().first != target.name))
        rows.set.emplace_back(target.name, RowExpression{});
    }
    if (update.where_clause != nullptr) {
      if (has_subquery(*update.where_clause)) rows.odd = "a subquery";
      rows.where = row_expression(update.where_clause, alias);
    }
    put(std::move(rows));
  }

  std::vector<MigrationStatement> statements_;
  const StatementText* text_ = nullptr;
  std::string schema_ = "public";
};

}  // namespace

std::vector<MigrationStatement> read_migration(std::string_view text) {
  return Reader().read(text);
}

}  // namespace switchback::postgres
