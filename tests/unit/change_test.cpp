#include "switchback/core/change.hpp"

#include "catch.hpp"
#include "switchback/core/error.hpp"
#include "switchback/plan_file/plan_reader.hpp"
#include "switchback/plan_file/plan_writer.hpp"

using namespace switchback;

namespace {

ColumnFacts column(int number, std::string name, std::string type, bool not_null) {
  ColumnFacts facts;
  facts.number = number;
  facts.name = std::move(name);
  facts.type = std::move(type);
  facts.not_null = not_null;
  return facts;
}

IndexFacts index(std::string name, std::string definition, std::vector<std::string> columns,
                 std::vector<int> mentions) {
  IndexFacts facts;
  facts.name = {"public", std::move(name)};
  facts.unique = definition.starts_with("CREATE UNIQUE");
  facts.definition = std::move(definition);
  facts.columns = std::move(columns);
  facts.mentions = std::move(mentions);
  facts.valid = true;
  return facts;
}

TableFacts users() {
  TableFacts facts;
  facts.name = {"public", "users"};
  facts.columns = {column(1, "id", "bigint", true), column(2, "mail", "text", true),
                   column(3, "team", "bigint", false)};
  facts.indexes = {
      index("users_pkey", "CREATE UNIQUE INDEX users_pkey ON public.users USING btree (id)", {"id"}, {1}),
      index("users_mail_idx", "CREATE INDEX users_mail_idx ON public.users USING btree (mail, team)", {"mail", "team"},
            {2, 3}),
      index("users_lower",
            "CREATE UNIQUE INDEX users_lower ON public.users USING btree (lower(mail) COLLATE mail) WHERE (mail <> "
            "'mail'::text)",
            {""}, {2})};
  facts.indexes.front().primary = true;
  facts.constraints = {{"users_mail_check", 'c', "CHECK ((mail ~~ '%@%'::text))", {"mail"}, true},
                       {.name = "users_fk",
                        .type = 'f',
                        .definition = "FOREIGN KEY (mail) REFERENCES boxes(mail)",
                        .columns = {"mail"}}};
  return facts;
}

std::optional<TableFacts> lookup(const TableName& name) {
  return name == TableName{"public", "users"} ? std::optional(users()) : std::nullopt;
}

Plan plan(WholeChange change) {
  Plan result;
  result.changes = {{std::move(change), {3, 5}}};
  return result;
}

const TableName table{"public", "users"};

template <class StepType>
const StepType& as(const Step& step) {
  return std::get<StepType>(step.action);
}

}  // namespace

TEST_CASE("constants are literals with casts, and nothing that is evaluated", "[change]") {
  for (const char* sql :
       {"0", "-1.5", "'x'", "''", " 'it''s' ", "true", "NULL", "'{}'::jsonb", "'a'::character varying(10)",
        "'x'::sales.\"Mood\"", "'{1}'::int[]", "E'a\\'b'", "'2020-01-01'::timestamp with time zone"}) {
    CAPTURE(sql);
    CHECK(is_constant(sql));
  }
  for (const char* sql : {"", "now()", "lower(name)", "name", "1 + 1", "'a' || 'b'", "'a", "'a'::", "'a'::text || b",
                          "1::text(random())", "'a'::text in (select 1)", "1x", "current_date"}) {
    CAPTURE(sql);
    CHECK_FALSE(is_constant(sql));
  }
}

TEST_CASE("a nullable column, and one with a constant default, are only added", "[change]") {
  const Plan nullable = expand_changes(plan(ChangeAddColumn{table, "phone", "text", {}, {}, false}), lookup);
  REQUIRE(nullable.expand.size() == 1);
  CHECK(nullable.migrate.empty());
  CHECK_FALSE(takes_away(nullable));
  CHECK(nullable.changes.empty());
  CHECK(nullable.expand[0].place == Place{3, 5});
  const Plan constant = expand_changes(plan(ChangeAddColumn{table, "tier", "text", "'std'", {}, true}), lookup);
  REQUIRE(constant.expand.size() == 1);
  CHECK(as<AddColumn>(constant.expand[0]).not_null);
  CHECK(as<AddColumn>(constant.expand[0]).default_value == "'std'");
  CHECK_FALSE(takes_away(constant));
}

