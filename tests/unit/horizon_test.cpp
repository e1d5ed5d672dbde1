#include "switchback/core/horizon.hpp"

#include <functional>

#include "catch.hpp"
#include "switchback/core/sync.hpp"

using namespace switchback;

namespace {

const TableName users{"public", "users"};

RegisteredImage image(const std::string& name, int second, const std::vector<std::string>& reads) {
  RegisteredImage made;
  made.name = name;
  made.registered_at = Instant{std::chrono::seconds(second)};
  use_of(made.footprint, users).reads = reads;
  return made;
}

TableUse& on_users(RegisteredImage& image) {
  return use_of(image.footprint, users);
}

/// users.full_name becomes first_name, which must then not be NULL.
GatePlan split(State state) {
  GatePlan plan;
  plan.name = "split";
  plan.file = "split.yaml";
  plan.takes_away = true;
  plan.state = state;
  plan.state_name = std::string(name(state));
  plan.images = {"shop:v41", "shop:v42"};
  plan.effect.adds = plan.effect.fills = {{users, "first_name"}};
  plan.effect.takes = {{users, "full_name"}};
  plan.effect.tightens = {{users, "first_name"}};
  plan.effect.synced = {{users, {"full_name"}, {"first_name"}}};
  return plan;
}

/// The table as it is in that state.
GateFacts world(State state) {
  GateFacts facts;
  facts.plans = {split(state)};
  std::vector<std::string> names{"id", "full_name", "email"};
  if (state == State::hidden) names[1] = tombstone_name("split", "full_name");
  if (state == State::contracted) names.erase(names.begin() + 1);
  if (state != State::planned) names.push_back("first_name");
  for (const std::string& name : names) {
    CatalogColumn column;
    column.name = name;
    column.type = "text";
    column.not_null = column.has_value = name == "id";
    facts.catalog[users].columns.push_back(column);
  }
  facts.images = {image("shop:v41", 1, {"id", "full_name"}), image("shop:v42", 2, {"id", "first_name"})};
  return facts;
}

std::string objection(const GateFacts& facts, const HorizonImage& one) {
  const auto found = horizon_objections(facts, split(State::migrated), {one});
  return found.empty() ? "-" : shown(found.front());
}

HorizonImage deployed(const std::string& name) {
  return {name, true, false, {"deployed lately"}};
}

constexpr State states[] = {State::planned,     State::expanded,   State::migrated,
                            State::contracting, State::contracted, State::hidden};

}  // namespace

TEST_CASE("the image before objects whatever the plan's state, and the image after never does", "[horizon]") {
  for (const State state : states) {
    CAPTURE(name(state));
    const GateFacts facts = world(state);
    CHECK(objection(facts, deployed("shop:v41")) ==
          "shop:v41 needs public.users.full_name (deployed lately): switchback image retire shop:v41 --reason TEXT, "
          "once nobody goes back to it");
    CHECK(objection(facts, deployed("shop:v42")) == "-");
  }
}

