#include "switchback/engine/journal.hpp"

#include <future>
#include <thread>

#include "catch.hpp"
#include "plan_view.hpp"
#include "server.hpp"
#include "switchback/core/error.hpp"
#include "switchback/engine/forbidding.hpp"
#include "switchback/engine/history.hpp"
#include "switchback/engine/journal_schema.hpp"
#include "switchback/postgres/session.hpp"

using namespace switchback;
using engine::Actor;
using engine::PlanRecord;
using tests::has;

namespace {

const Actor alice{"alice", "laptop"};

std::unique_ptr<ports::Session> session_at(const std::string& uri, bool read_only = false) {
  postgres::ConnectOptions options;
  options.database = uri;
  options.read_only = read_only;
  return postgres::connect(options);
}

PlanRecord plan_in(ports::Session& session, const std::string& name) {
  session.exec(
      "INSERT INTO switchback.plan (name, hash, text, long_form, file, environment, state, takes_away, image_before,"
      " system_identifier, timeline) VALUES ($1::text, 'aa', 'plan: x', 'plan: x', 'x.yaml', 'production', "
      "'migrating', true,"
      " 'shop:v41', '7', 1)",
      {name});
  return engine::require_plan(session, name);
}

/// A database with a journal, a session on it and one plan.
struct Journal {
  std::string uri = tests::server().fresh_database();
  std::unique_ptr<ports::Session> session = session_at(uri);
  PlanRecord plan;
  explicit Journal(const std::string& name = "rename-mail") {
    engine::ensure_journal(*session);
    plan = plan_in(*session, name);
  }
  PlanRecord again() { return engine::require_plan(*session, plan.name); }
  std::vector<engine::EventRecord> events() { return engine::events(*session, plan.id); }
};

/// The SQLSTATE with which `sql` fails; empty when it does not.
std::string failure_of(ports::Session& session, const std::string& sql) {
  try {
    session.exec(sql);
    return "";
  } catch (const Error& error) {
    return error.sqlstate();
  }
}

template <class Call>
Error error_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  return Error(Exit::done, Remedy::bug, "nothing was thrown");
}

}  // namespace

TEST_CASE("nobody changes what the history says, not its owner and not a superuser", "[journal]") {
  Journal journal;
  engine::add_event(*journal.session, alice, journal.plan.id, "state", "planned", "expanding");
  const std::string change =
      GENERATE(as<std::string>(), "UPDATE switchback.event SET reason = 'nothing happened'",
               "DELETE FROM switchback.event", "TRUNCATE switchback.event", "DELETE FROM switchback.event WHERE false");
  CAPTURE(change);

  SECTION("as a superuser") {
    CHECK(failure_of(*journal.session, change) == "55000");
  }
  SECTION("as a superuser who takes triggers for a replica's") {
    journal.session->exec("SET session_replication_role = replica");
    CHECK(failure_of(*journal.session, change) == "55000");
  }
  SECTION("as its owner, who is no superuser") {
    journal.session->exec(
        "DO $$ BEGIN CREATE ROLE journal_owner; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
        "ALTER SCHEMA switchback OWNER TO journal_owner; ALTER TABLE switchback.event OWNER TO journal_owner;"
        "ALTER FUNCTION switchback.refuse_change() OWNER TO journal_owner; SET ROLE journal_owner");
    CHECK(failure_of(*journal.session, change) == "55000");
    journal.session->exec("RESET ROLE");
  }
  CHECK(journal.events().size() == 1);
}

TEST_CASE("an event says who, where in the log, and what", "[journal]") {
  Journal journal;
  engine::add_event(*journal.session, alice, journal.plan.id, "state", "planned", "expanding", "it's time",
                    R"({"a": "b"})");
  engine::add_event(*journal.session, alice, std::nullopt, "journal", "", "");

  const auto events = journal.events();
  REQUIRE(events.size() == 1);
  CHECK(events[0].plan == "rename-mail");
  CHECK(events[0].kind == "state");
  CHECK(events[0].from == "planned");
  CHECK(events[0].to == "expanding");
  CHECK(events[0].reason == "it's time");
  CHECK(events[0].os_user == "alice");
  CHECK(events[0].host == "laptop");
  CHECK(events[0].role == journal.session->exec("SELECT session_user").text(0, 0));
  CHECK(events[0].detail == R"({"a": "b"})");
  CHECK(events[0].lsn.find('/') != std::string::npos);
  CHECK(events[0].at.ends_with("Z"));

  CHECK(engine::events(*journal.session, std::nullopt).size() == 2);
  CHECK(engine::events(*journal.session, std::nullopt, events[0].id).size() == 1);
}