TEST_CASE("a filled column is added nullable, backfilled, and tightened in contract", "[change]") {
  const Plan short_form = plan(ChangeAddColumn{table, "slug", "text", {}, "lower(mail)", true});
  CHECK(takes_away(short_form));
  const Plan long_form = expand_changes(short_form, lookup);
  REQUIRE(long_form.expand.size() == 1);
  CHECK_FALSE(as<AddColumn>(long_form.expand[0]).not_null);
  REQUIRE(long_form.migrate.size() == 1);
  CHECK(as<Backfill>(long_form.migrate[0]).set == ColumnExpressions{{"slug", "lower(mail)"}});
  CHECK(as<Backfill>(long_form.migrate[0]).reverse.empty());
  REQUIRE(long_form.contract.steps.size() == 1);
  CHECK(as<SetNotNull>(long_form.contract.steps[0]).column == "slug");
}

TEST_CASE("windows beside a change that takes nothing away are not in its long form, which reads back", "[change]") {
  const ReadPlan read = read_plan(
      "plan: a\nchange:\n  - add_column: { table: users, name: slug, type: text, fill: lower(name) }\ncontract:\n  "
      "observe: 12h\n",
      "p.yaml");
  REQUIRE(read.plan);
  const Plan whole = expand_changes(*read.plan, {});
  CHECK_FALSE(whole.contract.observe);
  CHECK(read_plan(to_yaml(whole), "again").plan);
}

TEST_CASE("a default that is evaluated is set for new rows, and batch by batch for the others", "[change]") {
  const Plan plan_ = expand_changes(plan(ChangeAddColumn{table, "seen", "timestamptz", "now()", {}, true}), lookup);
  REQUIRE(plan_.expand.size() == 2);
  CHECK_FALSE(as<AddColumn>(plan_.expand[0]).default_value);
  CHECK(as<SetDefault>(plan_.expand[1]).default_value == "now()");
  CHECK(as<SqlBatched>(plan_.migrate.at(0)).run ==
        "UPDATE \"public\".\"users\" AS t SET \"seen\" = (now()) WHERE {rows} AND t.\"seen\" IS NULL");
  CHECK(as<SetNotNull>(plan_.contract.steps.at(0)).column == "seen");
}

TEST_CASE("a dropped column is only dropped", "[change]") {
  const Plan plan_ = expand_changes(plan(ChangeDropColumn{table, "team", "0"}), lookup);
  REQUIRE(plan_.contract.steps.size() == 1);
  CHECK(as<DropColumn>(plan_.contract.steps[0]).born_since == "0");
  CHECK(plan_.expand.empty());
}

TEST_CASE("a renamed column takes along all that hangs on it", "[change]") {
  const Plan plan_ = expand_changes(plan(ChangeRenameColumn{table, "mail", "email"}), lookup);
  REQUIRE(plan_.expand.size() == 1);
  CHECK(as<AddColumn>(plan_.expand[0]).like == "mail");
  REQUIRE(plan_.migrate.size() == 3);
  CHECK(as<Backfill>(plan_.migrate[0]).set == ColumnExpressions{{"email", "mail"}});
  CHECK(as<Backfill>(plan_.migrate[0]).reverse == ColumnExpressions{{"mail", "email"}});
  const auto& plain = as<CreateIndex>(plan_.migrate[1]);
  CHECK(plain.name == "users_email_idx");
  CHECK(plain.columns == std::vector<std::string>{"email", "team"});
  CHECK(plain.definition == "CREATE INDEX \"users_email_idx\" ON public.users USING btree (email, team)");
  const auto& lower = as<CreateIndex>(plan_.migrate[2]);
  CHECK(lower.unique);
  CHECK(
      lower.definition ==
      "CREATE UNIQUE INDEX \"users_lower_email\" ON public.users USING btree (lower(email) COLLATE mail) WHERE (email "
      "<> 'mail'::text)");
  REQUIRE(plan_.contract.steps.size() == 4);
  const auto& check = as<AddCheck>(plan_.contract.steps[0]);
  CHECK(check.check == "(email ~~ '%@%'::text)");
  CHECK(check.name == "users_email_check");
  const auto& key = as<AddForeignKey>(plan_.contract.steps[1]);
  CHECK(key.columns == std::vector<std::string>{"email"});
  CHECK(key.referenced == TableName{"public", "boxes"});
  CHECK(key.referenced_columns == std::vector<std::string>{"mail"});
  CHECK(key.name == "users_fk_email");
  CHECK(as<SetNotNull>(plan_.contract.steps[2]).column == "email");
  CHECK(as<DropColumn>(plan_.contract.steps[3]).name == "mail");
  CHECK(plan_.contract.allow_silent ==
        std::vector<std::string>{"users_mail_idx", "users_lower", "users_mail_check", "users_fk"});
}

