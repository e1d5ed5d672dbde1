// Old and new images on the same few rows, at once with the backfill; every committed version is replayed by the model.
#include <algorithm>
#include <thread>

#include "catch.hpp"
#include "switchback/core/error.hpp"
#include "sync_world.hpp"

namespace switchback::tests {
namespace {

/// What one session did to a row, and what it saw afterwards.
struct Logged {
  std::size_t id;
  long version;
  Writes writes;
  bool after_backfill;  ///< chosen when every row had been filled
  Row after;
};

/// Old and new image fight over the same few rows while the backfill runs; the log is replayed by row version.
void contention(const Kind& kind, const std::string& isolation) {
  constexpr std::size_t rows = 60;
  World world(kind, isolation, rows);
  world.add_plan();
  const std::map<std::size_t, Row> before = world.live();
  std::vector<Logged> log;
  std::atomic<bool> filled = false;
  const auto writer = [&](int number) {
    return [&, number](const std::atomic<bool>& stop) {
      Random random(seed() * 77 + static_cast<std::uint64_t>(number));
      const auto session = world.table().connect();
      const Image* image = number == 4 ? nullptr : world.images()[static_cast<std::size_t>(number % 2)];
      while (!stop) {
        const std::size_t id = below(random, rows);
        if (!before.contains(id)) continue;
        const bool after_backfill = filled;
        Writes writes;
        for (const std::string& name : image ? image->columns : std::vector<std::string>{}) {
          const std::size_t column = world.model().column(name);
          const Value value = world.choose(random, column);
          const bool never = !value && world.model().columns()[column].not_null;
          if (chance(random, 0.7) && !never &&
              (after_backfill || !world.model().invisible(before.at(id), column, value)))
            writes[column] = value;
        }
        std::string sets;
        for (const auto& [column, value] : writes)
          sets += ", " + world.name(column) + " = " + world.literal(column, value);
        try {
          ports::Transaction transaction(*session, "ISOLATION LEVEL " + isolation);
          const ports::Rows seen =
              session->exec("UPDATE t SET ver = ver + 1" + sets + " WHERE id = " + std::to_string(id) +
                            " RETURNING ver, " + world.outputs());
          if (chance(random, 0.1)) continue;
          transaction.commit();
          const std::lock_guard lock(world.mutex());
          log.push_back(
              {id, std::stol(*seen.rows.at(0).at(0)), writes, after_backfill, world.row_of(seen.rows.at(0), 1)});
        } catch (const Error& error) {
          if (!transient(error)) throw;
        }
      }
    };
  };
  together(world, {writer(0), writer(1), writer(2), writer(3), writer(4)}, [&] {
    std::this_thread::sleep_for(phase_length() / 2);
    world.backfill();
    filled = true;
    std::this_thread::sleep_for(phase_length());
  });
  std::ranges::sort(log, {}, [](const Logged& one) { return std::pair(one.id, one.version); });
  std::map<std::size_t, long> version;
  for (const Logged& one : log) {
    if (one.version != ++version[one.id]) world.wrong("a version of row " + std::to_string(one.id) + " is missing");
    Row& known = world.live().at(one.id);
    // The backfill leaves no version of its own; once it is done a NULL over a row that was unfilled is a change.
    if (one.after_backfill) known = world.model().updated(known, {}).value();
    const auto want = world.model().updated(known, one.writes);
    if (want != one.after)
      world.wrong("row " + std::to_string(one.id) + " version " + std::to_string(one.version) + " from " +
                  shown(known) + " became " + shown(one.after) + ", expected " + (want ? shown(*want) : "a violation"));
    known = one.after;
  }
  world.compare("after contention", true);
  INFO(kind.name << ", " << isolation << ", seed " << seed() << ", " << log.size() << " committed");
  CHECK(log.size() > 20);
  CHECK(world.report() == "");
}

}  // namespace

TEST_CASE("images that fight over the same rows while the backfill runs leave each version as the rules say",
          "[sync][property]") {
  bool serializable = (seed() & 1U) != 0;  // each kind in one of the two, another time in the other
  for (const Kind& kind : kinds()) {
    serializable = !serializable;
    if (kind.steps.size() == 1) contention(kind, serializable ? "SERIALIZABLE" : "READ COMMITTED");
  }
}

}  // namespace switchback::tests