TEST_CASE("two first runs at once make one journal", "[journal]") {
  const std::string uri = tests::server().fresh_database();
  const auto one = session_at(uri);
  const auto two = session_at(uri);
  auto first = std::async(std::launch::async, [&] { return engine::ensure_journal(*one); });
  auto second = std::async(std::launch::async, [&] { return engine::ensure_journal(*two); });
  const int made = (first.get() ? 1 : 0) + (second.get() ? 1 : 0);
  CHECK(made == 1);
  CHECK(one->exec("SELECT count(*) FROM switchback.meta").integer(0, 0) == 1);
  CHECK_FALSE(engine::ensure_journal(*one));
}

TEST_CASE("a journal one version newer is read and not written", "[journal]") {
  Journal journal;
  engine::add_event(*journal.session, alice, journal.plan.id, "state", "planned", "migrating");
  // What a newer version may do: more columns, also in front of the ones known here, and kinds of hold of its own.
  journal.session->exec(
      "ALTER TABLE switchback.plan ADD COLUMN region text DEFAULT 'eu'; ALTER TABLE switchback.event ADD COLUMN seal "
      "bytea; UPDATE switchback.plan SET hold = '{\"kind\": \"moon\", \"reason\": \"it is full\", \"since\": \"2026-01-"
      "31T02:00:00Z\", \"ends_when\": \"it wanes\", \"phase\": 3}'");
  journal.session->exec("UPDATE switchback.meta SET version = " + std::to_string(engine::journal_version() + 1) +
                        ", readable_by = " + std::to_string(engine::journal_version()));

  const auto reader = session_at(journal.uri, true);
  CHECK_NOTHROW(engine::require_readable_journal(*reader));
  const auto plans = engine::all_plans(*reader);
  REQUIRE(plans.size() == 1);
  REQUIRE(plans[0].hold);
  CHECK(plans[0].hold->reason == "it is full");
  CHECK(engine::events(*reader, plans[0].id).size() == 1);

  const Error refusal = error_of([&] { engine::ensure_journal(*journal.session); });
  CHECK(refusal.exit() == Exit::failed);
  CHECK(std::string(refusal.what()).find("version 2") != std::string::npos);
}

TEST_CASE("a journal two versions newer is refused by everything", "[journal]") {
  Journal journal;
  journal.session->exec("UPDATE switchback.meta SET version = " + std::to_string(engine::journal_version() + 2));
  CHECK(error_of([&] { engine::require_readable_journal(*journal.session); }).exit() == Exit::failed);
  CHECK(error_of([&] { engine::ensure_journal(*journal.session); }).exit() == Exit::failed);
}

TEST_CASE("a newer journal that says it cannot be read by this version is not", "[journal]") {
  Journal journal;
  journal.session->exec("UPDATE switchback.meta SET version = version + 1, readable_by = version + 1");
  CHECK(error_of([&] { engine::require_readable_journal(*journal.session); }).exit() == Exit::failed);
}

TEST_CASE("a database without a journal says how to make one", "[journal]") {
  const auto session = session_at(tests::server().fresh_database(), true);
  const Error error = error_of([&] { engine::require_readable_journal(*session); });
  CHECK(error.exit() == Exit::invalid);
  CHECK(error.hint().find("switchback init") != std::string::npos);
}

TEST_CASE("a role that may not create the journal is told which GRANT it needs", "[journal]") {
  auto& server = tests::server();
  const std::string uri = server.fresh_database();
  server.sql(uri, "DO $$ BEGIN CREATE ROLE \"Poor Role\" LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$");
  const auto session = session_at(server.as(uri, "Poor Role"));
  const Error error = error_of([&] { engine::ensure_journal(*session); });
  CHECK(error.exit() == Exit::unreachable);
  CHECK(error.sqlstate() == "42501");
  CHECK(error.hint().find("GRANT CREATE ON DATABASE") != std::string::npos);
  CHECK(error.hint().find("\"Poor Role\"") != std::string::npos);
  server.sql(uri, error.hint());
  CHECK(engine::ensure_journal(*session));
}