TEST_CASE("a unique constraint of a renamed column is one on the new column", "[change]") {
  const TableLookup constrained = [](const TableName&) {
    TableFacts facts = users();
    facts.indexes[1].unique = true;
    facts.indexes[1].constraint = "users_mail_idx";
    facts.indexes[2].constraint = "users_lower";
    facts.indexes[2].immediate = false;
    return std::optional(facts);
  };
  const Plan plan_ = expand_changes(plan(ChangeRenameColumn{table, "mail", "email"}), constrained);
  CHECK(as<CreateIndex>(plan_.migrate.at(1)).constraint);
  CHECK_FALSE(as<CreateIndex>(plan_.migrate.at(2)).constraint);  // deferrable: it cannot be made of an index
}

TEST_CASE("a foreign key of a renamed column says what it said of the old one", "[change]") {
  const auto renamed = [](const std::string& definition, bool validated) {
    const TableLookup facts = [&](const TableName&) {
      TableFacts found = users();
      found.constraints = {{"users_fk", 'f', definition, {"team", "mail"}, validated}};
      return std::optional(found);
    };
    return expand_changes(plan(ChangeRenameColumn{table, "mail", "email"}), facts).contract.steps.at(0);
  };
  const Step plain = renamed(
      "FOREIGN KEY (team, mail) REFERENCES sales.\"Big \"\"Boxes\"(team, \"of\") ON UPDATE CASCADE ON DELETE SET NULL",
      true);
  const auto& key = as<AddForeignKey>(plain);
  CHECK(key.columns == std::vector<std::string>{"team", "email"});
  CHECK(key.referenced == TableName{"sales", "Big \"Boxes"});
  CHECK(key.referenced_columns == std::vector<std::string>{"team", "of"});
  CHECK(key.on_update == KeyAction::cascade);
  CHECK(key.on_delete == KeyAction::set_null);
  // What a rule cannot say is carried over as it is, and so is what was not validated: rows may break it.
  CHECK(as<Sql>(renamed("FOREIGN KEY (team, mail) REFERENCES boxes(team, mail) MATCH FULL", true)).run ==
        "ALTER TABLE \"public\".\"users\" ADD CONSTRAINT \"users_fk_email\" FOREIGN KEY (team, email) REFERENCES "
        "boxes(team, mail) MATCH FULL NOT VALID");
  CHECK(as<Sql>(renamed("FOREIGN KEY (team, mail) REFERENCES boxes(team, mail) DEFERRABLE", true)).undo.has_value());
  CHECK(as<Sql>(renamed("FOREIGN KEY (team, mail) REFERENCES boxes(team, mail) ON DELETE SET NULL (mail)", true))
            .run.ends_with("ON DELETE SET NULL (mail) NOT VALID"));
  CHECK(as<Sql>(renamed("FOREIGN KEY (team, mail) REFERENCES boxes(team, mail) NOT VALID", false))
            .run.ends_with("boxes(team, mail) NOT VALID"));
}

TEST_CASE("an index that goes with a replaced column is not dropped by the same plan", "[change]") {
  Plan both = plan(ChangeType{table, "mail", "varchar(80)", {}, {}});
  both.file = "p.yaml";
  both.changes.push_back({ChangeStep{"contract", DropIndex{{"public", "users_mail_idx"}}}, {4, 5}});
  CHECK_THROWS_WITH(expand_changes(both, lookup), Catch::StartsWith("p.yaml:4:5: drop_index: users_mail_idx"));
  both.changes.back() = {ChangeStep{"contract", DropIndex{{"public", "users_other"}}}, {4, 5}};
  CHECK_NOTHROW(expand_changes(both, lookup));
}

