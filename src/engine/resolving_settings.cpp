#include "resolving_settings.hpp"

#include <algorithm>
#include <array>

#include "switchback/core/batched.hpp"
#include "switchback/core/error.hpp"
#include "switchback/core/setting_sql.hpp"
#include "switchback/core/units.hpp"
#include "switchback/engine/workbench.hpp"

namespace switchback::engine {
namespace {

constexpr int first_with_compression = 140000;
constexpr int first_with_nulls_not_distinct = 150000;
/// Whose exclusion constraint is built without much of a wait.
constexpr double small_table = 100000;

class Checking {
 public:
  Checking(ports::Session& session, ports::Catalog& catalog, const Plan& plan, const ResolvedPlan& resolved,
           const Step& step, const RefuseStep& refuse)
      : session_(session), catalog_(catalog), plan_(plan), resolved_(resolved), step_(step), refuse_(refuse) {}

  void check(const CreateIndex& index) const {
    if (index.nulls_not_distinct && session_.server_version() < first_with_nulls_not_distinct)
      refuse("nulls_not_distinct needs PostgreSQL 15",
             "leave it out, and write NULL into an expression: (coalesce(…))");
  }
  void check(const RenameIndex& rename) const {
    if (is_made(rename.name))
      return refuse("the index " + shown(rename.name) + " is made by this plan", "give it its name there");
    const auto found = session_.exec(
        "SELECT k.conname FROM pg_catalog.pg_index i LEFT JOIN pg_catalog.pg_constraint k ON k.conindid = i.indexrelid "
        "AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x') WHERE i.indexrelid = pg_catalog.to_regclass($1)",
        {quoted(rename.name)});
    if (found.empty()) return refuse("there is no index " + shown(rename.name), "mend the name");
    if (found.at(0, 0))
      return refuse("the index " + shown(rename.name) + " is that of a constraint, which statements may name",
                    "rename_constraint under contract: steps: its index follows");
    refuse_taken({rename.name.schema, rename.to}, "to_regclass");
  }
  void check(const SetStorageParameters& set) const {
    const auto kind = session_.exec(
        "SELECT c.relkind FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass($1)", {quoted(set.name)});
    const std::string what = set.index ? "index" : "table";
    if (kind.empty()) {
      if (set.index ? is_made(set.name) : makes_table(plan_, set.name))
        return refuse(shown(set.name) + " is made by this plan",
                      set.index ? "write `with` in its create_index" : "write an `sql` step behind it, with an undo");
      return refuse("there is no " + what + " " + shown(set.name), "mend the name");
    }
    const std::string found = kind.text(0, 0);
    if (found == "p" || found == "I")
      return refuse(shown(set.name) + " is partitioned: it has no storage of its own", "name its partitions");
    if (found != (set.index ? "i" : "r"))
      return refuse(shown(set.name) + " is no " + what, set.index ? "write table: " : "write index: ");
    if (!set.index) try_parameters(set);
  }
  void check(const SetReplicaIdentity& set) const {
    if (set.identity == Identity::nothing) return refuse_published(set.table);
    if (set.identity != Identity::index || is_made({set.table.schema, set.index})) return;
    const auto table = catalog_.table(session_, set.table);
    const auto index = std::ranges::find(table->indexes, TableName{set.table.schema, set.index}, &IndexFacts::name);
    if (index == table->indexes.end())
      return refuse("the table " + shown(set.table) + " has no index " + shown(std::string_view(set.index)),
                    "mend the name");
    const bool strict = std::ranges::all_of(index->columns, [&](const std::string& column) {
      const ColumnFacts* facts = table->column(column);
      return facts && facts->not_null;
    });
    if (!index->unique || !index->valid || index->partial || !index->immediate || !strict)
      refuse("the index " + shown(std::string_view(set.index)) + " does not tell each row from all others",
             "it must be unique, whole (no WHERE, no expression), not deferrable, and over NOT NULL columns");
  }
  void check(const SetStatistics& set) const { need_column(set.table, set.column); }
  void check(const SetStorage& set) const {
    need_column(set.table, set.column);
    if (set.compression && session_.server_version() < first_with_compression)
      refuse("a column's compression can be chosen from PostgreSQL 14 on", "leave compression out");
  }
  void check(const SqlBatched& step) const {
    const auto table = catalog_.table(session_, step.table);
    if (!table->key)
      return refuse("the table " + shown(step.table) + " has no key that batches can follow",
                    "it needs a primary key, or a unique index over NOT NULL columns");
    // What the plan makes is not there yet for the server to judge.
    if (!plan_.expand.empty()) return;
    try_out(batched_sketch(step.run));
    if (step.undo) try_out(batched_sketch(*step.undo));
  }
  void check(const DropDefault& drop) const {
    const auto table = catalog_.table(session_, drop.table);
    const ColumnFacts* column = table->column(drop.column);
    const std::string name = shown(drop.table) + "." + shown(std::string_view(drop.column));
    if (!column) return need_column(drop.table, drop.column);
    if (column->identity || column->generated || !column->default_value)
      return refuse(name + (column->identity    ? " is an identity column"
                            : column->generated ? " is a generated column"
                                                : " has no default"),
                    "leave the step out");
    if (is_kept_in_step(drop.table, drop.column))
      refuse(name + " is kept in step with others by this plan: its default tells which side an INSERT supplied",
             "take the default away in a plan of its own, when this one has ended");
  }
  void check(const SetDefault& set) const {
    if (is_kept_in_step(set.table, set.column))
      refuse(shown(set.table) + "." + shown(std::string_view(set.column)) +
                 " is kept in step with others by this plan: its default tells which side an INSERT supplied",
             "give the new column its default where it is added; or change it in a plan of its own, before this one or "
             "when it has ended");
  }
  void check(const RenameConstraint& rename) const {
    const auto table = catalog_.table(session_, rename.table);
    const auto named = [&](const std::string& name) {
      return std::ranges::any_of(table->constraints, [&](const ConstraintFacts& one) { return one.name == name; });
    };
    if (!named(rename.name))
      return refuse("the table " + shown(rename.table) + " has no constraint " + shown(std::string_view(rename.name)),
                    "mend the name");
    if (named(rename.to))
      return refuse("the table " + shown(rename.table) + " has a constraint " + shown(std::string_view(rename.to)),
                    "choose another name");
    const auto found = session_.exec(
        "SELECT k.conindid <> 0 AND k.contype IN ('p', 'u', 'x'), NOT k.conislocal OR k.coninhcount > 0 FROM "
        "pg_catalog.pg_constraint k WHERE k.conrelid = pg_catalog.to_regclass($1) AND k.conname = $2::pg_catalog.name",
        {quoted(rename.table), rename.name});
    if (found.boolean(0, 1))
      return refuse("the constraint " + shown(std::string_view(rename.name)) + " is inherited",
                    "rename it on the table that it comes from");
    if (found.boolean(0, 0)) refuse_taken({rename.table.schema, rename.to}, "to_regclass");
  }
  void check(const AddExclusion& exclusion) const {
    const auto table = catalog_.table(session_, exclusion.table);
    const std::string name = exclusion_name(exclusion);
    if (table->kind == 'p')
      return refuse("an exclusion constraint of a partitioned table cannot look into other partitions",
                    "add_exclusion on each partition, in a plan of its own");
    if (std::ranges::any_of(table->constraints, [&](const ConstraintFacts& one) { return one.name == name; }))
      return refuse("the table " + shown(exclusion.table) + " has a constraint " + shown(std::string_view(name)),
                    "give the new one another name: name: …");
    refuse_taken({exclusion.table.schema, name}, "to_regclass");
    if (!exclusion.lock && table->rows_estimate > small_table)
      refuse(
          "an exclusion constraint can be made of no index that is there: it is built while readers and writers of " +
              shown(exclusion.table) + " wait, and that has some " +
              show_count(static_cast<std::int64_t>(table->rows_estimate)) + " rows",
          "say why they may: lock: REASON, and choose an hour when few are there");
    if (plan_.expand.empty()) try_exclusion(exclusion);
  }
  void check(const auto& /*other*/) const {}