TEST_CASE("an unknown plan is refused with the names there are", "[journal]") {
  Journal journal("rename-mail");
  plan_in(*journal.session, "split-full-name");
  const Error error = error_of([&] { engine::require_plan(*journal.session, "rename-male"); });
  CHECK(error.exit() == Exit::invalid);
  CHECK(error.hint().find("did you mean rename-mail?") != std::string::npos);
  CHECK(error.hint().find("split-full-name") != std::string::npos);
  CHECK_FALSE(engine::find_plan(*journal.session, "rename-male"));
}

TEST_CASE("a plan is read whole in a read-only session", "[journal]") {
  Journal journal;
  const auto session = session_at(journal.uri, true);
  const auto plan = engine::find_plan(*session, "rename-mail");
  REQUIRE(plan);
  CHECK(plan->state == State::migrating);
  CHECK(plan->takes_away);
  CHECK(plan->images.before == "shop:v41");
  CHECK_FALSE(plan->images.after);
  CHECK_FALSE(plan->hold);
  CHECK_FALSE(plan->paused);
  CHECK_FALSE(plan->runner);
  CHECK_FALSE(plan->progress);
  CHECK(plan->resolved == "{}");
  CHECK(engine::live_plans(*session).size() == 1);
}

TEST_CASE("a runner counts as alive until its lease has run out or it let go", "[journal]") {
  Journal journal;
  const auto runner = [&](const std::string& heartbeat, const std::string& released) {
    journal.session->exec("DELETE FROM switchback.runner");
    journal.session->exec(
        "INSERT INTO switchback.runner (plan_id, epoch, runner, host, pid, lease, heartbeat, released) SELECT id, 3, "
        "'r', 'h', 42, '15 s', clock_timestamp() - interval '" +
        heartbeat + "', " + released + " FROM switchback.plan");
    return journal.again().runner.value();
  };
  CHECK(runner("1 s", "false").alive);
  CHECK(runner("1 s", "false").epoch == 3);
  CHECK_FALSE(runner("1 s", "true").alive);
  CHECK_FALSE(runner("20 s", "false").alive);
}

TEST_CASE("pausing and resuming is on the plan, in the requests and in the history", "[journal]") {
  Journal journal;
  engine::request_pause(*journal.session, alice, journal.plan, "lunch");
  const auto paused = journal.again().paused;
  REQUIRE(paused);
  CHECK(paused->reason == "lunch");
  CHECK(paused->role == journal.session->exec("SELECT session_user").text(0, 0));
  CHECK(paused->at.ends_with("Z"));

  engine::request_resume(*journal.session, alice, journal.plan, "");
  CHECK_FALSE(journal.again().paused);
  CHECK(
      journal.session->exec("SELECT pg_catalog.string_agg(kind, ' ' ORDER BY id) FROM switchback.request").text(0, 0) ==
      "pause resume");
  const auto events = journal.events();
  REQUIRE(events.size() == 2);
  CHECK(events[0].kind == "pause");
  CHECK(events[0].reason == "lunch");
  CHECK(events[1].kind == "resume");
}

TEST_CASE("an approval is for one text of the plan", "[journal]") {
  Journal journal;
  engine::add_approval(*journal.session, alice, journal.plan, "contract", std::nullopt, "reviewed");
  engine::add_approval(*journal.session, alice, journal.plan, "contract", "usage", "the report is dead");
  auto given = engine::approvals(*journal.session, journal.plan);
  REQUIRE(given.size() == 2);
  CHECK(given[0].reason == "reviewed");
  CHECK_FALSE(given[0].despite);
  CHECK(given[1].despite == "usage");

  journal.session->exec("UPDATE switchback.plan SET hash = 'bb'");
  // The record from before the change must not bring the old approvals back.
  CHECK(engine::approvals(*journal.session, journal.plan).empty());
  CHECK(engine::approvals(*journal.session, journal.again()).empty());
  engine::add_approval(*journal.session, alice, journal.again(), "contract", std::nullopt, "reviewed again");
  CHECK(engine::approvals(*journal.session, journal.again()).size() == 1);
}

