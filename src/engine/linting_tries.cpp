// What the server says of a plan's expressions and definitions, without anything of the plan being run.
#include <algorithm>

#include "linting_parts.hpp"
#include "overlap.hpp"
#include "switchback/core/batched.hpp"
#include "switchback/core/making_sql.hpp"
#include "switchback/core/step_sql.hpp"
#include "switchback/engine/journal.hpp"

#include "switchback/engine/resolving.hpp"
#include "switchback/engine/steps.hpp"
#include "switchback/engine/workbench.hpp"

namespace switchback::engine {
namespace {

/// Errors of what the plan says, not of the session.
bool is_of_the_text(const Error& error) {
  const std::string& state = error.sqlstate();
  const auto begins = [&](const char* with) { return state.starts_with(with); };
  return begins("42") ? state != "42501" : begins("22") || begins("23") || begins("0A") || begins("54") || begins("3F");
}

/// Enums that the plan makes are there for columns of them, in a transaction that is rolled back.
void make_enums(ports::Session& session, const Plan& plan) {
  for (const Step& step : plan.expand)
    if (const auto* made = std::get_if<CreateEnum>(&step.action)) session.exec(create_enum_sql(*made).sql.front());
}

/// Empty tables that hide the plan's own, shaped as they will be after expand.
class Shadows {
 public:
  Shadows(ports::Session& session, const Plan& plan, const ResolvedPlan& resolved, const LintGrammar& grammar,
          LintFacts& facts)
      : session_(session), plan_(plan), resolved_(resolved), grammar_(grammar), facts_(facts) {}

  void try_all() {
    ports::Transaction transaction(session_);
    session_.exec("SET LOCAL statement_timeout = '10s'");
    make_enums(session_, plan_);
    for (const auto& [name, table] : facts_.tables) cast(name);
    // Definitions mean what they mean under the role's own search_path; temporary tables come before all of it.
    use_own_search_path(session_, true);
    for (const Step& step : plan_.expand) {
      if (const auto* type = std::get_if<CreateEnum>(&step.action))
        attempt(step, create_enum_sql({{"pg_temp", type->name.name}, type->values}).sql.front());
      if (const auto* table = std::get_if<CreateTable>(&step.action)) attempt(step, table_sql(*table));
      if (const auto* view = std::get_if<CreateView>(&step.action); view && !view->like) {
        CreateView temporary = *view;
        temporary.name = shadow(view->name);
        if (attempt(step, create_view_sql(temporary).sql.front()) && !own_column_in(session_, temporary.name).empty())
          refuse(step, "the view " + shown(view->name) + " takes in the column by which sync marks rows, by its *",
                 "name the columns in its query");
      }
      if (const auto* value = std::get_if<SetDefault>(&step.action); value && facts_.tables.contains(value->table))
        attempt(step,
                set_default_sql({shadow(value->table), value->column, value->default_value}, nullptr).sql.front());
      if (const auto* relax = std::get_if<DropNotNull>(&step.action); relax && facts_.tables.contains(relax->table))
        attempt(step, drop_not_null_sql({shadow(relax->table), relax->column}, nullptr).sql.front());
    }
    for (const auto* phase : {&plan_.expand, &plan_.migrate})
      for (const Step& step : *phase) {
        if (const auto* index = std::get_if<CreateIndex>(&step.action)) try_index(step, *index);
        if (const auto* sql = std::get_if<Sql>(&step.action)) try_sql(step, *sql);
        if (const auto* batched = std::get_if<SqlBatched>(&step.action)) {
          try_prepared(step, batched_sketch(batched->run));
          if (batched->undo) try_prepared(step, batched_sketch(*batched->undo));
        }
      }
  }

 private:
  static TableName shadow(const TableName& table) { return {"pg_temp", table.name}; }

  void cast(const TableName& name) {
    session_.exec("CREATE TEMPORARY TABLE " + quoted(shadow(name)) + " (LIKE " + quoted(name) + " INCLUDING ALL)");
    std::vector<ColumnFacts> columns;
    for (const ResolvedColumn& one : resolved_.columns)
      if (one.table == name) {
        columns.push_back(one.column);
        columns.back().grants.clear();
        columns.back().comment.reset();
      }
    const ResolvedSync* sync = resolved_.sync_of(name);
    if (sync != nullptr || !columns.empty())
      session_.exec(add_columns_sql(shadow(name), columns, sync ? sync->sync.marker : "").sql.front());
  }