 private:
  void refuse(const std::string& what, const std::string& hint) const { refuse_(step_, what, hint); }

  bool is_kept_in_step(const TableName& table, const std::string& column) const {
    const ResolvedSync* sync = resolved_.sync_of(table);
    if (sync == nullptr) return false;
    return std::ranges::any_of(std::array{&sync->sync.old_side, &sync->sync.new_side}, [&](const auto* side) {
      return std::ranges::find(*side, column, &SyncColumn::name) != side->end();
    });
  }
  bool is_there(const TableName& name, const char* look_up) const {
    return session_.exec("SELECT pg_catalog." + std::string(look_up) + "($1) IS NOT NULL", {quoted(name)})
        .boolean(0, 0);
  }
  void refuse_taken(const TableName& name, const char* look_up) const {
    if (is_there(name, look_up)) refuse("the name " + shown(name) + " is taken", "choose another one");
  }
  /// Whether an index of that name is built by the plan.
  bool is_made(const TableName& index) const {
    const auto makes = [&](const Step& step) {
      const auto* create = std::get_if<CreateIndex>(&step.action);
      return create && TableName{create->table.schema, index_name(*create)} == index;
    };
    return std::ranges::any_of(plan_.expand, makes) || std::ranges::any_of(plan_.migrate, makes);
  }
  void need_column(const TableName& name, const std::string& column) const {
    const auto table = catalog_.table(session_, name);
    if (!(table && table->column(column)) && !resolved_.added(name, column))
      refuse("the table " + shown(name) + " has no column " + shown(std::string_view(column)), "mend the name");
  }
  void refuse_published(const TableName& table) const {
    const auto found = session_.exec(
        "SELECT p.pubname FROM pg_catalog.pg_publication_tables t JOIN pg_catalog.pg_publication p ON p.pubname = "
        "t.pubname WHERE t.schemaname = $1 AND t.tablename = $2 AND (p.pubupdate OR p.pubdelete) LIMIT 1",
        {table.schema, table.name});
    if (!found.empty())
      refuse("the publication " + shown(std::string_view(found.text(0, 0))) + " publishes updates or deletes of " +
                 shown(table) + ": with identity nothing the server refuses every one of them",
             "take the table out of the publication first, or keep an identity");
  }

