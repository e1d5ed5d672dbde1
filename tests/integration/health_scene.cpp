#include "health_scene.hpp"

#include <fstream>

#include "catch.hpp"
#include "traffic.hpp"

using namespace std::chrono_literals;

namespace switchback::tests {
namespace {

std::string uri_for(const std::string& uri, const std::string& role) {
  make_users(uri, health_rows);
  if (role.empty()) return uri;
  server().sql(server().uri(),
               "DO $$ BEGIN CREATE ROLE " + role +
                   " LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$; REVOKE pg_monitor FROM " + role);
  server().sql(uri, "GRANT CREATE ON DATABASE \"" + uri.substr(uri.rfind('/') + 1) + "\" TO " + role +
                        "; GRANT CREATE, USAGE ON SCHEMA public TO " + role + "; ALTER TABLE users OWNER TO " + role);
  return server().as(uri, role);
}

}  // namespace

HealthScene::HealthScene(const std::string& health, const std::string& role)
    : tool(uri_for(uri, role), slow_configuration("health: " + health + "\n")) {}

void HealthScene::start(const std::string& plan) {
  server().await_replica();
  tool.plan(plan);
  runner = tool.start({"run", "plan.yaml"});
  if (!eventually(60s, [&] { return view.rows_done() > 100; })) FAIL(runner->err());
}

void HealthScene::holds_for(const std::string& reason) {
  if (!eventually(60s, [&] { return view.hold_kind() == "health" && has(view.hold_reason(), reason); }))
    FAIL("not held for " << reason << ", but: " << view.hold_reason() << "\n" << runner->err());
  CHECK(view.rows_done() < health_rows);
  const auto shown = tool.run({"status", "split"});
  CAPTURE(shown.out, shown.err);
  CHECK((has(shown.out, reason) || !has(view.hold_reason(), reason)));
}

void HealthScene::moves_again() {
  const auto at = view.rows_done();
  if (!eventually(60s, [&] { return view.rows_done() > at; }))
    FAIL("still held: " << view.hold_reason() << "\n" << runner->err());
  CHECK(runner->running());
}

void HealthScene::runs_to_the_end() {
  moves_again();
  REQUIRE(tool.run({"set", "split", "backfill.batch.max_wal=1MB", "backfill.batch.target=100ms"}).ok());
  const auto code = runner->wait(120s);
  CAPTURE(runner->err(), view.hold_reason());
  CHECK(code == 0);
  CHECK(view.state() == "migrated");
  CHECK(view.hold_kind() == "");
}

void HealthScene::write(const std::string& file, const std::string& text) const {
  std::ofstream(tool.folder() + "/" + file, std::ios::trunc) << text;
}

}  // namespace switchback::tests
