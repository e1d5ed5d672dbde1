#include <nlohmann/json.hpp>

#include "catch.hpp"
#include "switchback/cli/render.hpp"

using namespace switchback;
using namespace switchback::cli;
using nlohmann::json;

namespace {

engine::EventRecord event() {
  engine::EventRecord record;
  record.id = 1;
  record.at = "2026-01-31T02:00:00.123Z";
  record.plan = "p";
  record.kind = "state";
  record.from = "planned";
  record.to = "expanding";
  record.role = "shop";
  record.os_user = "alice";
  record.host = "laptop";
  record.lsn = "0/16B3740";
  record.detail = R"({"a": 1})";
  return record;
}

Judgement judgement() {
  Judgement judged;
  judged.structure = "public.users.full_name";
  judged.from = parse_iso("2026-01-30T02:00:00Z").value();
  judged.to = parse_iso("2026-01-31T02:00:00Z").value();
  judged.covered = 0.9996;
  judged.reasons = {"seen for 3h of 24h"};
  Observation found;
  found.source = "statements";
  found.server = "primary";
  found.finding = Finding::unknown;
  found.detail = "select * from users";
  judged.findings.push_back(found);
  judged.shortfalls = judged.reasons;
  judged.missing = {"GRANT it"};
  judged.coverage = {{"statements", "primary", judged.from, judged.to, ""}};
  return judged;
}

Explained explained() {
  StepSql step;
  step.step = "add_column users.first_name";
  step.sql = {"ALTER TABLE users\nADD COLUMN first_name text"};
  step.undo = {"ALTER TABLE users DROP COLUMN first_name"};
  step.lock = "ACCESS EXCLUSIVE";
  step.held = "milliseconds";
  step.after = Safety::breaks;
  StepSql forever;
  forever.step = "sql";
  forever.no_undo = "enum values stay";
  return {"p", "aa", {{"expand", {step, forever}}}, {"know this"}};
}

}  // namespace

TEST_CASE("history as JSON is one object a line with the documented keys", "[cli]") {
  engine::EventRecord other = event();
  other.plan = other.from = other.to = other.reason = "";
  const std::string text = history_json({event(), other});
  const std::size_t end = text.find('\n');
  const json first = json::parse(text.substr(0, end));
  CHECK(first.at("at") == "2026-01-31T02:00:00.123Z");
  CHECK(first.at("plan") == "p");
  CHECK(first.at("kind") == "state");
  CHECK(first.at("from") == "planned");
  CHECK(first.at("to") == "expanding");
  CHECK(first.at("actor") == json{{"role", "shop"}, {"os_user", "alice"}, {"host", "laptop"}, {"pipeline", nullptr}});
  CHECK(first.at("reason").is_null());
  CHECK(first.at("lsn") == "0/16B3740");
  CHECK(first.at("detail") == json{{"a", 1}});
  const json second = json::parse(text.substr(end + 1));
  CHECK(second.at("plan").is_null());
  CHECK(second.at("from").is_null());
  CHECK(text.back() == '\n');
}

TEST_CASE("the history table shows a change of state as one", "[cli]") {
  const std::string text = history_text({event()}, Paint{});
  CHECK(text.find("planned → expanding") != std::string::npos);
  CHECK(text.find("shop (alice@laptop)") != std::string::npos);
  CHECK(history_text({}, Paint{}) == "nothing has happened yet\n");
}

