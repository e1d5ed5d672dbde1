// The brownout on the way from migrated to hidden, as `run` goes it.
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "alert_servers.hpp"
#include "catch.hpp"
#include "grants.hpp"
#include "plan_view.hpp"
#include "server.hpp"
#include "switchback/core/error.hpp"
#include "tool.hpp"
#include "traffic.hpp"

using namespace switchback;
using namespace switchback::tests;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

std::string with_brownout(const std::string& stretches, const std::string& observe = "1s") {
  std::string plan = split_plan("split", observe);
  return plan.insert(plan.find("  archive:"), "  brownout: " + stretches + "\n");
}

/// A plan at migrated whose contract has a brownout.
struct Way {
  std::string uri = server().fresh_database();
  Tool tool;
  PlanView view{uri};
  std::string before;

  explicit Way(const std::string& plan, const std::string& configuration = "")
      : tool(uri, Tool::default_configuration() + configuration) {
    make_grant_roles(uri);
    make_users(uri, 200);
    server().sql(uri, "GRANT SELECT, INSERT, UPDATE ON users TO bo_app; GRANT SELECT ON users TO bo_reader");
    tool.plan(plan);
    const auto outcome = tool.run({"run", "plan.yaml"});
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
    before = acl_bytes(uri);
  }
  bool is_open() { return view.ask("SELECT count(*) FROM switchback.brownout WHERE undone_at IS NULL") == "1"; }
  std::string said(const std::string& kind) {
    return view.ask("SELECT string_agg(reason, E'\\n' ORDER BY id) FROM switchback.event WHERE kind = '" + kind + "'");
  }
};

/// Reads the old column only while nobody may: nothing has seen it before. Or what fails always, for a read may come
/// just after the column has been given back.
class HiddenReader {
 public:
  explicit HiddenReader(Way& way, std::string sql = "SELECT full_name FROM public.users WHERE id = 3")
      : thread_([this, &way, sql = std::move(sql)] { read(way.uri, sql); }) {}
  ~HiddenReader() {
    ending_ = true;
    thread_.join();
  }
  int refused() const { return refused_; }

 private:
  void read(const std::string& uri, const std::string& sql) {
    PlanView view(uri);
    const auto session = application(server().as(uri, "bo_reader"), "nightly");
    while (!ending_) {
      const bool open = view.ask("SELECT count(*) FROM switchback.brownout WHERE undone_at IS NULL") == "1";
      if (open) {
        try {
          session->exec(sql);
        } catch (const Error&) {
          ++refused_;
        }
        // As applications do: what only fails reports no rollbacks (src/daemon/detectors.cpp).
        session->exec("SELECT email FROM public.users WHERE id = 3");
      }
      std::this_thread::sleep_for(20ms);
    }
  }
  std::atomic<bool> ending_{false};
  std::atomic<int> refused_{0};
  std::thread thread_;
};

}  // namespace

TEST_CASE("quiet stretches go on to hidden, and without a detector the evidence says that they prove nothing",
          "[brownout]") {
  Way way(with_brownout("[1s, 2s]"));
  const auto superuser = application(way.uri, "console");
  const auto outcome = way.tool.run(way.tool.run_to("hidden"));
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  CHECK(way.view.state() == "hidden");
  CHECK(way.view.ask("SELECT string_agg(seconds || ' ' || outcome, ', ' ORDER BY id) FROM switchback.brownout") ==
        "1 quiet, 2 quiet");
  CHECK(has(way.said("brownout_quiet"), "it proves nothing"));
  CHECK(has(way.said("brownout_quiet"), "proves nothing for the role postgres"));
  const std::string sealed = way.view.ask("SELECT document::text FROM switchback.evidence");
  CHECK(has(sealed, "1 s + 2 s: nothing tripped"));
  CHECK(has(sealed, "it proves nothing"));
  CHECK(way.view.ask("SELECT extract(epoch FROM (SELECT begun_at FROM switchback.brownout WHERE seconds = 2) - (SELECT "
                     "undone_at FROM switchback.brownout WHERE seconds = 1)) >= 2") == "t");
  CHECK(has(way.view.kinds(), "brownout_begun brownout_undone brownout_quiet"));
}

TEST_CASE("without a brownout in plan or configuration there is none", "[brownout]") {
  Way way(split_plan("split"));
  REQUIRE(way.tool.run(way.tool.run_to("hidden")).exit_code == 0);
  CHECK(way.view.ask("SELECT count(*) FROM switchback.brownout") == "0");
}