  /// Nothing of it stays.
  void try_in_vain(const std::vector<std::string>& statements) const {
    ports::Transaction transaction(session_, ports::nested);
    use_own_search_path(session_, true);
    try {
      for (const std::string& sql : statements) transaction.exec(sql);
    } catch (const Error& error) {
      if (error.remedy() == Remedy::reconnect || error.sqlstate().empty()) throw;
      refuse(error.what(), error.hint());
    }
  }
  void try_out(const std::string& sql) const { try_in_vain({"EXPLAIN " + sql}); }
  void try_parameters(const SetStorageParameters& set) const {
    SetStorageParameters given = set;
    given.name = {"pg_temp", "~switchback_trial"};
    try_in_vain({"CREATE TEMP TABLE \"~switchback_trial\" (a text)",
                 set_storage_parameters_sql(given, std::nullopt).sql.front()});
  }
  void try_exclusion(const AddExclusion& exclusion) const {
    AddExclusion given = exclusion;
    given.table = {"pg_temp", "~switchback_trial"};
    try_in_vain({"CREATE TEMP TABLE \"~switchback_trial\" (LIKE " + quoted(exclusion.table) + ")",
                 turn_over_sql(given, {}).sql.front(), "SELECT FROM (" + exclusion_broken_sql(given) + ") AS x"});
  }

  ports::Session& session_;
  ports::Catalog& catalog_;
  const Plan& plan_;
  const ResolvedPlan& resolved_;
  const Step& step_;
  const RefuseStep& refuse_;
};

}  // namespace

void check_setting(ports::Session& session, ports::Catalog& catalog, const Plan& plan, const ResolvedPlan& resolved,
                   const Step& step, const RefuseStep& refuse) {
  const Checking checking(session, catalog, plan, resolved, step, refuse);
  std::visit([&](const auto& action) { checking.check(action); }, step.action);
}

}  // namespace switchback::engine
