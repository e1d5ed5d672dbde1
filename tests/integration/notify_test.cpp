// Who is told of what happens, by real programs and a real web server.
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "catch.hpp"
#include "plan_view.hpp"
#include "server.hpp"
#include "switchback/http/client.hpp"
#include "switchback/process/child.hpp"
#include "tool.hpp"
#include "traffic.hpp"

using namespace switchback;
using namespace switchback::tests;
using namespace std::chrono_literals;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

std::string with_approval(std::string plan) {
  return plan.insert(plan.find("contract:\n") + 10, "  approvals: 1\n");
}

std::string content(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

/// A web server in Python's standard library: keeps each POST as a JSON line in `got`, answers what `status` says.
class Receiver {
 public:
  explicit Receiver(const fs::path& folder) : folder_(folder) {
    answer(200);
    std::ofstream(folder / "receiver.py") << R"py(
import http.server, json, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        status = int(open("status").read())
        with open("got", "a") as got:
            got.write(json.dumps({"status": status, "path": self.path, "headers": {k.lower(): v for k, v in self.headers.items()}, "body": body}) + "\n")
        self.send_response(status)
        self.end_headers()
    def log_message(self, *_): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
open("port.new", "w").write(str(server.server_port))
os.rename("port.new", "port")
server.serve_forever()
)py";
    process::Command command;
    command.argv = {"python3", "receiver.py"};
    command.directory = folder.string();
    child_ = std::make_unique<process::Child>(command);
    REQUIRE(eventually(20s, [&] { return fs::exists(folder / "port"); }));
  }

  std::string url(const std::string& path) const { return "http://127.0.0.1:" + content(folder_ / "port") + path; }
  void answer(int status) const {
    std::ofstream(folder_ / "status.new") << status;
    fs::rename(folder_ / "status.new", folder_ / "status");
  }
  std::vector<json> got(const std::string& path) const {
    std::vector<json> all;
    std::istringstream lines(content(folder_ / "got"));
    for (std::string line; std::getline(lines, line);)
      if (json one = json::parse(line); one.at("path") == path) all.push_back(std::move(one));
    return all;
  }

 private:
  fs::path folder_;
  std::unique_ptr<process::Child> child_;
};

std::vector<std::int64_t> ids_of(const std::vector<json>& got) {
  std::vector<std::int64_t> ids;
  for (const json& one : got) ids.push_back(json::parse(one.at("body").get<std::string>()).at("id"));
  return ids;
}

}  // namespace

TEST_CASE("a webhook is told, signed and in order, of what happens to a plan, a chat and a program as they want it",
          "[notify]") {
  const std::string uri = server().fresh_database();
  make_users(uri, 10);
  Tool tool(uri);
  const Receiver receiver(tool.folder());
  std::ofstream(fs::path(tool.folder()) / "switchback.yaml", std::ios::app)
      << "notify:\n"
      << "  - webhook: { name: ops, url: \"" << receiver.url("/ops") << "\", secret_env: SWITCHBACK_TEST_KEY }\n"
      << "  - slack: { name: chat, url: \"" << receiver.url("/chat") << "\", on: [done, turned_back] }\n"
      << "  - exec: { name: pager, run: [sh, -c, 'cat >> paged; echo \"$SWITCHBACK_OCCASION\" >> occasions'], on: "
         "[approval] }\n";
  ::setenv("SWITCHBACK_TEST_KEY", "a key", 1);
  tool.plan(with_approval(split_plan("split")));
  const auto run = tool.run({"run", "plan.yaml"});
  INFO(run.err);
  REQUIRE(run.ok());
  CHECK(tool.run({"run", "plan.yaml", "--to", "hidden", "--yes", "--approve", tool.plan_hash()}).exit_code == 9);
  REQUIRE(tool.run({"rollback", "split", "--yes"}).ok());
  ::unsetenv("SWITCHBACK_TEST_KEY");

  const auto ops = receiver.got("/ops");
  std::vector<std::string> occasions;
  for (const json& one : ops) {
    const std::string body = one.at("body");
    const std::string stamp = one.at("headers").at("x-switchback-timestamp");
    CHECK(one.at("headers").at("x-switchback-signature") == "sha256=" + http::hmac_sha256("a key", stamp + "." + body));
    const json message = json::parse(body);
    CHECK(message.at("plan") == "split");
    CHECK(one.at("headers").at("x-switchback-delivery") == std::to_string(message.at("id").get<std::int64_t>()));
    occasions.push_back(message.at("occasion"));
  }
  CHECK(occasions == std::vector<std::string>{"done", "done", "approval", "turned_back", "turned_back", "turned_back"});
  CHECK(std::ranges::is_sorted(ids_of(ops)));
  const auto chat = receiver.got("/chat");
  REQUIRE(chat.size() == 5);
  CHECK(has(json::parse(chat.at(1).at("body").get<std::string>()).at("text").get<std::string>(), "is migrated"));
  CHECK(content(fs::path(tool.folder()) / "occasions") == "approval\n");
  CHECK(has(content(fs::path(tool.folder()) / "paged"), "0 of 1 approvals of the contract phase"));
}