TEST_CASE("the server's log shows who is refused: undone at once, a use by role and application, and begun again",
          "[brownout]") {
  const Repaired repaired;
  const SystemSetting destination(Server::primary, "log_destination", "csvlog");
  const SystemSetting collector(Server::primary, "logging_collector", "on", true);
  Way way(with_brownout("[8s]", "4s"), "brownout: { log: server }\n");
  const auto runner = way.tool.start(way.tool.run_to("hidden"));
  bool held = false;
  {
    const HiddenReader reader(way);
    held = eventually(60s, [&] { return has(way.view.hold_reason(), "brownout on primary"); });
    CHECK(reader.refused() > 0);
  }
  const std::string reason = way.view.hold_reason();
  INFO(reason << "\n" << runner->err());
  REQUIRE(held);
  CHECK(way.view.hold_kind() == "usage");
  CHECK(has(reason, "used: brownout on primary: server log: role bo_reader, application nightly, was refused"));
  CHECK(has(reason, "SELECT full_name FROM public.users"));
  CHECK(acl_bytes(way.uri) == way.before);
  CHECK(way.view.ask(
            "SELECT undone_at - begun_at < interval '5 seconds' FROM switchback.brownout ORDER BY id LIMIT 1") == "t");
  // When the window has passed without a use, it begins again, and now it is quiet.
  CHECK(runner->wait(90s) == 0);
  CHECK(way.view.state() == "hidden");
  CHECK(way.view.ask("SELECT string_agg(outcome, ' ' ORDER BY id) FROM switchback.brownout") == "tripped quiet");
  CHECK(has(way.said("brownout_quiet"), "watched by server log"));
}

TEST_CASE("a log that shows no refusals is no detector, and the evidence says so", "[brownout]") {
  Way way(with_brownout("[1s]"), "brownout: { log: nothing.csv }\n");
  std::ofstream(way.tool.folder() + "/nothing.csv") << "";
  const auto outcome = way.tool.run(way.tool.run_to("hidden"));
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  CHECK(has(way.said("brownout_quiet"), "it proves nothing"));
  CHECK(has(way.said("brownout_quiet"), "nothing.csv: a refusal that was made to see it did not show in it"));
}

TEST_CASE("an application that fails its http probe trips a brownout", "[brownout]") {
  WebPage page;
  page.says(200, "fine");
  Way way(with_brownout("[8s]", "4s"), "alerts:\n  - http: { url: \"" + page.url() + "/health\", expect: 200 }\n");
  const auto runner = way.tool.start(way.tool.run_to("hidden"));
  REQUIRE(eventually(60s, [&] { return way.is_open(); }));
  page.says(503, "broken");
  const bool undone = eventually(6s, [&] { return !way.is_open(); });
  page.says(200, "fine");
  CHECK(undone);
  CHECK(acl_bytes(way.uri) == way.before);
  REQUIRE(eventually(10s, [&] { return has(way.view.hold_reason(), "brownout on primary"); }));
  CHECK(way.view.hold_kind() == "usage");
  CHECK(has(way.view.hold_reason(), "used: brownout on primary: http " + page.url()));
  CHECK(has(way.view.hold_reason(), "503"));
  CHECK(runner->wait(90s) == 0);
  CHECK(has(way.said("brownout_quiet"), "watched by http " + page.url()));
}

TEST_CASE("a burst of rolled-back transactions is a suspicion: unknown, until the window has passed", "[brownout]") {
  Way way(with_brownout("[6s]", "4s"));
  const auto runner = way.tool.start(way.tool.run_to("hidden"));
  bool held = false;
  {
    const HiddenReader reader(way, "SELECT 1 / 0");
    held = eventually(60s, [&] { return has(way.view.hold_reason(), "brownout on primary"); });
  }
  CAPTURE(way.view.hold_reason());
  CHECK(held);
  CHECK(has(way.view.hold_reason(), "unknown: brownout on primary: rolled-back transactions: "));
  CHECK(runner->wait(90s) == 0);
}