TEST_CASE("the long form of a rename reads back as the same plan", "[change][plan_file]") {
  Plan short_form = plan(ChangeRenameColumn{table, "mail", "email"});
  short_form.name = "rename-mail";
  const std::string yaml = to_yaml(expand_changes(short_form, lookup));
  CAPTURE(yaml);
  const ReadPlan read = read_plan(yaml, "again");
  for (const Diagnostic& diagnostic : read.diagnostics) FAIL_CHECK(render(diagnostic));
  REQUIRE(read.plan);
  CHECK(to_yaml(*read.plan) == yaml);
}

TEST_CASE("a column that changes its type is replaced by one that takes its indexes' names", "[change]") {
  const Plan plan_ = expand_changes(plan(ChangeType{table, "mail", "varchar(80)", {}, "mail::text"}), lookup);
  REQUIRE(plan_.expand.size() == 1);
  const auto& add = as<AddColumn>(plan_.expand[0]);
  CHECK(add.name == "mail_new");
  CHECK(add.type == "varchar(80)");
  CHECK(add.like == "mail");
  REQUIRE(plan_.migrate.size() == 3);
  CHECK(as<Backfill>(plan_.migrate[0]).set == ColumnExpressions{{"mail_new", "mail"}});
  CHECK(as<Backfill>(plan_.migrate[0]).reverse == ColumnExpressions{{"mail", "mail_new::text"}});
  CHECK(as<CreateIndex>(plan_.migrate[1]).definition ==
        "CREATE INDEX \"users_mail_new_idx\" ON public.users USING btree (mail_new, team)");
  REQUIRE(plan_.contract.steps.size() == 1);
  const auto& replace = as<ReplaceColumn>(plan_.contract.steps[0]);
  CHECK(replace.column == "mail");
  CHECK(replace.with == "mail_new");
  CHECK(replace.names == std::vector<std::pair<std::string, std::string>>{{"users_mail_idx", "users_mail_new_idx"},
                                                                          {"users_lower", "users_lower_mail_new"}});
  CHECK(plan_.contract.allow_silent ==
        std::vector<std::string>{"users_mail_idx", "users_lower", "users_mail_check", "users_fk"});
}

TEST_CASE("two columns that share an index do not change their types in one plan", "[change]") {
  Plan both = plan(ChangeType{table, "mail", "varchar(80)", {}, {}});
  both.changes.push_back({ChangeType{table, "team", "integer", {}, {}}, {}});
  CHECK_THROWS_WITH(expand_changes(both, lookup), Catch::Contains("users_mail_idx"));
}

TEST_CASE("the long form of a change of type reads back as the same plan", "[change][plan_file]") {
  Plan short_form = plan(ChangeType{table, "mail", "varchar(80)", {}, {}});
  short_form.name = "retype-mail";
  const std::string yaml = to_yaml(expand_changes(short_form, lookup));
  CAPTURE(yaml);
  const ReadPlan read = read_plan(yaml, "again");
  for (const Diagnostic& diagnostic : read.diagnostics) FAIL_CHECK(render(diagnostic));
  REQUIRE(read.plan);
  CHECK(to_yaml(*read.plan) == yaml);
}

TEST_CASE("names that need quotes are quoted in the expressions of a rename", "[change]") {
  const Plan plan_ = expand_changes(plan(ChangeRenameColumn{{"public", "t"}, "Full Name", "order"}), lookup);
  CHECK(as<Backfill>(plan_.migrate.at(0)).set == ColumnExpressions{{"order", "\"Full Name\""}});
  CHECK(as<Backfill>(plan_.migrate.at(0)).reverse == ColumnExpressions{{"Full Name", "\"order\""}});
}

TEST_CASE("a rename that cannot be expressed is refused with its place", "[change]") {
  for (const std::string column : {"nowhere", "id"}) {
    CAPTURE(column);
    Plan plan_ = plan(ChangeRenameColumn{table, column, "other"});
    plan_.file = "p.yaml";
    try {
      expand_changes(plan_, lookup);
      FAIL_CHECK("expanded");
    } catch (const Error& error) {
      CHECK(error.exit() == Exit::invalid);
      CHECK(std::string(error.what()).starts_with("p.yaml:3:5: rename_column: "));
    }
  }
}
