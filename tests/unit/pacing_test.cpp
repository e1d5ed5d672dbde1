#include "switchback/core/pacing.hpp"

#include "catch.hpp"

using namespace switchback;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t no_limit = 1'000'000'000;

/// A sizer whose next batch is so large.
BatchSizer sized(std::int64_t rows) {
  return BatchSizer(rows);
}

std::int64_t after(std::int64_t rows, std::chrono::microseconds took, std::int64_t wal = 0,
                   std::int64_t max_wal = no_limit) {
  BatchSizer sizer = sized(rows);
  sizer.observe(rows, took, wal, 25ms, max_wal);
  return sizer.size();
}

}  // namespace

TEST_CASE("a gentle batch is short and followed by three times as long a rest, a slowed one by more", "[pacing]") {
  using std::chrono::milliseconds;
  CHECK(batch_target(milliseconds(25), true) == milliseconds(4));
  CHECK(batch_target(milliseconds(2), true) == milliseconds(2));
  CHECK(batch_target(milliseconds(25), false) == milliseconds(25));
  CHECK(rest_after(milliseconds(10), false, 1) == milliseconds(0));
  CHECK(rest_after(milliseconds(10), true, 1) == milliseconds(30));
  CHECK(rest_after(milliseconds(10), false, 0.5) == milliseconds(10));
}

TEST_CASE("a batch grows by half at most, and towards its target", "[pacing]") {
  CHECK(after(1000, 1ms) == 1500);
  CHECK(after(1000, 20ms) == 1250);
  CHECK(after(1000, 25ms) == 1000);
  CHECK(after(1000, 30ms) < 1000);  // a little over: brought back to the target, not halved
  CHECK(after(1000, 30ms) > 800);
}

TEST_CASE("a batch over its target is halved, one far over it cut to a tenth", "[pacing]") {
  CHECK(after(1000, 40ms) == 500);
  CHECK(after(1000, 120ms) == 500);
  CHECK(after(1000, 130ms) == 100);
  CHECK(after(1000, 10s) == 100);
}

TEST_CASE("the smaller of the two limits decides", "[pacing]") {
  CHECK(after(1000, 1ms, 1'000'000, 1'000'000) == 1000);
  CHECK(after(1000, 1ms, 2'000'000, 1'000'000) == 500);
  CHECK(after(1000, 1ms, 6'000'000, 1'000'000) == 100);
  CHECK(after(1000, 40ms, 1, 1'000'000) == 500);
}

TEST_CASE("a batch has a floor and a ceiling", "[pacing]") {
  CHECK(after(10, 10s) == 10);
  CHECK(after(50'000, 1us) == 50'000);
  BatchSizer sizer = sized(25);
  sizer.halve();
  CHECK(sizer.size() == 12);
  sizer.halve();
  CHECK(sizer.size() == 10);
  sizer.halve();
  CHECK(sizer.size() == 10);
}

TEST_CASE("an empty batch, or the short one at a range's end, says nothing about growing", "[pacing]") {
  BatchSizer sizer = sized(1000);
  sizer.observe(0, 10s, 0, 25ms, no_limit);
  CHECK(sizer.size() == 1000);
  sizer.observe(3, 1ms, 0, 25ms, no_limit);
  CHECK(sizer.size() == 1000);
  sizer.observe(400, 40ms, 0, 25ms, no_limit);  // but being over still says to shrink
  CHECK(sizer.size() == 200);
}

TEST_CASE("batches settle at the target whatever a row costs", "[pacing]") {
  for (const double us_a_row : {1.0, 3.5, 40.0, 900.0}) {
    CAPTURE(us_a_row);
    BatchSizer sizer;
    for (int i = 0; i < 40; ++i) {
      const std::chrono::microseconds took(static_cast<std::int64_t>(static_cast<double>(sizer.size()) * us_a_row));
      sizer.observe(sizer.size(), took, 0, 25ms, no_limit);
    }
    const double ms = static_cast<double>(sizer.size()) * us_a_row / 1000;
    CHECK(ms > 12);
    CHECK(ms <= 31.3);
  }
}
