#include "switchback/core/rekey.hpp"

#include <map>

#include "catch.hpp"
#include "switchback/core/change.hpp"
#include "switchback/core/error.hpp"
#include "switchback/core/swap.hpp"
#include "switchback/plan_file/plan_reader.hpp"
#include "switchback/plan_file/plan_writer.hpp"

using namespace switchback;

namespace {

ColumnFacts column(int number, const std::string& name, const std::string& type) {
  ColumnFacts facts;
  facts.number = number;
  facts.name = name;
  facts.type = type;
  return facts;
}

IndexFacts index(const std::string& name, const std::string& table, const std::vector<std::string>& columns,
                 const std::vector<int>& mentions) {
  IndexFacts facts;
  facts.name = {"public", name};
  facts.columns = columns;
  facts.mentions = mentions;
  facts.unique = facts.valid = true;
  std::string list;
  for (const std::string& one : columns) list += (list.empty() ? "" : ", ") + one;
  facts.definition = "CREATE UNIQUE INDEX " + name + " ON public." + table + " USING btree (" + list + ")";
  return facts;
}

IndexFacts primary(IndexFacts facts) {
  facts.primary = true;
  facts.constraint = facts.name.name;
  return facts;
}

/// users.id, to which users.boss_id, lines.user_id (in the key of lines) and, with room already, visits.wide refer; to
/// the key of lines refers notes.
struct Schema {
  std::map<std::string, TableFacts> tables;
  std::map<std::string, KeySurroundings> around;

  Schema() {
    TableFacts users = table("users", {column(1, "id", "integer"), column(2, "boss_id", "integer")});
    users.columns[0].default_value = "nextval('public.users_id_seq'::regclass)";
    users.columns[0].default_volatile = true;
    users.indexes = {primary(index("users_pkey", "users", {"id"}, {1})),
                     index("users_boss", "users", {"boss_id"}, {2})};
    TableFacts lines = table("lines", {column(1, "user_id", "integer"), column(2, "line", "integer")});
    lines.indexes = {primary(index("lines_pkey", "lines", {"user_id", "line"}, {1, 2}))};
    TableFacts notes = table("notes", {column(1, "owner", "integer"), column(2, "line", "integer")});
    TableFacts visits = table("visits", {column(1, "wide", "bigint")});
    for (TableFacts& one : std::vector<TableFacts>{users, lines, notes, visits}) tables[one.name.name] = one;
    around["users"].referenced_by = {{"users_boss_fk", name("users"), {"boss_id"}, {"id"}},
                                     {"lines_fk", name("lines"), {"user_id"}, {"id"}},
                                     {"visits_fk", name("visits"), {"wide"}, {"id"}}};
    around["lines"].referenced_by = {{"notes_fk", name("notes"), {"owner", "line"}, {"user_id", "line"}}};
  }
  static TableName name(const std::string& table) { return {"public", table}; }
  static TableFacts table(const std::string& name, std::vector<ColumnFacts> columns) {
    TableFacts facts;
    facts.name = Schema::name(name);
    facts.columns = std::move(columns);
    return facts;
  }
  Plan expanded(const std::string& change) const {
    const ReadPlan read = read_plan("plan: wide\nchange:\n  - " + change + "\n", "plan.yaml");
    REQUIRE(read.plan);
    return expand_changes(
        *read.plan, [this](const TableName& one) { return std::optional(tables.at(one.name)); },
        [this](const TableName& one) {
          const auto found = around.find(one.name);
          return found == around.end() ? KeySurroundings{} : found->second;
        });
  }
};

constexpr const char* widen = "replace_primary_key: { table: users, column: id, to: bigint }";

std::string replaced_columns(const Plan& plan) {
  std::string out;
  for (const Step& step : plan.contract.steps)
    if (const auto* replace = std::get_if<ReplaceColumn>(&step.action))
      out += (out.empty() ? "" : ", ") + replace->table.name + "." + replace->column;
  return out;
}

}  // namespace

TEST_CASE("a key takes along all narrow columns that refer to it, through other keys too", "[rekey]") {
  const Plan plan = Schema().expanded(widen);
  CHECK(replaced_columns(plan) == "users.id, users.boss_id, lines.user_id, notes.owner");
  // One backfill a table; whoever leaves the key out means the side that has the default.
  const auto& users = std::get<Backfill>(plan.migrate.front().action);
  CHECK(users.set == ColumnExpressions{{"id_new", "id"}, {"boss_id_new", "boss_id"}});
  CHECK(users.reverse == ColumnExpressions{{"id", "id_new"}, {"boss_id", "boss_id_new"}});
  CHECK(users.master == Master::old_side);
  // The keys' own indexes are built on the way to the hide.
  std::string indexes;
  for (const Step& step : plan.migrate)
    if (const auto* one = std::get_if<CreateIndex>(&step.action)) indexes += *one->name + " ";
  CHECK(indexes == "users_boss_boss_id_new ");
}

TEST_CASE("change_type of a key is the same as replace_primary_key", "[rekey]") {
  Schema schema;
  CHECK(to_yaml(schema.expanded("change_type: { table: users, column: id, to: bigint }")) ==
        to_yaml(schema.expanded(widen)));
}