TEST_CASE("what an image does decides whether the contract breaks it", "[horizon]") {
  struct Case {
    const char* what;
    std::function<void(RegisteredImage&)> does;
    const char* says;  ///< a part of the objection; "-": none
  };
  // v40 is older than the change; v43 newer.
  const std::vector<Case> cases{
      {"reads what stays", [](RegisteredImage& one) { on_users(one).reads = {"id"}; }, "-"},
      {"reads what goes", [](RegisteredImage& one) { on_users(one).reads = {"full_name"}; }, "needs public.users.full"},
      {"writes what goes", [](RegisteredImage& one) { on_users(one).writes = {"full_name"}; },
       "needs public.users.full"},
      {"reads everything", [](RegisteredImage& one) { on_users(one).reads_all = true; }, "uses every column"},
      {"reads everything, and bears it",
       [](RegisteredImage& one) {
         on_users(one).reads_all = true;
         one.footprint.star_tolerated = true;
       },
       "-"},
      {"inserts without what is then NOT NULL",
       [](RegisteredImage& one) {
         on_users(one).insert = InsertForm::named;
         on_users(one).supplies = {"email"};
       },
       "first_name: it takes no NULL"},
      {"inserts by position",
       [](RegisteredImage& one) {
         on_users(one).insert = InsertForm::positional;
         on_users(one).positions = {"id", "full_name", "email"};
       },
       "inserts by position"},
      {"another table", [](RegisteredImage& one) { one.footprint.tables = {}; }, "-"},
      {"a table that never was",
       [](RegisteredImage& one) {
         use_of(one.footprint, {"public", "gone"}).reads = {"a"};
       },
       "-"},
      {"what its statements need is not clear",
       [](RegisteredImage& one) { one.footprint.unclear = {"COPY t FROM STDIN"}; }, "may need what goes"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.what);
    GateFacts facts = world(State::migrated);
    facts.images.push_back(image("shop:v40", 0, {"id"}));
    one.does(facts.images.back());
    const std::string said = objection(facts, deployed("shop:v40"));
    INFO(said);
    if (std::string(one.says) == "-")
      CHECK(said == "-");
    else
      CHECK(said.find(one.says) != std::string::npos);
  }
}

TEST_CASE("an image of which nothing is known objects with the command that makes it known", "[horizon]") {
  GateFacts facts = world(State::migrated);
  CHECK(objection(facts, {"shop:v99", false, true, {"2 sessions now"}}) ==
        "shop:v99 may need what goes: nobody registered it: what it needs is not known (2 sessions now): switchback "
        "image add shop:v99 --manifest FILE");
  // Named by another plan, at the same time as this one's: before or after the change?
  facts.images.push_back(image("shop:x", 1, {}));
  facts.images.back().registered_at = facts.images[0].registered_at;
  facts.images.back().footprint = {};
  facts.images.back().footprint.partial = true;
  CHECK(objection(facts, deployed("shop:x")).find("may need") != std::string::npos);
  CHECK(objection(facts, deployed("shop:x")).find("switchback image add shop:x --manifest FILE") != std::string::npos);
  facts.images.back().registered_at += std::chrono::seconds(5);  // newer than the image after
  CHECK(objection(facts, deployed("shop:x")) == "-");
}

TEST_CASE("the next command fits why the image is in the horizon", "[horizon]") {
  GateFacts facts = world(State::migrated);
  CHECK(objection(facts, {"shop:v41", true, true, {"1 session now"}}).find("once a newer one runs in its place") !=
        std::string::npos);
  facts.images[0].pinned = "Oslo";
  CHECK(objection(facts, deployed("shop:v41")).find("switchback image unpin shop:v41") != std::string::npos);
}

TEST_CASE("a table or view that goes is needed by whoever names it, and what another plan took is its own affair",
          "[horizon]") {
  GateFacts facts = world(State::migrated);
  const TableName carts{"public", "carts"};
  GatePlan plan = split(State::migrated);
  plan.effect = {};
  plan.effect.takes_relations = {carts};
  facts.catalog[carts] = {};
  use_of(facts.images[0].footprint, carts);
  // full_name is long gone by another plan: no reason for this one to wait.
  GatePlan other = split(State::contracted);
  other.name = "other";
  facts.plans = {plan, other};
  std::erase_if(facts.catalog[users].columns, [](const CatalogColumn& one) { return one.name == "full_name"; });
  const auto found = horizon_objections(facts, plan, {deployed("shop:v41"), deployed("shop:v42")});
  REQUIRE(found.size() == 1);
  CHECK(shown(found[0]).find("shop:v41 needs public.carts (") == 0);
}