TEST_CASE("usage as JSON has the window, the findings and the reasons", "[cli]") {
  const json document = json::parse(usage_json("p", {judgement()}));
  CHECK(document.at("plan") == "p");
  const json structure = document.at("structures").at(0);
  CHECK(structure.at("structure") == "public.users.full_name");
  CHECK(structure.at("verdict") == "unknown");
  CHECK(structure.at("window").at("from") == "2026-01-30T02:00:00Z");
  CHECK(structure.at("window").at("to") == "2026-01-31T02:00:00Z");
  CHECK(structure.at("window").at("covered") == 0.9996);
  CHECK(structure.at("findings").at(0).at("source") == "statements");
  CHECK(structure.at("findings").at(0).at("last_seen").is_null());
  CHECK(structure.at("reasons").at(0) == "seen for 3h of 24h");
  CHECK(structure.at("missing").at(0) == "GRANT it");
  CHECK(structure.at("coverage").at(0).at("from") == "2026-01-30T02:00:00Z");
  CHECK(structure.at("coverage").at(0).at("cut_by").is_null());
}

TEST_CASE("coverage that is not whole is not rounded up to it", "[cli]") {
  CHECK(usage_text("p", {judgement()}, Paint{}).find("99% covered") != std::string::npos);
}

TEST_CASE("usage says who and what, what is missing, what was looked at and what cannot be seen", "[cli]") {
  Judgement judged = judgement();
  Observation used;
  used.source = "statements";
  used.server = "r2";
  used.finding = Finding::used;
  used.detail = "SELECT full_name FROM users by role shop, whose sessions are shop:v41";
  used.last_seen = judged.to;
  judged.findings.push_back(used);
  judged.findings.push_back({"catalog", "primary", Finding::clear, "nothing depends on it", std::nullopt, ""});
  const std::string text = usage_text("p", {judged}, Paint{});
  CAPTURE(text);
  CHECK(text.find("  used by      SELECT full_name FROM users by role shop, whose sessions are shop:v41\n"
                  "               statements on r2, last seen 2026-01-31T02:00:00Z\n") != std::string::npos);
  CHECK(text.find("  unknown      select * from users\n               statements on primary\n") != std::string::npos);
  CHECK(text.find("  not covered  seen for 3h of 24h\n") != std::string::npos);
  CHECK(text.find("  missing      GRANT it\n") != std::string::npos);
  CHECK(text.find("  statements  primary  2026-01-30T02:00:00Z  2026-01-31T02:00:00Z  unknown\n") != std::string::npos);
  CHECK(text.find("  catalog     primary  as of now                                   nothing depends on it\n") !=
        std::string::npos);
  CHECK(text.find("  cannot see   statements: ") != std::string::npos);
}

TEST_CASE("text is broken at blanks to fit the terminal, and never for a pipe", "[cli]") {
  CHECK(hanging("  a  ", "one two three four five six", 26) == "  a  one two three four\n     five six\n");
  CHECK(hanging("  a  ", "one two", 0) == "  a  one two\n");
  CHECK(hanging("  a  ", "", 80) == "  a\n");
  Judgement judged = judgement();
  judged.findings[0].detail = std::string(60, 'x') + " " + std::string(60, 'y');
  const std::string text = usage_text("p", {judged}, Paint{}, 100);
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1)
    CHECK(columns_of(std::string_view(text).substr(at, text.find('\n', at) - at)) <= 100);
}

TEST_CASE("explain as JSON has every documented key of a step", "[cli]") {
  const json document = json::parse(explained_json(explained()));
  const json step = document.at("phases").at(0).at("steps").at(0);
  CHECK(document.at("plan") == "p");
  CHECK(document.at("phases").at(0).at("phase") == "expand");
  CHECK(step.at("step") == "add_column users.first_name");
  CHECK(step.at("sql").size() == 1);
  CHECK(step.at("undo").size() == 1);
  CHECK(step.at("lock") == "ACCESS EXCLUSIVE");
  CHECK(step.at("rewrites") == false);
  CHECK(step.at("transactional") == true);
  CHECK(step.at("images").at("before") == "safe");
  CHECK(step.at("images").at("after") == "breaks");
}

TEST_CASE("explain shows SQL that can be pasted, and why there is no undo", "[cli]") {
  const std::string text = explained_text(explained(), Paint{});
  CHECK(text.find("ADD COLUMN first_name text;\n") != std::string::npos);
  CHECK(text.find("none: enum values stay") != std::string::npos);
  CHECK(text.find("- know this") != std::string::npos);
}