TEST_CASE("the long form of a wider key reads back as the same plan", "[rekey][plan_file]") {
  const std::string yaml = to_yaml(Schema().expanded(widen));
  const ReadPlan read = read_plan(yaml, "again");
  CAPTURE(yaml);
  REQUIRE(read.plan);
  CHECK(to_yaml(*read.plan) == yaml);
}

TEST_CASE("a key that cannot go over is refused with the reason, and with what to do instead", "[rekey]") {
  Schema schema;
  std::string change = widen;
  std::string why;
  SECTION("partitioned") {
    schema.tables["users"].kind = 'p';
    why = "users.id is in a table that is partitioned";
  }
  SECTION("a partition") {
    schema.around["users"].inherits = true;
    why = "users.id is in a table that is partitioned or takes part in inheritance";
  }
  SECTION("referred to from a partitioned table, however wide") {
    schema.tables["visits"].kind = 'p';
    why = "visits.wide is in the foreign key visits_fk of a table that is partitioned";
  }
  SECTION("no integer") {
    schema.tables["users"].columns[0].type = "uuid";
    why = "users.id is of type uuid, and becomes bigint: only an integer key is widened";
  }
  SECTION("a domain refers to it") {
    schema.tables["lines"].columns[0].type = "public.user_number";
    why = "lines.user_id is of type public.user_number";
  }
  SECTION("not wider") {
    change = "replace_primary_key: { table: users, column: id, to: smallint }";
    why = "which is no narrower than smallint";
  }
  SECTION("published") {
    schema.around["users"].publication = "orders_out";
    why = "is in the replica identity of its table, by which the publication orders_out tells its rows";
  }
  SECTION("an index tells the rows") {
    schema.around["lines"].replica_identity = 'i';
    why = "lines.user_id is in the replica identity of its table";
  }
  SECTION("deferrable") {
    schema.tables["users"].indexes[0].immediate = false;
    why = "is in users_pkey, which is deferrable";
  }
  SECTION("an index of two columns that both go over") {
    schema.tables["users"].indexes.push_back(index("both", "users", {"boss_id", "id"}, {2, 1}));
    why = "is in the index both together with";
  }
  SECTION("with a conversion") {
    change = "change_type: { table: users, column: id, to: bigint, fill: \"id * 2\" }";
    why = "is a key, whose values stay what they are";
  }
  CHECK_THROWS_WITH(schema.expanded(change), Catch::Contains(why));
  CHECK_THROWS_WITH(schema.expanded(change), Catch::StartsWith("plan.yaml:3:"));
}

TEST_CASE("a published table whose rows are told by all columns has its key widened", "[rekey]") {
  Schema schema;
  schema.around["users"].publication = "orders_out";
  schema.around["users"].replica_identity = 'f';
  CHECK_NOTHROW(schema.expanded(widen));
}

TEST_CASE("the index that becomes the key is on all columns that go over, the one for the way back on none",
          "[rekey]") {
  Schema schema;
  const Plan plan = schema.expanded(widen);
  CHECK(*index_like_key(plan, schema.tables["lines"], "twin", true).definition ==
        "CREATE UNIQUE INDEX \"twin\" ON public.lines USING btree (user_id_new, line)");
  CHECK(*index_like_key(plan, schema.tables["lines"], "spare", false).definition ==
        "CREATE UNIQUE INDEX \"spare\" ON public.lines USING btree (user_id, line)");
}

TEST_CASE("a default that differs from call to call goes over with the name, and back", "[rekey]") {
  SyncPlan sync;
  SyncColumn id = sync_column(column(1, "id", "integer"));
  id.default_value = "nextval('s')";
  id.default_volatile = true;
  sync.old_side = {id};
  sync.new_side = {sync_column(column(2, "id_new", "bigint"))};
  const SyncPlan over = with_defaults_over(sync, {{"id", "id_new"}});
  CHECK_FALSE(over.old_side[0].default_volatile);
  CHECK_FALSE(over.old_side[0].default_value);
  CHECK(over.new_side[0].default_value == "nextval('s')");
  CHECK(over.new_side_wins_insert);
  const SyncPlan back = with_defaults_over(over, {{"id", "id_new"}});
  CHECK(back.old_side[0].default_value == "nextval('s')");
  CHECK_FALSE(back.new_side_wins_insert);
  sync.old_side[0].default_volatile = false;
  CHECK_FALSE(with_defaults_over(sync, {{"id", "id_new"}}).new_side[0].default_value);  // both have a constant one
}

TEST_CASE("tables are locked after those that they refer to, else by oid, also in a circle", "[rekey]") {
  const auto order = [](std::vector<LockedTable> tables) {
    std::string out;
    for (const LockedTable& one : lock_order(std::move(tables))) out += one.name.name;
    return out;
  };
  CHECK(order({{{"public", "a"}, 30, {}}, {{"public", "b"}, 10, {}}, {{"public", "c"}, 20, {}}}) == "bca");
  CHECK(order({{{"public", "a"}, 1, {2}}, {{"public", "b"}, 2, {3}}, {{"public", "c"}, 3, {3}}}) == "cba");
  CHECK(order({{{"public", "a"}, 1, {2}}, {{"public", "b"}, 2, {1}}, {{"public", "c"}, 3, {1}}}) == "abc");
}
