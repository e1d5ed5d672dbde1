#include "switchback/core/health.hpp"

#include <cmath>

#include "catch.hpp"

using namespace switchback;
using namespace std::chrono_literals;

namespace {

const Monotonic noon{12h};
constexpr std::int64_t mb = 1'000'000;

bool says(const Signal& signal, std::string_view text) {
  return signal.reason.find(text) != std::string::npos;
}
bool is_good(const Signal& signal) {
  return signal.state == Signal::State::good && signal.reason.empty();
}
bool is_bad(const Signal& signal) {
  return signal.state == Signal::State::bad && says(signal, signal.name.substr(0, 4));
}
bool is_unknown(const Signal& signal, std::string_view why) {
  return signal.state == Signal::State::unknown && says(signal, signal.name) && says(signal, why);
}

}  // namespace

TEST_CASE("a slot is bad when lost, unreserved or with little left, and is named", "[health]") {
  const HealthLimits limits;
  CHECK(is_good(judge_slots(noon, {}, 100 * mb, limits)));
  CHECK(is_good(judge_slots(noon, {{"r1", "reserved", 26 * mb}, {"r2", "", {}}}, 100 * mb, limits)));
  CHECK(is_good(judge_slots(noon, {{"r1", "extended", {}}}, -1, limits)));
  const Signal few = judge_slots(noon, {{"r1", "extended", 24 * mb}, {"r2", "reserved", 90 * mb}}, 100 * mb, limits);
  CHECK(is_bad(few));
  CHECK(few.reason == "slot r1 has 24 MB of WAL left before it is lost, under 25 % of 100 MB");
  const Signal two = judge_slots(noon, {{"r1", "unreserved", -mb}, {"r2", "lost", {}}}, 100 * mb, limits);
  CHECK(says(two, "slot r1 is unreserved"));
  CHECK(says(two, "slot r2 is lost: the WAL it needs is gone and does not come back by itself"));
  CHECK(two.kind == Signal::Kind::budget);
  CHECK_FALSE(two.ends_when.empty());
}

TEST_CASE("archiving is bad when it fails or is behind, and unknown when what waits cannot be told", "[health]") {
  const HealthLimits limits;
  CHECK(is_good(judge_archiving(noon, {"", 0, ""}, limits)));
  CHECK(is_good(judge_archiving(noon, {"", 1000 * mb, ""}, limits)));
  const Signal behind = judge_archiving(noon, {"", 2500 * mb, ""}, limits);
  CHECK(is_bad(behind));
  CHECK(behind.reason == "wal_archiving is behind: 2.5 GB wait to be archived, over 1 GB");
  CHECK(judge_archiving(noon, {"00000001000000000000002A", 0, ""}, limits).reason ==
        "wal_archiving fails at 00000001000000000000002A");
  CHECK(is_unknown(judge_archiving(noon, {"", {}, "GRANT it"}, limits), "GRANT it"));
  // That it fails is known, whatever waits.
  CHECK(is_bad(judge_archiving(noon, {"00000001000000000000002A", {}, "GRANT it"}, limits)));
}

TEST_CASE("what waits to be archived is counted in whole files, across logs and timelines", "[health]") {
  constexpr std::int64_t segment = 16 * 1024 * 1024;
  CHECK(wal_between("000000010000000000000001", "000000010000000000000002", segment) == 0);
  CHECK(wal_between("000000010000000000000001", "000000010000000000000005", segment) == 3 * segment);
  CHECK(wal_between("0000000100000000000000FE", "000000020000000100000002", segment) == 3 * segment);
  CHECK(wal_between("000000010000000000000001.00000028.backup", "000000010000000000000003", segment) == segment);
  CHECK(wal_between("000000010000000000000009", "000000010000000000000002", segment) == 0);
  CHECK_FALSE(wal_between("", "000000010000000000000005", segment));
  CHECK_FALSE(wal_between("00000002.history", "000000010000000000000005", segment));
  CHECK_FALSE(wal_between("00000001000000000000000x", "000000010000000000000005", segment));
}

TEST_CASE("free space is judged in the unit that the command prints", "[health]") {
  HealthLimits limits;
  CHECK(is_good(judge_free_space(noon, {"20%\n", ""}, limits)));
  const Signal low = judge_free_space(noon, {"19.5%\n", ""}, limits);
  CHECK(low.reason == "free_space is 19.5 %, under 20 %");
  CHECK(low.ends_when == "20 % or more are free");
  CHECK(is_unknown(judge_free_space(noon, {"30GB", ""}, limits), "both must be shares, or both sizes"));
  for (const char* printed : {"", "much", "20", "20% free", "-1%", "120%"}) {
    CAPTURE(printed);
    CHECK(is_unknown(judge_free_space(noon, {printed, ""}, limits), "not a share or a size"));
  }
  CHECK(is_unknown(judge_free_space(noon, {"", "its command ended with 2"}, limits), "ended with 2"));
  limits.free_space_min = *parse_room("50GB");
  CHECK(is_good(judge_free_space(noon, {"50GB", ""}, limits)));
  CHECK(is_bad(judge_free_space(noon, {"49GB", ""}, limits)));
}