  /// A temporary table may not refer to a lasting one: what the constraint says of others is not tried.
  static std::string table_sql(const CreateTable& table) {
    CreateTable alone = table;
    alone.name = shadow(table.name);
    alone.constraints.clear();
    alone.partitions.clear();
    const auto refers = [](std::string text) {
      std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
      return text.find("REFERENCES") != std::string::npos;
    };
    for (const std::string& constraint : table.constraints)
      if (!refers(constraint)) alone.constraints.push_back(constraint);
    return create_table_sql(alone).sql.front();
  }

  void try_index(const Step& step, const CreateIndex& index) {
    if (is_there(index))
      return refuse(step, "there is an index or table " + shown(index_name(index)) + " already",
                    "give the new one another name");
    if (!facts_.tables.contains(index.table) && !makes_table(plan_, index.table)) return;
    std::string sql = create_index_sql(index, shadow(index.table), "~switchback_try");
    constexpr std::string_view concurrently = "CONCURRENTLY ";
    sql.erase(sql.find(concurrently), concurrently.size());
    attempt(step, sql);
  }
  bool is_there(const CreateIndex& index) {
    return session_
        .exec("SELECT pg_catalog.to_regclass($1) IS NOT NULL",
              {quoted(TableName{index.table.schema, index_name(index)})})
        .boolean(0, 0);
  }

  void try_sql(const Step& step, const Sql& sql) {
    const auto statements = grammar_.statements(sql.run);
    // What comes before a statement may make what it needs.
    if (statements.size() != 1 || !statements.front().is_prepared) return;
    try_prepared(step, statements.front().text);
  }
  void try_prepared(const Step& step, const std::string& statement) {
    if (attempt(step, "PREPARE \"~switchback_try\" AS " + statement)) session_.exec("DEALLOCATE \"~switchback_try\"");
  }

  void refuse(const Step& step, const std::string& message, const std::string& hint) {
    facts_.refusals.push_back({step.place, message, hint});
  }

  /// What names a table with its schema sees the table as it is, not as expand will leave it; what SQL of the plan
  /// makes is not tried.
  bool may_come_later(const Error& error, const std::string& sql) const {
    if (error.sqlstate() != "42703" && error.sqlstate() != "42P01" && error.sqlstate() != "42704") return false;
    return std::ranges::any_of(plan_.expand, [&](const Step& step) {
      const auto* add = std::get_if<AddColumn>(&step.action);
      const auto* table = std::get_if<CreateTable>(&step.action);
      const auto* view = std::get_if<CreateView>(&step.action);
      const TableName* made = add ? &add->table : table ? &table->name : view ? &view->name : nullptr;
      return std::holds_alternative<Sql>(step.action) || (made && sql.find(made->schema + ".") != std::string::npos);
    });
  }

  /// Whether the server takes it.
  bool attempt(const Step& step, const std::string& sql) {
    session_.exec("SAVEPOINT try");
    try {
      session_.exec(sql);
      return true;
    } catch (const Error& error) {
      if (!is_of_the_text(error)) throw;
      session_.exec("ROLLBACK TO SAVEPOINT try");
      if (may_come_later(error, sql) || std::string_view(error.what()).find("temporary") != std::string_view::npos)
        return false;
      refuse(step, describe(step.action) + ": " + first_line(error.what()), error.hint());
      return false;
    }
  }

  static std::string first_line(std::string text) {
    constexpr std::string_view severity = "ERROR:  ";
    if (text.starts_with(severity)) text.erase(0, severity.size());
    return text.substr(0, text.find('\n'));
  }

  ports::Session& session_;
  const Plan& plan_;
  const ResolvedPlan& resolved_;
  const LintGrammar& grammar_;
  LintFacts& facts_;
};

/// Expressions of one backfill on rows of the table.
class Sampling {
 public:
  Sampling(ports::Session& session, const ResolvedSync& sync) : session_(session), sync_(sync) {}

