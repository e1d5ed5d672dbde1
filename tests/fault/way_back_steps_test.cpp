// Every way back, its runner killed around each of its commits that gets it further: just before, with all of the
// transaction done, and just after. Whoever comes next goes on.
#include "catch.hpp"
#include "state_scene.hpp"

using namespace switchback;
using namespace switchback::tests;

namespace {

/// Another one whenever a plan is further.
constexpr const char* progress = R"sql(pg_catalog.concat_ws('/',
  (SELECT pg_catalog.count(*) FROM switchback.event WHERE kind <> 'taken_over'),
  (SELECT pg_catalog.string_agg(status, ',' ORDER BY phase, ordinal) FROM switchback.step),
  (SELECT pg_catalog.count(*) || ':' || pg_catalog.sum(rows_done) FROM switchback.checkpoint),
  (SELECT pg_catalog.string_agg(restoring::text, ',' ORDER BY relation) FROM switchback.sync),
  (SELECT pg_catalog.string_agg(state, ',' ORDER BY relation) FROM switchback.archive),
  (SELECT pg_catalog.count(*) FROM pg_catalog.pg_attribute WHERE attrelid = 'public.users'::regclass AND NOT attisdropped),
  (SELECT pg_catalog.count(*) FROM pg_catalog.pg_constraint WHERE conrelid = 'public.users'::regclass)))sql";

/// Twice for each commit, until the plan has arrived. The way is gone on with by the same command or by `run`, which
/// ends a way back before it goes forward.
void kill_around_each_commit(StateScene& scene, Back way) {
  INFO("killed on the way from " << words(way));
  scene.write_along(way_back(way.from, way.to));
  int kills = 0;
  for (bool before = true; scene.state() != way.to; before = !before) {
    INFO("kill " << kills << ", at " << name(scene.state()));
    REQUIRE(kills < 400);
    const bool same = scene.state() == way.from || kills % 4 < 2;
    const std::string further = std::string(progress) + " <> '" + scene.ask(std::string("SELECT ") + progress) + "'";
    if (!scene.killed(same ? scene.back(way.to) : Words{"run", "plan.yaml"}, further, 1, before)) break;
    ++kills;
  }
  CHECK(kills >= 2);
  scene.go(scene.back(way.to), way.to);
}

/// In one leg, or all of it at once.
bool is_tried(Back way) {
  return facts(way.from).resting && way.from != State::done &&
         (way_back(way.from, way.to).size() == 3 || (way.from == State::contracted && way.to == State::rolled_back));
}

}  // namespace

TEST_CASE("a way back whose runner is killed around each of its commits is ended by whoever comes next",
          "[fault][way_back_steps]") {
  Stations stations;
  for (const Back way : ways_back())
    if (is_tried(way)) kill_around_each_commit(*stations.at(way.from).copy(), way);

  const auto contracting = stations.at(State::hidden).copy();
  REQUIRE(contracting->killed(contracting->forward(State::contracted),
                              "EXISTS (SELECT FROM switchback.event WHERE kind = 'archive_verified')", 1));
  REQUIRE(contracting->state() == State::contracting);
  kill_around_each_commit(*contracting, {State::contracting, State::migrated});
}

TEST_CASE("a rollback from done whose runner is killed around each of its commits is ended by whoever comes next",
          "[fault][way_back_steps]") {
  StateScene scene(Takes::nothing);
  scene.go(scene.forward(State::done), State::done);
  kill_around_each_commit(scene, {State::done, State::rolled_back});
}