TEST_CASE("a pause and a signal undo a brownout at once, and status shows one with its time", "[brownout]") {
  Way way(with_brownout("[10s]"));
  auto runner = way.tool.start(way.tool.run_to("hidden"));
  REQUIRE(eventually(60s, [&] { return way.is_open(); }));
  const auto shown = way.tool.run({"status", "split"});
  CHECK(has(shown.out, "nobody may use the old columns"));
  CHECK(has(shown.out, "if the runner dies by process "));
  CHECK(has(way.tool.run({"status", "split", "-o", "json"}).out, "\"seconds_left\""));
  CHECK(acl_bytes(way.uri) != way.before);
  REQUIRE(way.tool.run({"pause", "split", "--reason", "tested"}).ok());
  CHECK(eventually(3s, [&] { return !way.is_open(); }));
  CHECK(acl_bytes(way.uri) == way.before);
  CHECK(eventually(5s, [&] { return has(way.said("brownout_cut_short"), "paused"); }));
  REQUIRE(way.tool.run({"resume", "split"}).ok());
  REQUIRE(eventually(60s, [&] { return way.is_open(); }));  // after a pause as long as the stretch would have been
  runner->signal(SIGINT);
  CHECK(runner->wait(10s) == 130);
  CHECK_FALSE(way.is_open());
  CHECK(acl_bytes(way.uri) == way.before);
}

TEST_CASE("a plan does not begin while another's brownout changes the privileges that it would copy", "[brownout]") {
  Way way(with_brownout("[10s]"));
  server().sql(way.uri, "GRANT SELECT (email) ON users TO bo_app");
  const auto runner = way.tool.start(way.tool.run_to("hidden"));
  REQUIRE(eventually(60s, [&] { return way.is_open(); }));
  Tool other(way.uri);
  other.plan("plan: mail\nchange:\n  - rename_column: { table: users, from: email, to: mail }\n");
  const auto refused = other.run({"run", "plan.yaml"});
  CAPTURE(refused.err);
  CHECK(refused.exit_code == 6);
  CHECK(has(refused.err, "the plan split has a brownout of users"));
  CHECK(way.view.ask("SELECT count(*) FROM switchback.plan") == "1");
  CHECK(runner->wait(60s) == 0);
  const auto begun = other.run({"run", "plan.yaml"});
  CAPTURE(begun.err);
  CHECK(begun.exit_code == 0);
  CHECK(way.view.ask("SELECT attacl::text FROM pg_attribute WHERE attrelid = 'public.users'::regclass AND attname = "
                     "'mail'") == "{bo_app=r/postgres}");
}

TEST_CASE("where nobody could undo it if the runner died nothing is taken away, and the hold says why", "[brownout]") {
  Way way(with_brownout("[1s]", "3s"));
  const std::string binary = std::getenv("SWITCHBACK_BINARY");
  const std::string program = way.tool.folder() + "/switchback";
  fs::copy_file(binary, program);
  ::setenv("SWITCHBACK_BINARY", program.c_str(), 1);
  const auto runner = way.tool.start(way.tool.run_to("hidden"));
  ::setenv("SWITCHBACK_BINARY", binary.c_str(), 1);
  // The second process is this program once more, and nobody may execute that any longer, not even a superuser.
  REQUIRE(eventually(30s, [&] { return way.view.hold_kind() == "usage"; }));
  fs::permissions(program, fs::perms::owner_read);
  const bool held = eventually(60s, [&] { return has(way.view.hold_reason(), "no brownout"); });
  const std::string reason = way.view.hold_reason();
  INFO(reason << "\n" << runner->err());
  REQUIRE(held);
  CHECK(has(reason, "no brownout: nobody would undo it if this runner died: "));
  CHECK(way.view.ask("SELECT count(*) FROM switchback.brownout") == "0");
  CHECK(way.view.state() == "migrated");
  CHECK(acl_bytes(way.uri) == way.before);
  runner->signal(SIGINT);
  REQUIRE(runner->wait(30s));

  const auto again = way.tool.run(way.tool.run_to("hidden"));
  INFO(again.err);
  CHECK(again.exit_code == 0);
  CHECK(way.view.ask("SELECT string_agg(outcome, ',') FROM switchback.brownout") == "quiet");
}

TEST_CASE("explain shows a brownout with what it leaves out", "[brownout]") {
  Way way(with_brownout("on"));
  const auto explained = way.tool.run({"explain", "plan.yaml"});
  CHECK(has(explained.out, "brownout users.full_name, for 5 s + 1m + 1h"));
}