TEST_CASE("an error says what, why and what to do, with the SQLSTATE", "[cli]") {
  Failure failure;
  failure.exit = Exit::unreachable;
  failure.message = "ERROR:  permission denied for table plan\nDETAIL: none";
  failure.hint = "GRANT it";
  failure.sqlstate = "42501";
  CHECK(failure_text(failure, Paint{}) ==
        "switchback: error: permission denied for table plan (SQLSTATE 42501)\n  DETAIL: none\nhint: GRANT it\n");
  const json object = json::parse(failure_json(failure));
  CHECK(object.at("code") == 8);
  CHECK(object.at("message") == "permission denied for table plan\nDETAIL: none");
  CHECK(object.at("hint") == "GRANT it");
  CHECK(object.at("sqlstate") == "42501");
  for (const char* key : {"file", "line", "column"}) CHECK(object.at(key).is_null());
}

TEST_CASE("an error in a file says where", "[cli]") {
  Failure failure;
  failure.message = "no such key";
  failure.file = "a.yaml";
  failure.line = 3;
  failure.column = 5;
  CHECK(failure_text(failure, Paint{}) == "switchback: error: a.yaml:3:5: no such key\n");
  CHECK(json::parse(failure_json(failure)).at("line") == 3);
}

TEST_CASE("no password of a connection string is shown", "[cli]") {
  const auto [given, shown] = GENERATE(table<std::string, std::string>(
      {{"postgresql://u:geheim@h/db", "postgresql://u:***@h/db"},
       {"postgresql://u:ge@heim@h/db", "postgresql://u:***@h/db"},
       {"postgresql://u@h:5432/db", "postgresql://u@h:5432/db"},
       {"postgresql://h:5432/db", "postgresql://h:5432/db"},
       {"postgresql://h/db?password=geheim&sslmode=require", "postgresql://h/db?password=***&sslmode=require"},
       {"host=h password=geheim user=u", "host=h password=*** user=u"},
       {"host=h password = 'ge he\\'im' user=u", "host=h password = *** user=u"},
       {"password=geheim", "password=***"},
       {"sslpassword=geheim dbname=x", "sslpassword=*** dbname=x"},
       {"service=shop", "service=shop"},
       {"", ""}}));
  CHECK(masked(given) == shown);
  CHECK(has_password(given) == (given != shown));
}

TEST_CASE("config show has every setting once, from the narrowest origin", "[cli]") {
  const auto effective = effective_settings(
      {{"lock_timeout", "3s", Origin::environment_variable, "SWITCHBACK_LOCK_TIMEOUT"},
       {"lock_timeout", "1s", Origin::file, "switchback.yaml:2:1"},
       {"database", "host=h password=geheim", Origin::flag, "--database"},
       {"health.replicas.r2.connect", "host=r2 password=geheim", Origin::file, "switchback.yaml:4:9"},
       {"images.pgbouncer", "'postgresql://u:geheim@h/pgbouncer' 'postgresql://u:auch@i/pgbouncer'", Origin::file,
        "switchback.yaml:6:3"},
       {"health.replicas.r2", "optional", Origin::file, "switchback.yaml:4:3"}});
  const json document = json::parse(settings_json(effective));
  std::map<std::string, json> by_key;
  for (const json& one : document.at("settings")) {
    CHECK(by_key.emplace(one.at("key").get<std::string>(), one).second);
  }
  CHECK(by_key.at("lock_timeout").at("value") == "3s");
  CHECK(by_key.at("lock_timeout").at("origin") == "environment");
  CHECK(by_key.at("lock_timeout").at("source") == "SWITCHBACK_LOCK_TIMEOUT");
  CHECK(by_key.at("database").at("value") == "host=h password=***");
  CHECK(by_key.at("health.replicas.r2").at("value") == "optional");
  CHECK(by_key.at("health.replicas.r2.connect").at("value") == "host=r2 password=***");
  CHECK(by_key.at("images.pgbouncer").at("value") == "postgresql://u:***@h/pgbouncer postgresql://u:***@i/pgbouncer");
  CHECK(by_key.at("lease").at("origin") == "default");
  CHECK(by_key.at("lease").at("source").is_null());
  for (const SettingSpec& spec : setting_specs())
    if (!is_family(spec)) CHECK(by_key.contains(std::string(spec.key)));
}

