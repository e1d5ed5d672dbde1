// Random plans over random schemas: lint never crashes, and what it passes does not fail in run for a reason that lint
// could have known. The seed is printed; SWITCHBACK_LINT_SEED repeats one, SWITCHBACK_LINT_SECONDS goes on for longer.
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <random>

#include "catch.hpp"
#include "server.hpp"
#include "switchback/core/error.hpp"
#include "switchback/plan_file/plan_reader.hpp"
#include "tool.hpp"

using namespace switchback;
using namespace switchback::tests;
using nlohmann::json;

namespace {

using Words = std::vector<std::string>;

std::string joined(const Words& words, const std::string& by) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : by) + word;
  return text;
}

/// One schema and one plan, both by the seed alone. Mostly what makes sense together, here and there something that
/// does not: of each plan lint has to say which it is.
class Chance {
 public:
  explicit Chance(unsigned seed) : random_(seed) {}

  std::string schema() {
    std::string sql =
        "CREATE EXTENSION pg_stat_statements; CREATE TYPE mood AS ENUM ('calm', 'glad'); CREATE DOMAIN short AS text "
        "CHECK (length(value) < 9); ";
    for (int i = 0; i < 2; ++i) sql += table(i);
    if (one_in(3)) sql += "CREATE VIEW v0 AS SELECT id FROM t0; ";
    if (one_in(4))
      sql +=
          "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$; CREATE TRIGGER "
          "touched BEFORE UPDATE ON t0 FOR EACH ROW EXECUTE FUNCTION touch(); ";
    published_ = one_in(5);
    if (published_) sql += "CREATE PUBLICATION p0 FOR TABLE t0; ";
    return sql;
  }

  std::string plan() {
    std::string text = "plan: random\n";
    if (published_) text += "external: { checked: [p0] }\n";  // else the contract holds until somebody says so
    if (one_in(2)) {
      text += "change:\n";
      for (int i = 0; i < 1 + below(2); ++i) text += "  - " + change() + "\n";
      return text;
    }
    Words expand, migrate;
    for (int i = 0; i < 1 + below(3); ++i) expand.push_back(expand_step());
    if (one_in(2)) fill(expand, migrate);
    for (int i = 0; i < below(3); ++i) migrate.push_back(migrate_step());
    text += "expand:\n  - " + joined(expand, "\n  - ") + "\n";
    if (!migrate.empty()) text += "migrate:\n  - " + joined(migrate, "\n  - ") + "\n";
    return text;
  }