TEST_CASE("commits that wait over the limit are bad, short ones are not, hidden ones are unknown", "[health]") {
  const HealthLimits limits;
  CHECK(is_good(judge_sync_rep(noon, {1000ms, 3, ""}, limits)));
  const Signal bad = judge_sync_rep(noon, {2100ms, 1, "hidden"}, limits);
  CHECK(is_bad(bad));
  CHECK(says(bad, "waiting for a synchronous standby for 2.1 s, over 1 s (1 session waiting)"));
  CHECK(is_unknown(judge_sync_rep(noon, {0ms, 0, "hidden: GRANT it"}, limits), "GRANT it"));
}

TEST_CASE("a wait is as long as it was seen without a break", "[health]") {
  WaitLog log;
  CHECK(log.observe(noon, {"1 a"}) == 0ms);
  CHECK(log.observe(noon + 1s, {"1 a", "2 b"}) == 1s);
  CHECK(log.observe(noon + 2s, {"2 b"}) == 1s);
  CHECK(log.observe(noon + 3s, {"1 a"}) == 0ms);
  CHECK(log.observe(noon + 4s, {}) == 0ms);
}

TEST_CASE("a replica that is asked itself is bad while paused, unknown while it does not answer", "[health]") {
  DirectReplica replica;
  replica.name = "r2";
  replica.at = noon;
  CHECK(judge_replica(replica, ReplicaPolicy::required).state == Signal::State::good);
  replica.paused = true;
  CHECK(judge_replica(replica, ReplicaPolicy::required).reason == "replay of r2 is paused");
  CHECK(judge_replica(replica, ReplicaPolicy::required).state == Signal::State::bad);
  CHECK(judge_replica(replica, GENERATE(ReplicaPolicy::optional, ReplicaPolicy::ignore)).state == Signal::State::good);
  replica.unreadable = "cannot be asked: no route";
  CHECK(judge_replica(replica, ReplicaPolicy::required).state == Signal::State::unknown);
  CHECK(judge_replica(replica, ReplicaPolicy::required).reason == "replica r2 cannot be asked: no route");
}

TEST_CASE("whoever waits behind a batch for too long slows it", "[health]") {
  const HealthLimits limits;
  CHECK(is_good(judge_waiters(noon, {}, limits)));
  CHECK(is_good(judge_waiters(noon, {1000ms, "pid 7 (shop)", 1}, limits)));
  const Signal bad = judge_waiters(noon, {1500ms, "pid 7 (shop)", 2}, limits);
  CHECK(is_bad(bad));
  CHECK(bad.kind == Signal::Kind::gauge);
  CHECK(says(bad, "pid 7 (shop) has been waiting behind a batch for 1.5 s, over 1 s (2 sessions waiting)"));
}

TEST_CASE("active sessions over the limit slow, and hidden ones leave it unknown only when too few are seen",
          "[health]") {
  HealthLimits limits;
  limits.active_sessions = 8;
  CHECK(is_good(judge_active_sessions(noon, 8, "", limits)));
  CHECK(is_bad(judge_active_sessions(noon, 9, "hidden", limits)));
  CHECK(is_unknown(judge_active_sessions(noon, 8, "hidden", limits), "hidden"));
}

TEST_CASE("checkpoints that are asked for slow it when they outnumber the timed ones of the window", "[health]") {
  HealthLimits limits;
  CheckpointLog log;
  const auto at = [&](std::chrono::seconds time, std::int64_t timed, std::int64_t requested) {
    return judge_checkpoints(noon + time, log.observe(noon + time, {timed, requested}, limits.checkpoints_window),
                             limits);
  };
  CHECK(is_good(at(0s, 100, 900)));  // what was before we came does not count
  CHECK(is_good(at(60s, 100, 901)));
  const Signal bad = at(120s, 101, 902);
  CHECK(is_bad(bad));
  CHECK(says(bad, "2 requested and 1 timed within 5m"));
  CHECK(is_good(at(180s, 102, 902)));
  CHECK(is_bad(at(200s, 102, 903)));
  CHECK(is_good(at(520s, 102, 903)));  // three came over five minutes ago
  CHECK(is_good(at(530s, 0, 0)));      // a reset is no burst
  CHECK(is_good(at(540s, 0, 1)));
}

TEST_CASE("a table near wraparound, or being frozen, slows and is named", "[health]") {
  const HealthLimits limits;
  TableReading table;
  table.name = "users";
  table.age = 0.9;
  CHECK(is_good(judge_wraparound(noon, {table}, limits)));
  table.age = 0.95;
  CHECK(says(judge_wraparound(noon, {table}, limits), "the age of users is 95 %"));
  table.is_being_frozen = true;
  CHECK(says(judge_wraparound(noon, {table}, limits), "autovacuum works on users"));
}

TEST_CASE("dead rows over a multiple of autovacuum's trigger slow, with whoever keeps them", "[health]") {
  const HealthLimits limits;
  TableReading table;
  table.name = "users";
  table.vacuum_trigger = 4050;
  table.dead_rows = 8100;
  CHECK(is_good(judge_dead_rows(noon, {table}, "pid 9", limits)));
  table.dead_rows = 8101;
  CHECK(judge_dead_rows(noon, {table}, "", limits).reason ==
        "dead_rows: 8,101 in users, over 2 times the 4,050 that start autovacuum");
  table.autovacuum = false;
  const Signal bad = judge_dead_rows(noon, {table}, "pid 9 (report) has a snapshot", limits);
  CHECK(says(bad, "which is off for this table; waiting may not help: pid 9 (report) has a snapshot"));
}