  std::optional<LintSample> sample() {
    for (const auto* expressions : {&sync_.sync.forward, &sync_.sync.reverse})
      for (const auto& [name, expression] : *expressions)
        if (!expression.calls.empty()) return std::nullopt;  // a function of users: nothing of theirs is run
    LintSample out;
    out.table = sync_.table;
    try {
      undoing(out);
      defaults(out);
    } catch (const Error& error) {
      if (error.sqlstate() == "57014" || error.sqlstate() == "42501") return std::nullopt;  // too slow, or not ours
      throw;
    }
    return out;
  }

 private:
  static constexpr const char* row = "~switchback_t";

  /// The row with the new side as forward gives it; the columns that were there come first.
  std::string forward_rows() const {
    std::string list;
    for (const SyncColumn& column : sync_.sync.old_side)
      list += (list.empty() ? "" : ", ") + quote_identifier(row) + "." + quote_identifier(column.name);
    for (const auto& [name, expression] : sync_.sync.forward)
      list += (list.empty() ? "" : ", ") + std::string("(") + expression.in(quote_identifier(row)) + ") AS " +
              quote_identifier(name);
    std::string where;
    if (sync_.sync.where) where = " WHERE " + sync_.sync.where->in(quote_identifier(row));
    return "SELECT " + list + " FROM " + quoted(sync_.table) + " AS " + quote_identifier(row) + where + " LIMIT 1000";
  }

  /// What reverse reads beside the new side: only where that is nothing can it be tried by itself.
  bool reverse_stands_alone() const {
    return std::ranges::all_of(sync_.sync.reverse, [&](const auto& pair) {
      return std::ranges::all_of(pair.second.columns, [&](const std::string& name) {
        return std::ranges::any_of(sync_.sync.forward, [&](const auto& one) { return one.first == name; }) ||
               std::ranges::any_of(sync_.sync.old_side, [&](const SyncColumn& one) { return one.name == name; });
      });
    });
  }

  void undoing(LintSample& out) {
    session_.exec("SAVEPOINT sample");
    try {
      std::string same = "true";
      std::string shown_values = "''";
      for (const auto& [name, expression] : sync_.sync.reverse) {
        const auto column = std::ranges::find(sync_.sync.old_side, name, &SyncColumn::name);
        if (column == sync_.sync.old_side.end() || !reverse_stands_alone()) continue;
        const std::string back = "CAST((" + expression.in("f") + ") AS " + column->type + ")";
        same += " AND NOT " + differs_sql(*column, "f." + quote_identifier(name), back);
        shown_values = "pg_catalog.format('%s = %L becomes %L', " + quote_literal(name) + ", f." +
                       quote_identifier(name) + ", " + back + ")";
      }
      const auto rows =
          session_.exec("SELECT count(*), count(*) FILTER (WHERE NOT (" + same + ")), min(" + shown_values +
                        ") FILTER (WHERE NOT (" + same + ")) FROM (" + forward_rows() + ") AS f");
      out.rows = rows.integer(0, 0);
      out.not_undone = rows.integer(0, 1);
      out.example = "as where " + rows.text(0, 2);
    } catch (const Error& error) {
      if (!error.sqlstate().starts_with("22") && !error.sqlstate().starts_with("23")) throw;
      session_.exec("ROLLBACK TO SAVEPOINT sample");
      std::string message = error.what();
      constexpr std::string_view severity = "ERROR:  ";
      if (message.starts_with(severity)) message.erase(0, severity.size());
      out.failed = message.substr(0, message.find('\n'));
    }
  }