TEST_CASE("what could not be told waits in the outbox, is told later, once and in order; what is refused is given up",
          "[notify]") {
  const std::string uri = server().fresh_database();
  make_users(uri, 10);
  Tool tool(uri);
  const Receiver receiver(tool.folder());
  std::ofstream(fs::path(tool.folder()) / "switchback.yaml", std::ios::app)
      << "notify: [ { webhook: { name: ops, url: \"" << receiver.url("/ops") << "\" } } ]\n";
  tool.plan(split_plan("split"));
  receiver.answer(503);
  const auto run = tool.run({"run", "plan.yaml"});
  INFO(run.err);
  REQUIRE(run.ok());  // nobody waits for it
  REQUIRE_FALSE(receiver.got("/ops").empty());
  const auto line = [&] { return json::parse(tool.run({"notify", "list", "-o", "json"}).out).at("targets").at(0); };
  CHECK(line().at("waiting") == 2);
  CHECK(line().at("delivered") == 0);
  CHECK(line().at("last_error") == "it answers 503");

  receiver.answer(200);
  PlanView view(uri);
  server().sql(uri, "UPDATE switchback.notification SET next_at = clock_timestamp()");  // its turn has come
  CHECK(tool.run({"notify", "send"}).ok());
  CHECK(line().at("waiting") == 0);
  CHECK(line().at("delivered") == 2);
  std::vector<json> accepted;
  for (json& one : receiver.got("/ops"))
    if (one.at("status") == 200) accepted.push_back(std::move(one));
  CHECK(accepted.size() == 2);
  CHECK(std::ranges::is_sorted(ids_of(accepted)));

  // A refusal is no reason to hold back what comes after it.
  receiver.answer(404);
  REQUIRE(tool.run({"rollback", "split", "--yes"}).ok());
  CHECK(line().at("waiting") == 0);
  CHECK(line().at("given_up") == 3);
}

TEST_CASE("a target that hangs delays neither the plan nor the others", "[notify]") {
  const std::string uri = server().fresh_database();
  make_users(uri, 10);
  Tool tool(uri,
            "notify:\n  - exec: { name: hung, run: [sleep, \"60\"], timeout: 30s }\n"
            "  - exec: { name: well, run: [sh, -c, 'echo \"$SWITCHBACK_TEXT\" >> told'] }\n");
  tool.plan(split_plan("split"));
  const auto begun = std::chrono::steady_clock::now();
  REQUIRE(tool.run({"run", "plan.yaml"}).ok());
  CHECK(std::chrono::steady_clock::now() - begun < 20s);
  CHECK(has(content(fs::path(tool.folder()) / "told"), "is migrated"));
}

TEST_CASE("notify test tells every target without a database, and says which could not be told", "[notify]") {
  Tool tool("postgresql://127.0.0.1:1/nothing",
            "notify:\n  - exec: { name: good, run: [sh, -c, 'cat > message'] }\n"
            "  - exec: { name: bad, run: [\"false\"] }\n");
  const auto outcome = tool.run({"notify", "test"});
  CHECK(outcome.exit_code == 1);
  CHECK(outcome.out == "good: told\nbad: could not be told: it ended with exit 1\n");
  CHECK(json::parse(content(fs::path(tool.folder()) / "message")).at("occasion") == "hold");
  CHECK(tool.run({"notify", "test", "good"}).ok());
  CHECK(tool.run({"notify", "test", "nobody"}).exit_code == 4);
}