TEST_CASE("a setting made for a while runs out", "[journal]") {
  Journal journal;
  engine::set_live(*journal.session, alice, journal.plan.id, "lock_timeout", "1s", std::nullopt);
  engine::set_live(*journal.session, alice, journal.plan.id, "backfill.batch.target", "10ms", std::chrono::hours(1));
  auto values = engine::live_settings(*journal.session, journal.plan.id);
  REQUIRE(values.size() == 2);
  CHECK(values[0].origin == Origin::live);
  CHECK(values[0].source.starts_with("set by "));
  CHECK(values[1].source.find("until") != std::string::npos);

  journal.session->exec(
      "UPDATE switchback.setting SET until = clock_timestamp() - interval '1 ms' WHERE until IS NOT NULL");
  values = engine::live_settings(*journal.session, journal.plan.id);
  REQUIRE(values.size() == 1);
  CHECK(values[0].key == "lock_timeout");

  engine::set_live(*journal.session, alice, journal.plan.id, "lock_timeout", "3s", std::nullopt);
  values = engine::live_settings(*journal.session, journal.plan.id);
  REQUIRE(values.size() == 1);
  CHECK(values[0].value == "3s");
  CHECK(journal.events().size() == 3);
}

TEST_CASE("a hold keeps its start while only its readings change, and is one event", "[journal]") {
  Journal journal;
  const auto hold = [&](const std::string& reason, HoldKind kind = HoldKind::health) {
    engine::store_hold(*journal.session, alice, journal.plan, Hold{kind, reason, "lag under 0.5 s for 3 s", {reason}});
  };
  const auto kinds = [&] {
    std::string text;
    for (const auto& event : journal.events()) text += event.kind + " ";
    return text;
  };
  hold("replica r2 lag 3.4 s over 1 s");
  journal.session->exec(R"(UPDATE switchback.plan SET hold = hold || '{"since": "2026-01-31T02:00:00Z"}')");
  hold("replica r2 lag 3.6 s over 1 s");
  CHECK(journal.again().hold->reason == "replica r2 lag 3.6 s over 1 s");
  CHECK(journal.again().hold->reasons.size() == 1);
  CHECK(journal.again().hold_since == "2026-01-31T02:00:00Z");
  CHECK(kinds() == "hold ");

  hold("replica r2 lag 40 ms over 1 s");
  CHECK(kinds() == "hold ");

  hold("replica r1 lag 3.6 s over 1 s");
  CHECK(kinds() == "hold hold ");
  hold("paused by bob", HoldKind::operator_);
  CHECK(journal.again().hold_since != "2026-01-31T02:00:00Z");
  CHECK(kinds() == "hold hold hold ");

  engine::store_hold(*journal.session, alice, journal.plan, std::nullopt);
  engine::store_hold(*journal.session, alice, journal.plan, std::nullopt);
  CHECK_FALSE(journal.again().hold);
  CHECK(kinds() == "hold hold hold hold_ended ");
}

TEST_CASE("progress comes back as it was stored", "[journal]") {
  Journal journal;
  engine::Progress progress{"backfill users", 12, 100, 8412.5, 2000, 38, 2, 3660, 1, "r1 0.2 s"};
  engine::store_progress(*journal.session, journal.plan.id, progress);
  auto stored = journal.again().progress;
  REQUIRE(stored);
  CHECK(stored->step == "backfill users");
  CHECK(stored->rows_done == 12);
  CHECK(stored->rows_estimate == 100);
  CHECK(stored->rows_per_second == 8412.5);
  CHECK(stored->eta_seconds == 3660);
  CHECK(stored->worst_lag == "r1 0.2 s");

  progress.eta_seconds.reset();
  engine::store_progress(*journal.session, journal.plan.id, progress);
  CHECK_FALSE(journal.again().progress->eta_seconds);
}

namespace {

/// Where check_chain() finds the history broken: `2 is not as it was written; …`.
std::string breaks(ports::Session& session, const std::string& expected = "") {
  std::string all;
  for (const ChainBreak& one : check_chain(engine::chain_links(session), expected).breaks)
    all += (all.empty() ? "" : "; ") + std::to_string(one.id) + " " + one.what;
  return all;
}

/// As somebody does who owns everything and wants nobody to know.
void tamper(ports::Session& session, const std::string& sql) {
  session.exec("ALTER TABLE switchback.event DISABLE TRIGGER ALL; " + sql +
               "; ALTER TABLE switchback.event ENABLE ALWAYS TRIGGER append_only, ENABLE ALWAYS TRIGGER chained");
}

}  // namespace