  /// New columns whose default is another value than forward makes of the old defaults.
  void defaults(LintSample& out) {
    if (sync_.sync.reverse.empty()) return;
    std::string list;
    for (const SyncColumn& column : sync_.sync.old_side) {
      if (column.default_volatile) return;
      list += (list.empty() ? "" : ", ") + std::string("CAST(") + column.default_value.value_or("NULL") + " AS " +
              column.type + ") AS " + quote_identifier(column.name);
    }
    session_.exec("SAVEPOINT sample");
    try {
      for (const auto& [name, expression] : sync_.sync.forward) {
        const auto column = std::ranges::find(sync_.sync.new_side, name, &SyncColumn::name);
        const bool known = std::ranges::all_of(expression.columns, [&](const std::string& read) {
          return std::ranges::any_of(sync_.sync.old_side, [&](const SyncColumn& one) { return one.name == read; });
        });
        if (column == sync_.sync.new_side.end() || column->default_volatile || !known || expression.columns.empty())
          continue;
        const std::string own = "CAST(" + column->default_value.value_or("NULL") + " AS " + column->type + ")";
        const std::string made = "CAST((" + expression.in("d") + ") AS " + column->type + ")";
        const auto found =
            session_.exec("SELECT " + differs_sql(*column, own, made) + " FROM (SELECT " + list + ") AS d");
        if (found.boolean(0, 0)) out.ambiguous.push_back(name);
      }
    } catch (const Error& error) {
      if (!error.sqlstate().starts_with("22") && !error.sqlstate().starts_with("23")) throw;
      session_.exec("ROLLBACK TO SAVEPOINT sample");
    }
  }

  ports::Session& session_;
  const ResolvedSync& sync_;
};

/// What was started is no longer what the plan begins with: nothing is to be resolved again.
bool is_under_way(ports::Session& session, const Plan& plan, LintFacts& facts) {
  const auto found = facts.plans.find(plan.name);
  if (found == facts.plans.end() || found->second == name(State::rolled_back)) return false;
  const auto record = find_plan(session, plan.name);
  if (record && record->hash != plan.hash)
    facts.refusals.push_back(
        {{},
         "a plan " + plan.name + " was started here with another text, sha256:" + record->hash.substr(0, 12) + "…",
         "give this one another name, or put the old text back"});
  return true;
}

std::string waits_for(const Plan& plan, const LintFacts& facts) {
  for (const std::string& required : plan.requires_plans) {
    const auto found = facts.plans.find(required);
    const bool there =
        found != facts.plans.end() && (found->second == name(State::migrated) || found->second == name(State::hidden) ||
                                       found->second == name(State::contracted) || found->second == name(State::done));
    if (!there) return "it rests on " + required + ", which is not migrated here";
  }
  return {};
}

}  // namespace

void try_plan(ports::Session& session, ports::Catalog& catalog, const Plan& plan, const Settings& settings,
              const LintGrammar& grammar, LintFacts& facts) {
  if (is_under_way(session, plan, facts)) return;
  facts.unresolved = waits_for(plan, facts);
  if (facts.unresolved.empty() && facts.server.standby) facts.unresolved = "this is a standby";
  if (!facts.unresolved.empty()) return;
  ResolvedPlan resolved;
  try {
    resolved = resolve_plan(session, catalog, plan, settings);
    if (!facts.plans.empty()) refuse_overlap(session, plan, resolved);
  } catch (const Error& error) {
    session.rollback();
    if (error.exit() != Exit::invalid && error.exit() != Exit::refused && error.exit() != Exit::drift &&
        error.sqlstate() != "42501")
      throw;
    facts.refusals.push_back(refusal_of(plan, error));
    return;
  }
  try {
    Shadows(session, plan, resolved, grammar, facts).try_all();
  } catch (const Error& error) {
    if (error.sqlstate() != "42501" && error.sqlstate() != "55P03" && error.sqlstate() != "57014" &&
        !is_of_the_text(error))
      throw;
    facts.unresolved = error.what();
  }
  for (const ResolvedSync& sync : resolved.sync) {
    const bool makes_enums = std::ranges::any_of(
        plan.expand, [](const Step& step) { return std::holds_alternative<CreateEnum>(step.action); });
    ports::Transaction reading(session, makes_enums ? "" : "READ ONLY");
    make_enums(session, plan);
    session.exec("SET LOCAL statement_timeout = '2s'");
    if (auto sample = Sampling(session, sync).sample()) facts.samples.push_back(std::move(*sample));
  }
}

}  // namespace switchback::engine