TEST_CASE("what replay finds in an image's statements objects, and what it clears is no longer unclear", "[horizon]") {
  using O = ReplayOutcome;
  struct Case {
    const char* what;
    const char* image;  ///< v41 is before the change, v42 after it, v40 neither
    std::vector<O> outcomes;
    bool tolerated;
    const char* says;  ///< a part of the objection; "-": none
  };
  const std::vector<Case> cases{
      {"all fine", "shop:v40", {O::ok, O::ok}, false, "-"},
      {"one breaks", "shop:v40", {O::ok, O::breaks}, false, "shop:v40 SELECT 1: why ("},
      {"one breaks after the change, too", "shop:v42", {O::breaks}, false, "shop:v42 SELECT 0: why ("},
      {"one is unknown", "shop:v40", {O::unknown, O::ok}, false, "may need what goes: SELECT 0: why"},
      {"another result", "shop:v40", {O::shape}, false, "may need what goes: SELECT 0 has another result: why"},
      {"another result, before", "shop:v41", {O::shape}, false, "; SELECT 0 has another result: why"},
      {"another result, after", "shop:v42", {O::shape}, false, "-"},
      {"another result, borne", "shop:v40", {O::shape}, true, "-"},
      {"many", "shop:v40", {O::breaks, O::breaks, O::breaks, O::breaks, O::breaks}, false, "SELECT 2: why; and 2 more"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.what);
    GateFacts facts = world(State::migrated);
    facts.images.push_back(image("shop:v40", 1, {"id"}));
    ContractReplay replay;
    for (RegisteredImage& known : facts.images) {
      if (known.name != one.image) continue;
      known.footprint.unclear = {"a statement"};
      known.footprint.star_tolerated = one.tolerated;
    }
    for (const O outcome : one.outcomes) {
      auto& statements = replay.images[one.image];
      statements.push_back({"SELECT " + std::to_string(statements.size()), outcome, outcome == O::ok ? "" : "why"});
    }
    const auto found = horizon_objections(facts, split(State::migrated), {deployed(one.image)}, replay);
    const std::string said = found.empty() ? "-" : shown(found.front());
    INFO(said);
    if (std::string(one.says) == "-")
      CHECK(said == "-");
    else
      CHECK(said.find(one.says) != std::string::npos);
  }
}

TEST_CASE("of what manifests do not speak of, an image without statements may need everything", "[horizon]") {
  GateFacts facts = world(State::migrated);
  facts.images.push_back(image("shop:v40", 1, {"id"}));
  ContractReplay replay;
  replay.beyond_manifests = {"public.mood"};
  const auto said = [&](const char* name) {
    const auto found = horizon_objections(facts, split(State::migrated), {deployed(name)}, replay);
    return found.empty() ? std::string("-") : shown(found.front());
  };
  CHECK(said("shop:v40").find("may need what goes: public.mood: manifests do not speak of it") != std::string::npos);
  CHECK(said("shop:v42") == "-");  // after the change
  replay.images["shop:v40"] = {{"SELECT 1", ReplayOutcome::ok, ""}};
  CHECK(said("shop:v40") == "-");
}

TEST_CASE("on the way back an image objects that runs, or is pinned, and needs what the plan added", "[horizon]") {
  const auto objections = [](GateFacts facts, const HorizonImage& one) {
    return way_back_objections(facts, split(State::migrated), {one});
  };
  const HorizonImage running{"shop:v42", true, true, {"runs now"}};
  for (const State state : {State::expanded, State::migrated}) {
    const auto found = objections(world(state), running);
    REQUIRE(found.size() == 1);
    CHECK(found[0].needs.size() == 1);
    CHECK(found[0].needs[0].structure == "public.users.first_name");
    CHECK_FALSE(found[0].unknown());
  }
  CHECK(objections(world(State::migrated), deployed("shop:v42")).empty());
  GateFacts pinned = world(State::migrated);
  pinned.images[1].pinned = "Oslo";
  CHECK(objections(pinned, deployed("shop:v42")).size() == 1);
  CHECK(objections(world(State::migrated), {"shop:v41", true, true, {"runs now"}}).empty());
  GatePlan index_alone = split(State::migrated);
  index_alone.effect = {};
  CHECK(way_back_objections(world(State::migrated), index_alone, {running, {"shop:v43", false, true, {"runs now"}}})
            .empty());
  const auto stranger = objections(world(State::migrated), {"shop:v43", false, true, {"runs now"}});
  REQUIRE(stranger.size() == 1);
  CHECK(stranger[0].unknown());
}