TEST_CASE("a history that somebody changed past its guard is found out, by the event", "[journal][history]") {
  Journal journal;
  for (const char* state : {"expanding", "expanded", "migrating", "migrated"})
    engine::add_event(*journal.session, alice, journal.plan.id, "state", "", state, "because");
  REQUIRE(breaks(*journal.session).empty());
  const std::string head = check_chain(engine::chain_links(*journal.session), "").heads.back();

  SECTION("a word of it") {
    tamper(*journal.session, "UPDATE switchback.event SET reason = 'nobody knows why' WHERE to_state = 'expanded'");
    CHECK(has(breaks(*journal.session), "is not as it was written"));
  }
  SECTION("who it was") {
    tamper(*journal.session, "UPDATE switchback.event SET role = 'mallory' WHERE to_state = 'expanded'");
    CHECK(has(breaks(*journal.session), "is not as it was written"));
  }
  SECTION("an event that was taken out") {
    tamper(*journal.session, "DELETE FROM switchback.event WHERE to_state = 'expanded'");
    CHECK(has(breaks(*journal.session), "follows an event that is gone or was changed"));
  }
  SECTION("its end, which only a head that was kept elsewhere shows") {
    tamper(*journal.session, "DELETE FROM switchback.event WHERE to_state = 'migrated'");
    CHECK(breaks(*journal.session).empty());
    CHECK(has(breaks(*journal.session, head), "is gone or was changed"));
  }
  SECTION("read in another time zone and format it is the same") {
    journal.session->exec("SET TimeZone = 'Asia/Kathmandu'; SET DateStyle = 'German'; SET extra_float_digits = 0");
    CHECK(breaks(*journal.session, head).empty());
  }
}

TEST_CASE("events of many writers at once follow each other without waiting, and none breaks the chain",
          "[journal][history]") {
  Journal journal;
  engine::add_event(*journal.session, alice, journal.plan.id, "state", "", "first");
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 4; ++writer)
    writers.emplace_back([&] {
      const auto session = session_at(journal.uri);
      for (int i = 0; i < 25; ++i) {
        ports::Transaction transaction(*session);
        engine::add_event(*session, alice, journal.plan.id, "state", "", "expanding");
        transaction.commit();
      }
    });
  // One that stays open keeps nobody from writing, and is in the chain when it commits.
  const auto slow = session_at(journal.uri);
  ports::Transaction open(*slow);
  engine::add_event(*slow, alice, journal.plan.id, "state", "", "slow");
  for (std::thread& writer : writers) writer.join();
  open.commit();
  engine::add_event(*journal.session, alice, journal.plan.id, "state", "", "last");
  const ChainReport report = check_chain(engine::chain_links(*journal.session), "");
  CHECK(breaks(*journal.session).empty());
  CHECK(report.events == 103);
  CHECK(report.heads.size() <= 2);  // one that was open for over a hundred events may have none behind it
}

TEST_CASE("an export is taken over once, whole, by a database that then forbids what was forbidden there",
          "[journal][history]") {
  Journal here;
  Journal there;
  engine::forbid(*here.session, alice, std::string(64, 'a'), "it lost names");
  engine::add_event(*here.session, alice, here.plan.id, "state", "", "expanding", "ärgerlich");
  const std::string document = engine::export_journal(*here.session);

  const auto first = engine::import_journal(*there.session, alice, document);
  CHECK(first.new_forbidden == 1);
  CHECK(first.new_events == 2);
  const auto again = engine::import_journal(*there.session, alice, document);
  CHECK(again.new_forbidden == 0);
  CHECK(again.new_events == 0);
  const auto imported = engine::imported_events(*there.session);
  REQUIRE(imported.size() == 2);
  CHECK(imported.back().reason == "ärgerlich");
  CHECK(imported.back().to == "expanding");
  Plan plan;
  plan.name = "split";
  plan.hash = std::string(64, 'a');
  CHECK(has(error_of([&] { engine::refuse_forbidden(*there.session, plan); }).what(), "it lost names"));

  std::string forged = document;
  forged.replace(forged.find("expanding"), 9, "contracts");
  CHECK(
      has(error_of([&] { engine::import_journal(*there.session, alice, forged); }).what(), "is not as it was written"));
  for (const char* text : {"", "[]", "{}", "null", R"({"format": "switchback journal", "schema_version": 1})",
                           R"({"format": "switchback journal", "schema_version": 1, "system_identifier": "1",
                               "database": "x", "forbidden": 1, "events": [{"hash": 1, "event": "nothing"}]})"})
    CHECK_THROWS_AS(engine::import_journal(*there.session, alice, text), Error);
  CHECK(engine::imported_events(*there.session).size() == 2);
}