 private:
  int below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }
  bool one_in(int count) { return below(count) == 0; }
  std::string pick(const Words& words) {
    return words[static_cast<std::size_t>(below(static_cast<int>(words.size())))];
  }
  /// What makes sense where it stands; seldom what does not.
  std::string pick_or(const Words& sense, const Words& nonsense) { return pick(one_in(15) ? nonsense : sense); }

  std::string type() {
    return pick_or({"text", "varchar(5)", "int", "bigint", "numeric(6,2)", "boolean", "timestamptz", "date", "jsonb",
                    "text[]", "uuid", "mood", "short", "float8", "smallint", "char(3)"},
                   {"json", "nosuchtype", "point", "xml"});
  }
  std::string any_literal() {
    return pick({"''", "'x'", "0", "7", "true", "NULL", "now()", "'calm'", "'2020-01-01'", "'{}'", "random()",
                 "'[]'::json", "gen_random_uuid()", "1.5", "'toolongforit'"});
  }
  /// A value of the type, as a default has it.
  std::string value_of(const std::string& type) {
    if (one_in(10)) return any_literal();
    if (type.starts_with("text[]")) return pick({"'{}'", "array['x']"});
    if (type.starts_with("text") || type.starts_with("varchar") || type.starts_with("char") || type == "short")
      return pick({"''", "'x'", "upper('x')"});
    if (type.starts_with("int") || type == "bigint" || type == "smallint" || type.starts_with("numeric") ||
        type == "float8")
      return pick({"0", "7", "2 + 2"});
    if (type == "boolean") return pick({"true", "false"});
    if (type == "date" || type == "timestamptz") return pick({"'2020-01-01'", "now()"});
    if (type == "uuid") return pick({"gen_random_uuid()", "'00000000-0000-0000-0000-000000000000'"});
    if (type == "mood") return "'calm'";
    if (type == "jsonb" || type == "json") return "'{}'";
    return "NULL";
  }
  std::string table_name() { return pick_or({"t0", "t0", "t1"}, {"nosuch", "v0"}); }
  std::string column() { return pick_or({"a", "b", "c", "d"}, {"nosuch", "id"}); }
  std::string type_of(const std::string& table, const std::string& column) const {
    const auto found = types_.find(table + "." + column);
    return found == types_.end() ? "text" : found->second;
  }
  std::string new_column() {
    if (one_in(15)) return pick({"a", "id"});
    return pick({"", "", "'\"Order\"'", "user"}) + "n" + std::to_string(++names_);
  }
  /// Quoted names hold no number behind the quotes.
  std::string new_name() {
    const std::string name = new_column();
    const auto quote = name.rfind('n');
    return name.starts_with("'") ? "'\"Order " + name.substr(quote) + "\"'" : name;
  }

  std::string table(int number) {
    const std::string name = "t" + std::to_string(number);
    const bool partitioned = one_in(7);
    const std::string key = partitioned
                                ? "id bigint PRIMARY KEY"
                                : pick({"id bigint PRIMARY KEY", "id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
                                        "id bigint NOT NULL UNIQUE", "id bigint", "id serial PRIMARY KEY"});
    const std::string b = pick({"int", "bigint", "numeric(8,2)", "int NOT NULL DEFAULT 0", "text", "date"});
    const std::string c =
        pick({"boolean", "json", "mood", "short", "text[]", "timestamptz", "int GENERATED ALWAYS AS (1) STORED"});
    const std::string d = pick({"text", "varchar(20)", partitioned ? "int" : "int UNIQUE", "int CHECK (d > -9)"});
    types_[name + ".b"] = b;
    types_[name + ".c"] = c;
    types_[name + ".d"] = d;
    std::string sql = "CREATE TABLE " + name + " (" + key + ", a text" +
                      pick({"", " NOT NULL DEFAULT ''", " DEFAULT 'std'"}) + ", b " + b + ", c " + c + ", d " + d +
                      ")" + (partitioned ? " PARTITION BY HASH (id)" : "") + "; ";
    if (partitioned)
      sql += "CREATE TABLE " + name + "_0 PARTITION OF " + name + " FOR VALUES WITH (MODULUS 1, REMAINDER 0); ";
    sql += "INSERT INTO " + name + " (id, a, b, d) SELECT i, 'w ' || i, " +
           (b.starts_with("int NOT") ? "i"
            : b == "date"            ? "NULL::date"
                                     : "i") +
           ", NULL FROM generate_series(1, " + std::to_string(below(30)) + ") i; ";
    if (one_in(3)) sql += "CREATE INDEX " + name + "_a_idx ON " + name + " (a); ";
    return sql;
  }

  std::string condition(const std::string& table) {
    const bool number = type_of(table, "b").starts_with("int") || type_of(table, "b").starts_with("big") ||
                        type_of(table, "b").starts_with("num");
    return pick_or({number ? "b >= 0" : "b IS NOT NULL", "length(a) < 99", "a <> 'q'", "id > 0 OR id IS NULL"},
                   {"nosuch > 1", "a", "b", "count(*) > 0", "random() < 2", "(SELECT true)", "b = 'x'"});
  }
  /// An expression over the row that fits the type.
  std::string filling(const std::string& type) {
    const bool is_text = type == "text" || type == "short" || type == "varchar(5)" || type == "char(3)";
    return pick_or(
        {is_text ? pick({"lower(a)", "a", "b::text", "split_part(a, ' ', 2)", "coalesce(a, 'x')"}) : value_of(type)},
        {"count(*)", "random()::text", "nosuch", "d || a", "now()", "(SELECT 1)", "a::int", "n1"});
  }

  std::string change() {
    const std::string table = table_name();
    const std::string old = column();
    const std::string made = type();
    switch (below(16)) {
      case 8:
        return "drop_column: { table: " + table + ", name: " + old +
               pick_or({", born_since: \"NULL\"", ""}, {", born_since: \"nosuch\""}) + " }";
      case 9:
        return "rename_table: { table: " + table + ", to: " + pick_or({"r0"}, {"t1", "v0"}) + " }";
      case 10:
        return "drop_default: { table: " + table + ", column: " + old + " }";
      case 11:
        return "set_storage_parameters: { table: " + table + ", set: { " +
               pick_or({"fillfactor: 80", "autovacuum_vacuum_scale_factor: 0.1"}, {"fillfactor: 3", "nosuch: 1"}) +
               " } }";
      case 12:
        return "set_statistics: { table: " + table + ", column: " + old +
               ", target: " + pick_or({"100", "500"}, {"-7", "99999"}) + " }";
      case 13:
        return "partition_table: { table: " + table + ", by: hash, key: " + pick_or({"id"}, {"a", "nosuch"}) +
               ", modulus: 2 }";
      case 14:
        return "drop_index: { name: " + pick_or({table + "_a_idx"}, {"nosuch_idx", "t0_pkey"}) + " }";
      case 15:
        return "merge_columns: { table: " + table +
               ", from: [a, d], into: merged, type: text, fill: \"concat_ws(' ', a, d)\", reverse: { a: "
               "\"split_part(merged, ' ', "
               "1)\", d: \"" +
               pick_or({"NULL"}, {"nosuch", "b"}) + "\" } }";
      case 0:
        return "add_column: { table: " + table + ", name: " + new_name() + ", type: \"" + made + "\"" +
               (one_in(2) ? ", default: \"" + value_of(made) + "\"" + (one_in(2) ? ", not_null: true" : "") : "") +
               " }";
      case 1:
        return "rename_column: { table: " + table + ", from: " + old + ", to: " + new_name() + " }";
      case 2:
        return "change_type: { table: " + table + ", column: " + old + ", to: \"" + made + "\"" +
               (one_in(3) ? ", fill: \"" + old + "::" + made + "\"" : "") + " }";
      case 3:
        return "split_column: { table: " + table +
               ", from: a, into: { n1: \"split_part(a, ' ', 1)\", n2: "
               "\"split_part(a, ' ', 2)\" }, reverse: \"" +
               pick_or({"concat_ws(' ', n1, n2)"}, {"n1 || nosuch", "a", "n1::int"}) + "\" }";
      case 4:
        return "set_not_null: { table: " + table + ", column: " + old + ", fix: \"" + value_of(type_of(table, old)) +
               "\" }";
      case 5:
        return "add_check: { table: " + table + ", check: \"" + condition(table) + "\" }";
      case 6:
        return "add_unique: { table: " + table + ", columns: [" + old + "] }";
      case 7:
        return "add_foreign_key: { table: t1, columns: [" + old + "], references: t0(" +
               pick_or({"id"}, {"a", "nosuch"}) + "), fix: null }";
      default:
        return expand_step();
    }
  }

  std::string expand_step() {
    const std::string table = table_name();
    const std::string old = column();
    const std::string made = type();
    const std::string number = std::to_string(++names_);
    switch (below(8)) {
      case 0:
      case 1:
        return "add_column: { table: " + table + ", name: " + new_name() + ", type: \"" + made + "\"" +
               (one_in(3) ? ", default: \"" + value_of(made) + "\"" : "") + " }";
      case 2:
        return "create_index: { table: " + table + ", columns: [" +
               pick_or({"a", "b", "\"(lower(a))\"", "a, d"}, {"\"(now())\"", old, "\"(random())\"", "nosuch"}) + "]" +
               pick_or({"", ", method: btree"}, {", method: hash", ", method: gin", ", method: nosuch"}) +
               (one_in(3) ? ", where: \"" + condition(table) + "\"" : "") + " }";
      case 3:
        return "create_table: { name: " + pick_or({"m" + number}, {"t0"}) + ", columns: { id: bigint, x: \"" + made +
               pick({"", " NOT NULL", " DEFAULT " + value_of(made), " CHECK (x IS NOT NULL)"}) +
               "\" }, primary_key: [" + pick_or({"id"}, {"y", "x"}) + "] }";
      case 4:
        return "create_view: { name: " + pick_or({"w" + number}, {"v0", "t1"}) + ", query: \"SELECT " +
               pick_or({"id, a", "*", "b AS z, count(*)"}, {"nosuch", "1/0 AS z"}) + " FROM " + table +
               pick({"", " WHERE " + condition(table), " GROUP BY b"}) + "\" }";
      case 5:
        return "create_enum: { name: " + pick_or({"e" + number}, {"mood"}) + ", values: [x, " +
               pick_or({"y"}, {"x", "''"}) + "] }";
      case 6:
        return "set_default: { table: " + table + ", column: " + old + ", default: \"" + value_of(type_of(table, old)) +
               "\" }";
      default:
        return "drop_not_null: { table: " + table + ", column: " + old + " }";
    }
  }

  /// A new column and the backfill that fills it.
  void fill(Words& expand, Words& migrate) {
    const std::string table = table_name();
    const std::string made = pick({"text", "text", "varchar(5)", "int", "short", "date"});
    expand.push_back("add_column: { table: " + table + ", name: filled, type: \"" + made + "\" }");
    migrate.push_back(
        "backfill: { table: " + table + ", set: { filled: \"" + filling(made) + "\" }" +
        (one_in(3) ? ", reverse: { a: \"" + pick_or({"filled", "lower(filled)"}, {"'x'", "a", "nosuch"}) + "\" }"
                   : "") +
        (one_in(5) ? ", where: \"" + condition(table) + "\"" : "") + (one_in(5) ? ", exact: true" : "") +
        (one_in(2) ? ", user_triggers: fire" : "") + (one_in(8) ? ", on_error: reject" : "") + " }");
  }

  std::string migrate_step() {
    const std::string table = table_name();
    switch (below(4)) {
      case 0:
        return "verify: { table: " + table + ", check: \"" + condition(table) + "\" }";
      case 1:
        return "sql_batched: { table: " + table + ", run: \"" +
               pick_or({"UPDATE " + table + " AS t SET a = upper(a) WHERE {rows}"},
                       {"UPDATE nosuch AS t SET a = 1 WHERE {rows}", "SELECT 1", "DELETE FROM " + table}) +
               "\", irreversible: \"a test\" }";
      case 2:
        return "fix: { table: " + table + ", check: \"" + condition(table) + "\", set: { a: \"'x'\" } }";
      default:
        return "create_index: { table: " + table + ", columns: [" + pick_or({"a", "b"}, {"c", "nosuch"}) + "] }";
    }
  }

  std::mt19937 random_;
  std::map<std::string, std::string> types_;  ///< of table.column
  int names_ = 0;
  bool published_ = false;
};

