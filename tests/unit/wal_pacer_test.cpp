#include <random>
#include <utility>

#include "catch.hpp"
#include "switchback/core/pacing.hpp"

using namespace switchback;
using namespace std::chrono_literals;

namespace {

/// A primary and a replica that replays so many bytes a second; a backfill that writes as fast as it may.
class PacedReplica {
 public:
  Settings settings;
  double backfill_speed = 60e6;
  double others_speed = 0;
  double drain = 20e6;
  std::chrono::milliseconds stands{0};  ///< it does nothing for so long, then twice as much for as long

  /// One millisecond after the other; readings every 100 ms, the first before anything is written.
  void run(std::chrono::milliseconds time) {
    for (auto left = time; left > 0ms; left -= 1ms) {
      now_ += 1ms;
      ++ticks_;
      written_ += others_speed / 1000;
      if (busy_until_ <= now_ && pacer.wait(now_) <= 0ms) {
        constexpr double batch = 500'000;
        busy_until_ = now_ + std::chrono::milliseconds(static_cast<int>(batch / backfill_speed * 1000));
        written_ += batch;
        own_ += batch;
        pacer.spend(static_cast<std::int64_t>(batch));
      }
      if (stands == 0ms || ticks_ % (2 * stands.count()) >= stands.count())
        replayed_ = std::min(written_, replayed_ + drain / 1000 * (stands == 0ms ? 1 : 2));
      ring_.record(now_, static_cast<Lsn>(written_));
      const auto lag = ring_.lag(now_, static_cast<Lsn>(replayed_)).value_or(0ms);
      worst = std::max(worst, lag);
      if (ticks_ % 100 != 1) continue;
      pacer.observe({now_, {{"r1", lag, {}, static_cast<Lsn>(replayed_)}}, {}, static_cast<Lsn>(written_)},
                    static_cast<std::int64_t>(own_), settings);
    }
  }
  double own() const { return own_; }

  WalPacer pacer;
  std::chrono::milliseconds worst{0};

 private:
  Monotonic now_{1h};
  Monotonic busy_until_{};
  LagRing ring_{10min};
  long ticks_ = 0;
  double written_ = 1;
  double replayed_ = 1;
  double own_ = 0;
};

}  // namespace

TEST_CASE("a replica that keeps up is no reason to slow down", "[pacing]") {
  PacedReplica world;
  world.drain = 100e6;
  world.run(20s);
  CHECK_FALSE(world.pacer.rate());
  CHECK(world.own() > 0.9 * 20 * world.backfill_speed);
}

TEST_CASE("a replica three times too slow is brought to its own speed without passing the limit", "[pacing]") {
  PacedReplica world;
  world.run(30s);
  CHECK(world.worst < world.settings.lag_limit);
  CHECK(world.own() > 0.8 * 30 * world.drain);
}

TEST_CASE("a replica six times too slow is found out before it lags more than the limit", "[pacing]") {
  PacedReplica world;
  world.backfill_speed = 80e6;
  world.drain = 10e6;
  world.run(30s);
  CHECK(world.worst < world.settings.lag_limit);
  CHECK(world.own() > 0.85 * 30 * world.drain);
}

TEST_CASE("a replica that replays in bursts is not taken for one that stands still", "[pacing]") {
  PacedReplica world;
  world.backfill_speed = 80e6;
  world.drain = 10e6;
  world.stands = 400ms;
  world.run(30s);
  CHECK(world.worst < world.settings.lag_limit);
  CHECK(world.own() > 0.7 * 30 * world.drain);
}

TEST_CASE("after a stall the backfill is soon as fast as the replica has been", "[pacing]") {
  PacedReplica world;
  world.run(20s);
  const double drain = std::exchange(world.drain, 0.0);
  world.run(2s);
  world.drain = drain;
  world.run(3s);
  const double before = world.own();
  world.run(5s);
  CHECK(world.own() - before > 0.7 * 5 * drain);
}

TEST_CASE("what everybody else writes comes first", "[pacing]") {
  PacedReplica world;
  world.others_speed = 12e6;
  world.run(40s);
  CHECK(world.worst < world.settings.lag_limit);
  CHECK(world.own() > 0.6 * 40 * (world.drain - world.others_speed));
}

TEST_CASE("when the replica is fast again the backfill is too, and at last nothing limits it", "[pacing]") {
  PacedReplica world;
  world.run(10s);
  REQUIRE(world.pacer.rate());
  world.drain = 200e6;
  world.run(60s);
  CHECK_FALSE(world.pacer.rate());
}

TEST_CASE("a replica that stands still leaves a trickle, and the hold to the gate", "[pacing]") {
  PacedReplica world;
  world.run(5s);
  world.drain = 0;
  world.run(5s);
  REQUIRE(world.pacer.rate());
  const double before = world.own();
  world.run(10s);
  CHECK(world.own() - before < 10 * 0.3e6 + 1e6);
}

TEST_CASE("a replica that nobody requires slows nothing", "[pacing]") {
  PacedReplica world;
  world.settings.replicas["r1"] = ReplicaPolicy::ignore;
  world.run(5s);
  CHECK_FALSE(world.pacer.rate());
}

TEST_CASE("late replies of a replica with little to do are no congestion", "[pacing]") {
  WalPacer pacer;
  Settings settings;
  Lsn written = 1'000'000;
  for (int i = 0; i < 100; ++i) {
    // 10 kB every 100 ms; every other reading is of 200 kB ago.
    written += 10'000;
    const Lsn replayed = i % 2 == 0 ? written : written - 200'000;
    pacer.observe({Monotonic(1h) + i * 100ms, {{"r1", i % 2 == 0 ? 0ms : 100ms, {}, replayed}}, {}, written},
                  i * 10'000, settings);
  }
  CHECK_FALSE(pacer.rate());
}

TEST_CASE("a hold neither raises the rate nor makes it forgotten", "[pacing]") {
  PacedReplica world;
  world.run(10s + 1ms);  // up to a reading
  const auto before = world.pacer.rate();
  REQUIRE(before);
  Settings settings;
  // Nothing is written, and everything replayed.
  for (int i = 1; i < 300; ++i)
    world.pacer.observe({Monotonic(2h) + i * 100ms, {{"r1", 0ms, {}, Lsn(10'000'000'000)}}, {}, Lsn(10'000'000'000)},
                        static_cast<std::int64_t>(world.own()), settings);
  CHECK(world.pacer.rate() == before);
}
