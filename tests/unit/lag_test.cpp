#include "switchback/core/lag.hpp"

#include "catch.hpp"

using namespace switchback;
using namespace std::chrono_literals;

namespace {

const Monotonic start{1h};  // any moment: only differences count

}  // namespace

TEST_CASE("before the first sample nothing is known of a lag", "[lag]") {
  CHECK_FALSE(LagRing().lag(start, 5));
}

TEST_CASE("a replica that has replayed all there was lags by nothing, however long ago that was", "[lag]") {
  LagRing ring;
  ring.record(start, 100);
  CHECK(ring.lag(start, 100) == 0ms);
  CHECK(ring.lag(start + 1h, 100) == 0ms);
  CHECK(ring.lag(start + 1h, 101) == 0ms);  // it got more than the primary had at the last sample
}

TEST_CASE("the lag is the time since the primary first passed the replica's position", "[lag]") {
  LagRing ring;
  ring.record(start, 100);
  ring.record(start + 250ms, 200);
  ring.record(start + 500ms, 300);
  CHECK(ring.lag(start + 600ms, 99) == 600ms);
  CHECK(ring.lag(start + 600ms, 100) == 350ms);
  CHECK(ring.lag(start + 600ms, 199) == 350ms);
  CHECK(ring.lag(start + 600ms, 200) == 100ms);
  CHECK(ring.lag(start + 600ms, 300) == 0ms);
}

TEST_CASE("a stalled replica's lag grows while the primary is idle and has something it lacks", "[lag]") {
  LagRing ring;
  ring.record(start, 100);
  for (auto at = 250ms; at <= 10s; at += 250ms) ring.record(start + at, 200);
  CHECK(ring.lag(start + 10s, 100) == 9750ms);
  CHECK(ring.lag(start + 10s, 200) == 0ms);
}

TEST_CASE("after an idle stretch the lag counts from when there was something new", "[lag]") {
  LagRing ring;
  for (auto at = 0ms; at <= 10s; at += 250ms) ring.record(start + at, 100);
  ring.record(start + 10250ms, 200);
  CHECK(ring.lag(start + 10500ms, 100) == 250ms);
}

TEST_CASE("a position older than the ring has at least the age of the oldest sample", "[lag]") {
  LagRing ring(1s);
  Lsn position = 100;
  for (auto at = 0ms; at <= 5s; at += 250ms) ring.record(start + at, position += 100);
  const auto lag = ring.lag(start + 5s, 50);
  REQUIRE(lag);
  CHECK(*lag >= 1s);
  CHECK(*lag <= 1500ms);
}

TEST_CASE("a long idle ring still knows when its position was first reached", "[lag]") {
  LagRing ring(1s);
  ring.record(start, 100);
  ring.record(start + 1s, 200);
  for (auto at = 1250ms; at <= 20s; at += 250ms) ring.record(start + at, 200);
  // More than the ring keeps: no figure is exact any more, but it is never taken for caught up.
  const auto lag = ring.lag(start + 20s, 100);
  REQUIRE(lag);
  CHECK(*lag >= 1s);
}

TEST_CASE("positions are read as the server writes them", "[lag]") {
  CHECK(parse_lsn("0/0") == 0U);
  CHECK(parse_lsn("16/B374D848") == 0x16B374D848U);
  CHECK(parse_lsn("16/b374d848") == 0x16B374D848U);
  CHECK(parse_lsn("FFFFFFFF/FFFFFFFF") == ~Lsn{0});
}

TEST_CASE("what is no position is not guessed at", "[lag]") {
  for (const char* text : {"", "/", "0/", "/0", "16B374D848", "g/0", "0/g", "0/0/0", "0x1/0", " 0/0", "0/0 ", "-1/0",
                           "+1/0", "123456789/0", "0/123456789"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_lsn(text));
  }
}