TEST_CASE("turning back says what it costs, or that it costs nothing", "[cli]") {
  daemon::TurnBack way{{"drop users.first_name"}, {}, {}, {}, 3};
  CHECK(turn_back_text("p", State::rolled_back, way).ends_with("Nothing is lost.\n"));
  way.losses = {"3 names"};
  CHECK(turn_back_text("p", State::rolled_back, way).find("- 3 names") != std::string::npos);
  way.images = {"shop:v42 needs users.first_name"};
  CHECK(turn_back_text("p", State::rolled_back, way)
            .ends_with("Images that would break:\n  - shop:v42 needs users.first_name\n"));
  way.uses = {"users.first_name on primary: shop:v42"};
  CHECK(turn_back_text("p", State::rolled_back, way).find("Statements that used what goes:\n  - users.first_name") !=
        std::string::npos);
  CHECK(json::parse(turn_back_json("p", State::rolled_back, way)).at("losses").at(0) == "3 names");
}

TEST_CASE("what was looked at after turning back is right, wrong or unknown, each said so", "[cli]") {
  engine::Verification found;
  CHECK(engine::sentence_of(found) == "there was nothing to look at");
  found.state = State::migrated;
  found.tables.push_back(
      {{"public", "users"}, 1200, engine::Compared{1200, 0, 0, 0, 0, {}}, {{{"full_name"}, "00ff"}}});
  found.smoke.push_back({"SELECT 1", ""});
  found.images.push_back({"shop:v41", GateVerdict::unknown, {"it is not registered"}, false});
  CHECK_FALSE(found.failed());
  CHECK(engine::sentence_of(found) ==
        "1,200 rows of users compared, none wrong; 1 smoke test, none failed; shop:v41: unknown");
  CHECK(verification_text(found) ==
        "Looked at after turning back:\n  users: 1,200 rows compared, none wrong\n    checksum 00ff of full_name\n  "
        "smoke test: SELECT 1: passed\n  shop:v41: unknown\n    it is not registered\n");
  found.smoke[0].error = "it answers false";
  CHECK(found.failed());
  CHECK(verification_text(found).find("  WRONG: smoke test: SELECT 1: it answers false\n") != std::string::npos);
  found.smoke.clear();
  found.images[0].verdict = GateVerdict::no;
  CHECK_FALSE(found.failed());  // what was so before, or another plan's doing
  found.images[0].wrong = true;
  CHECK(found.failed());
  found.images.clear();
  CHECK_FALSE(found.failed());
  found.tables[0].compared->wrong = 1;
  CHECK(found.failed());
}

TEST_CASE("a comparison names what is wrong and what only is not yet", "[cli]") {
  daemon::Comparison comparison;
  comparison.rows = 500'000;
  CHECK(comparison_text("p", comparison) == "p: 500,000 rows compared, none wrong\n");
  comparison.wrong = 1;
  comparison.unfilled = 2;
  comparison.samples = {R"({"id": 5})"};
  const std::string text = comparison_text("p", comparison);
  CHECK(text.find("1 wrong") != std::string::npos);
  CHECK(text.find("2 not filled yet") != std::string::npos);
  CHECK(json::parse(comparison_json("p", comparison)).at("samples").at(0).at("id") == 5);
}