std::optional<std::string> environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

/// Holds that rows decide on, which lint sees a sample of at the most.
bool is_of_rows(const std::string& kind) {
  return kind == "violation" || kind == "quarantine";
}

struct Tally {
  int plans = 0, migrated = 0, contracted = 0, refused = 0, held = 0;
};

/// What is left of a plan that takes something away, and of one that does not.
std::string end_of(const std::string& plan) {
  return takes_away(read_plan(plan, "plan.yaml").plan.value()) ? "contracted" : "done";
}

/// What lint says of one seed's plan, and what run makes of it.
void try_one(unsigned seed, Tally& tally) {
  Chance chance(seed);
  const std::string schema = chance.schema();
  const std::string plan = chance.plan();
  const std::string uri = server().fresh_database();
  Tool tool(uri, Tool::default_configuration() + "environment: staging\n");
  try {
    server().sql(uri, schema);
  } catch (const Error&) {
    return;  // a schema that cannot be
  }
  tool.plan(plan);
  INFO("SWITCHBACK_LINT_SEED=" << seed << "\n" << schema << "\n" << plan);
  const auto linted = tool.run({"lint", "plan.yaml", "-d", uri, "--format", "json"});
  INFO(linted.err << linted.out);
  REQUIRE((linted.exit_code == 0 || linted.exit_code == 4));
  REQUIRE((json::parse(linted.out).at("errors").get<int>() > 0) == (linted.exit_code == 4));
  ++tally.plans;
  if (linted.exit_code == 4) {
    ++tally.refused;
    return;
  }
  for (const std::string& state : {std::string("migrated"), seed % 2 == 0 ? end_of(plan) : "migrated"}) {
    if (state == "contracted")  // no image is known here
      tool.run({"approve", "random", "--phase", "contract", "--despite", "horizon", "--reason", "a test", "--yes"});
    const auto ran = tool.run(tool.run_to(state));
    INFO(ran.err << ran.out);
    if (ran.exit_code == 0) continue;
    const auto status = tool.status("random");
    INFO(status.state << " " << status.hold_kind << " " << status.hold_reason);
    REQUIRE((ran.exit_code == 6 && is_of_rows(status.hold_kind)));
    ++tally.held;
    break;
  }
  const std::string reached = tool.status("random").state;
  tally.migrated += reached == "migrated" ? 1 : 0;
  tally.contracted += reached == "contracted" || reached == "done" ? 1 : 0;
  if (reached == "done") return;
  const auto back = tool.run({"rollback", "random", "--yes", "--despite", "loss", "--reason", "a test"});
  INFO(back.err << back.out);
  REQUIRE(back.exit_code == 0);
}

}  // namespace

TEST_CASE("no random plan crashes lint, or passes it and fails in run for what lint could have known",
          "[lint][timing]") {
  Tally tally;
  if (const auto seed = environment("SWITCHBACK_LINT_SEED")) {
    try_one(static_cast<unsigned>(std::stoul(*seed)), tally);
    return;
  }
  const auto time = std::chrono::seconds(std::stol(environment("SWITCHBACK_LINT_SECONDS").value_or("30")));
  const auto end = std::chrono::steady_clock::now() + time;
  for (unsigned seed = std::random_device{}() % 1'000'000'000; std::chrono::steady_clock::now() < end; ++seed)
    try_one(seed, tally);
  std::cerr << "lint: " << tally.plans << " random plans, " << tally.refused << " refused, " << tally.migrated
            << " migrated and " << tally.contracted << " contracted, " << tally.held << " held for their rows\n";
  CHECK(tally.plans > 0);
}
