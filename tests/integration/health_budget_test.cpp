#include <algorithm>
#include <filesystem>
#include <thread>

#include "catch.hpp"
#include "health_scene.hpp"
#include "switchback/postgres/health.hpp"
#include "switchback/postgres/replication.hpp"

using namespace switchback;
using namespace switchback::tests;
using namespace std::chrono_literals;

namespace {

void switch_wal(int times) {
  for (int i = 0; i < times; ++i)
    server().sql(server().uri(), "SELECT pg_logical_emit_message(false, 'test', 'x'); SELECT pg_switch_wal()");
}

std::string slot_status(const std::string& name) {
  return server().sql(server().uri(), "SELECT wal_status FROM pg_replication_slots WHERE slot_name = '" + name + "'");
}

struct LeftBehindSlot {
  LeftBehindSlot() {
    // It keeps WAL from the last checkpoint on: that one must not be far behind already.
    server().sql(server().uri(), "CHECKPOINT");
    server().sql(server().uri(), "SELECT pg_create_physical_replication_slot('left_behind', true)");
  }
  ~LeftBehindSlot() { drop(); }
  void drop() {
    server().sql(
        server().uri(),
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = 'left_behind'");
  }
};

/// A commit that waits for a standby, on a thread of its own, until it is let go.
struct WaitingCommit {
  std::unique_ptr<ports::Session> session = application(server().uri(), "shop");
  std::thread thread{[this] { session->exec("CREATE TABLE IF NOT EXISTS public.waiting (n int)"); }};
  ~WaitingCommit() {
    session->cancel();
    if (thread.joinable()) thread.join();
    server().sql(server().uri(), "DROP TABLE IF EXISTS public.waiting");
  }
};

}  // namespace

TEST_CASE("a slot with little left, and one that is lost, hold the backfill by name", "[health][timing]") {
  HealthScene scene("{ grace: 1s, replicas: [ { name: left_behind, policy: ignore } ] }");
  const SystemSetting keep(Server::primary, "max_slot_wal_keep_size", "64MB");
  LeftBehindSlot slot;
  scene.start();
  for (int i = 0; i < 12 && server().sql(server().uri(),
                                         "SELECT safe_wal_size < 16 * 1024 * 1024 FROM "
                                         "pg_replication_slots WHERE slot_name = 'left_behind'") != "t";
       ++i)
    switch_wal(1);
  scene.holds_for("slot left_behind ");
  for (int i = 0; i < 12 && slot_status("left_behind") != "lost"; ++i) {
    switch_wal(2);
    server().await_replica();
    server().sql(server().uri(), "CHECKPOINT");
  }
  scene.holds_for("slot left_behind is lost");
  // It does not end by itself; when the slot is gone there is nothing to hold for.
  slot.drop();
  scene.runs_to_the_end();
}

TEST_CASE("WAL that is not archived, or fails to be, holds the backfill", "[health][timing]") {
  HealthScene scene("{ grace: 1s, wal_archiving: { backlog: 1MB } }");
  const SystemSetting command(Server::primary, "archive_command", "/bin/true");
  const SystemSetting mode(Server::primary, "archive_mode", "on", true);
  scene.start();
  command.change("/bin/false");
  switch_wal(1);
  scene.holds_for("wal_archiving fails at 0000");
  scene.holds_for("wal_archiving is behind: ");
  command.change("/bin/true");
  scene.runs_to_the_end();
}

TEST_CASE("a role that may not see how much WAL waits is held, with the GRANT that ends it", "[health][timing]") {
  HealthScene scene("{ grace: 1s, replicas: [ { name: replica, policy: ignore } ] }", "health_archive");
  const SystemSetting command(Server::primary, "archive_command", "");
  const SystemSetting mode(Server::primary, "archive_mode", "on", true);
  server().sql(server().uri(), "SELECT pg_stat_reset_shared('archiver')");
  scene.tool.plan(split_plan("split"));
  scene.runner = scene.tool.start({"run", "plan.yaml"});
  scene.holds_for(
      "wal_archiving cannot be read: nothing was archived yet, so how much waits is not known: GRANT "
      "pg_monitor TO health_archive");
  server().sql(server().uri(), "GRANT pg_monitor TO health_archive");
  scene.runs_to_the_end();
}

TEST_CASE("too little free space holds the backfill, and so does a command that fails", "[health][timing]") {
  HealthScene scene("{ grace: 1s, free_space: { exec: [cat, free], min: 30% } }");
  scene.write("free", "80%\n");
  scene.start();
  scene.write("free", "12%\n");
  scene.holds_for("free_space is 12 %, under 30 %");
  // Every reason is shown, not the first.
  server().pause_replay();
  scene.holds_for("replica replica lag ");
  CHECK(has(scene.view.hold_reason(), "free_space is 12 %, under 30 %"));
  CHECK(has(scene.tool.run({"status", "split"}).out, "free_space is 12 %, under 30 %"));
  server().resume_replay();
  scene.write("free", "31%\n");
  scene.moves_again();
  std::filesystem::remove(scene.tool.folder() + "/free");
  scene.holds_for("free_space cannot be read: its command ended with 1: cat: free: No such file");
  // Somebody who knows better says so, live.
  REQUIRE(scene.tool.run({"set", "split", "health.free_space.policy=optional", "--for", "1h"}).ok());
  scene.write("free", "31%\n");
  scene.runs_to_the_end();
}

TEST_CASE("a command that hangs is ended and counts as unreadable, and the lease is kept meanwhile",
          "[health][timing]") {
  HealthScene scene("{ grace: 1s, free_space: { exec: [sleep, '3600'] } }");
  scene.tool.plan(split_plan("split"));
  scene.runner = scene.tool.start({"run", "plan.yaml"});
  scene.holds_for("free_space cannot be read: its command did not end within 5 s");
  CHECK(scene.view.epoch() == 1);
  REQUIRE(scene.tool.run({"set", "split", "health.free_space.policy=ignore"}).ok());
  scene.runs_to_the_end();
}

TEST_CASE("a commit that waits for a synchronous standby holds the backfill", "[health][timing]") {
  HealthScene scene;
  // The plan's own sessions do not wait for standbys; the application's do.
  server().sql(scene.uri,
               "ALTER DATABASE \"" + scene.uri.substr(scene.uri.rfind('/') + 1) + "\" SET synchronous_commit = local");
  scene.start();
  {
    const SystemSetting names(Server::primary, "synchronous_standby_names", "nobody_there");
    const WaitingCommit commit;
    scene.holds_for("sync_rep: a commit has been waiting for a synchronous standby for ");
    const auto at = scene.view.rows_done();
    CHECK_FALSE(eventually(2s, [&] { return scene.view.rows_done() != at; }));
    names.change("");
  }
  scene.runs_to_the_end();
}

TEST_CASE("a role that may not see what others wait for is held, where commits wait for standbys", "[health][timing]") {
  HealthScene scene("{ grace: 1s, replicas: [ { name: replica, policy: ignore } ] }", "health_sync");
  server().sql(scene.uri,
               "ALTER DATABASE \"" + scene.uri.substr(scene.uri.rfind('/') + 1) + "\" SET synchronous_commit = local");
  const auto other = application(scene.uri, "shop");
  scene.start();
  const SystemSetting names(Server::primary, "synchronous_standby_names", "replica");
  REQUIRE(scene.tool.run({"set", "split", "health.replicas.replica=required"}).ok());
  scene.holds_for(
      "sync_rep cannot be read: what other roles' sessions wait for is hidden: GRANT pg_monitor TO "
      "health_sync");
  server().sql(server().uri(), "GRANT pg_monitor TO health_sync");
  scene.runs_to_the_end();
}

TEST_CASE("a replica that is asked itself holds while its replay is paused, or it cannot be reached",
          "[health][timing]") {
  const std::string replica = server().replica_uri();
  HealthScene scene(
      "{ grace: 1s, replicas: [ { name: replica, policy: required, connect: \"" + replica +
      "\" }, { name: nowhere, policy: optional, connect: \"host=127.0.0.1 port=1 password=geheim\" } ] }");
  scene.start();
  server().pause_replay();
  scene.holds_for("replay of replica is paused");
  server().resume_replay();
  scene.moves_again();
  REQUIRE(scene.tool.run({"set", "split", "health.replicas.nowhere=required"}).ok());
  scene.holds_for("replica nowhere cannot be asked: cannot connect to");
  CHECK_FALSE(has(scene.view.hold_reason() + scene.runner->err(), "geheim"));
  CHECK_FALSE(has(scene.tool.run({"config", "show"}).out, "geheim"));
  REQUIRE(scene.tool.run({"set", "split", "health.replicas.nowhere=ignore"}).ok());
  scene.runs_to_the_end();
}

TEST_CASE("a replica that replays late by design is judged by what it has flushed", "[health][timing]") {
  HealthScene scene("{ grace: 1s, replicas: [ { name: replica, policy: required, connect: \"" + server().replica_uri() +
                    "\" } ] }");
  scene.start();
  const SystemSetting delay(Server::replica, "recovery_min_apply_delay", "1h");
  // Far over the limit of one second in replay, and never held for it.
  const std::string behind = "SELECT now() - pg_last_xact_replay_timestamp() > interval '4 seconds'";
  const auto at = scene.view.rows_done();
  CHECK(eventually(30s, [&] { return server().sql(server().replica_uri(), behind) == "t"; }));
  CHECK(scene.runner->running());
  CHECK(scene.view.rows_done() > at);
  scene.runs_to_the_end();
  CHECK_FALSE(has(scene.view.kinds(), "hold"));
}

TEST_CASE("a replica that only it itself can tell of lags as far as it has replayed", "[health][timing]") {
  const Repaired repaired;
  const auto primary = application(server().uri(), "switchback watch");
  const auto replica = application(server().replica_uri(), "switchback watch");
  server().await_replica();
  postgres::ReplicationSampler sampler;
  const auto lag = [&] {
    const auto now = std::chrono::steady_clock::now();
    // A name that the primary does not know: as of a replica that follows another one.
    const auto sample = sampler.sample(*primary, now, {postgres::read_replica(*replica, "behind-another", now)});
    const auto found = std::ranges::find(sample.replicas, "behind-another", &ReplicaReading::name);
    REQUIRE(found != sample.replicas.end());
    REQUIRE(found->lag);
    return *found->lag;
  };
  CHECK(lag() < 1s);
  server().pause_replay();
  sampler.nudge(*primary);
  CHECK(eventually(30s, [&] { return lag() > 2s; }));
  server().resume_replay();
  CHECK(eventually(30s, [&] { return lag() < 1s; }));
}

TEST_CASE("a primary is no replica, and does not pass for one", "[health]") {
  const auto primary = application(server().uri(), "switchback watch");
  const auto reading = postgres::read_replica(*primary, "r2", std::chrono::steady_clock::now());
  CHECK(judge_replica(reading, ReplicaPolicy::required).reason ==
        "replica r2 is no replica (any more): it is not in recovery");
}
