#include "switchback/core/gate.hpp"

#include <algorithm>

#include "catch.hpp"

using namespace switchback;

namespace {

const TableName users{"public", "users"};

Instant at(int second) {
  return Instant{std::chrono::seconds(second)};
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

RegisteredImage image(const std::string& name, int second, const std::vector<std::string>& reads,
                      const std::vector<std::string>& inserts = {}) {
  RegisteredImage made;
  made.name = name;
  made.registered_at = at(second);
  made.source = "manifest";
  TableUse& use = use_of(made.footprint, users);
  use.reads = reads;
  if (!inserts.empty()) {
    use.insert = InsertForm::named;
    use.writes = use.supplies = inserts;
  }
  return made;
}

/// users.full_name becomes first_name.
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
  plan.back_seconds = 3;
  return plan;
}

/// first_name becomes given: the next plan, which builds on that one.
GatePlan shorten(State state) {
  GatePlan plan = split(state);
  plan.name = "shorten";
  plan.file = "shorten.yaml";
  plan.images = {"shop:v42", "shop:v43"};
  plan.effect.adds = plan.effect.fills = {{users, "given"}};
  plan.effect.takes = {{users, "first_name"}};
  plan.effect.tightens = {};
  plan.effect.synced = {{users, {"first_name"}, {"given"}}};
  return plan;
}

bool has_new(State state) {
  return state != State::planned && state != State::expanding && state != State::rolled_back &&
         state != State::rolling_back;
}
bool has_old(State state) {
  switch (state) {
    case State::hidden:
    case State::contracting:
    case State::contracted:
    case State::done:
    case State::restoring:
      return false;
    default:
      return true;
  }
}

/// The columns that are there in these states, in the order in which they came.
CatalogTable columns_in(const std::vector<GatePlan>& plans) {
  std::vector<std::string> names{"id", "full_name"};
  for (const GatePlan& plan : plans) {
    const std::string taken = plan.effect.takes[0].name;
    const bool dropped = plan.state == State::contracted || plan.state == State::done || plan.state == State::restoring;
    if (dropped) std::erase(names, taken);
    if (!has_old(*plan.state)) std::ranges::replace(names, taken, "_switchback_" + plan.name + "_" + taken);
    if (has_new(*plan.state)) names.push_back(plan.effect.adds[0].name);
  }
  CatalogTable table;
  for (const std::string& name : names) {
    CatalogColumn column;
    column.name = name;
    column.type = name == "id" ? "bigint" : "text";
    column.has_value = name == "id";
    column.not_null = name == "id" || name == "full_name" || name.ends_with("_full_name");
    table.columns.push_back(column);
  }
  return table;
}

GateFacts world(const std::vector<GatePlan>& plans) {
  GateFacts facts;
  facts.plans = plans;
  facts.catalog[users] = columns_in(plans);
  facts.images = {image("shop:v41", 1, {"id", "full_name"}, {"full_name"}),
                  image("shop:v42", 2, {"id", "first_name"}, {"first_name"}),
                  image("shop:v43", 3, {"id", "given"}, {"given"})};
  return facts;
}

GateVerdict asked(const GateFacts& facts, const std::string& name) {
  return gate(facts, name, GateKind::deploy).verdict;
}

}  // namespace

TEST_CASE("in every state the gate says of both images what the table of states says", "[gate]") {
  for (const StateFacts& row : state_table) {
    CAPTURE(row.name);
    const GateFacts facts = world({split(row.state)});
    CHECK((asked(facts, "shop:v41") == GateVerdict::yes) == (row.before == Safety::works));
    CHECK((asked(facts, "shop:v42") == GateVerdict::yes) == (row.after == Safety::works));
  }
}

TEST_CASE("an image whose manifest names columns needs no plan to name it", "[gate]") {
  for (const StateFacts& row : state_table) {
    CAPTURE(row.name);
    GatePlan plan = split(row.state);
    plan.images = {};
    const GateFacts facts = world({plan});
    CHECK((asked(facts, "shop:v41") == GateVerdict::yes) == (row.before == Safety::works));
    CHECK((asked(facts, "shop:v42") == GateVerdict::yes) == (row.after == Safety::works));
  }
}

TEST_CASE("with two plans that build on each other the image between needs both to stand where it works", "[gate]") {
  for (const State first : {State::migrated, State::hidden, State::contracted})
    for (const StateFacts& second : state_table) {
      // What the first still syncs, the second does not take away: it is refused.
      if (first != State::contracted && second.before != Safety::works) continue;
      CAPTURE(name(first), second.name);
      const GateFacts facts = world({split(first), shorten(second.state)});
      CHECK((asked(facts, "shop:v42") == GateVerdict::yes) == (second.before == Safety::works));
      CHECK((asked(facts, "shop:v43") == GateVerdict::yes) == (second.after == Safety::works));
      // The oldest needs the first one's old side alone.
      CHECK((asked(facts, "shop:v41") == GateVerdict::yes) == (first == State::migrated));
    }
}

TEST_CASE("a no names the structure, the plan, the command that brings it back, its time, and a safe image", "[gate]") {
  const GateAnswer answer = gate(world({split(State::hidden)}), "shop:v41", GateKind::rollback);
  CHECK(answer.verdict == GateVerdict::no);
  CHECK(answer.skip_migrations);
  REQUIRE_FALSE(answer.reasons.empty());
  const GateReason& reason = answer.reasons.front();
  CHECK(reason.structure == "public.users.full_name");
  CHECK(has(reason.why, "split is hidden"));
  CHECK(reason.plan == "split");
  CHECK(reason.remedy == "switchback restore split");
  CHECK(reason.remedy_seconds == 3);
  CHECK(safe_images(world({split(State::hidden)}), "shop:v41") == std::vector<std::string>{"shop:v42"});
}

TEST_CASE("when the archive is gone a no says that only a backup helps, and names no command", "[gate]") {
  const GateAnswer answer = gate(world({split(State::done)}), "shop:v41", GateKind::deploy);
  CHECK(answer.verdict == GateVerdict::no);
  REQUIRE_FALSE(answer.reasons.empty());
  CHECK(answer.reasons.front().remedy.empty());
  CHECK(has(answer.reasons.front().why, "only a backup helps"));
}

TEST_CASE("an insert that leaves out a column without NULL and default is a no, unless sync fills it", "[gate]") {
  GateFacts facts = world({split(State::migrated)});
  // full_name takes no NULL; the newer image gives first_name, of which sync makes it.
  CHECK(asked(facts, "shop:v42") == GateVerdict::yes);
  facts.plans[0].effect.synced.clear();
  const GateAnswer without = gate(facts, "shop:v42", GateKind::deploy);
  CHECK(without.verdict == GateVerdict::no);
  CHECK(has(without.reasons.at(0).why, "takes no NULL"));
  facts.images[1].footprint.tables[0].insert = InsertForm::none;
  CHECK(asked(facts, "shop:v42") == GateVerdict::yes);
}

TEST_CASE("a column of another type than the manifest says is a no", "[gate]") {
  GateFacts facts = world({split(State::migrated)});
  facts.images[0].footprint.tables[0].types = {{"full_name", "text"}};
  CHECK(asked(facts, "shop:v41") == GateVerdict::yes);
  facts.images[0].footprint.tables[0].types = {{"full_name", "character varying(80)"}};
  const GateAnswer answer = gate(facts, "shop:v41", GateKind::deploy);
  CHECK(answer.verdict == GateVerdict::no);
  CHECK(has(answer.reasons.at(0).why, "it is of type text"));
}

TEST_CASE("inserts by position want the columns in the order they know; COPY wants no others", "[gate]") {
  GateFacts facts = world({split(State::migrated)});
  TableUse& use = facts.images[0].footprint.tables[0];
  use.insert = InsertForm::positional;
  use.positions = use.supplies = use.writes = {"id", "full_name"};
  CHECK(asked(facts, "shop:v41") == GateVerdict::yes);
  use.insert = InsertForm::copy;  // first_name is a third column
  CHECK(asked(facts, "shop:v41") == GateVerdict::no);
  use.insert = InsertForm::positional;
  std::swap(facts.catalog[users].columns[1], facts.catalog[users].columns[2]);  // as after a restore
  const GateAnswer moved = gate(facts, "shop:v41", GateKind::deploy);
  CHECK(moved.verdict == GateVerdict::no);
  CHECK(has(moved.reasons.at(0).why, "another order"));
}

TEST_CASE("whole rows count as a use of what is taken, by older images alone, unless tolerated", "[gate]") {
  GateFacts facts = world({split(State::hidden)});
  facts.images.push_back(image("shop:v40", 0, {"id"}));
  facts.images.push_back(image("shop:v44", 4, {"id"}));
  facts.images[3].footprint.tables[0].reads_all = facts.images[4].footprint.tables[0].reads_all = true;
  CHECK(asked(facts, "shop:v40") == GateVerdict::no);
  CHECK(asked(facts, "shop:v44") == GateVerdict::yes);
  // One that ran before may have been registered late.
  CHECK(gate(facts, "shop:v44", GateKind::rollback).verdict == GateVerdict::unknown);
  for (RegisteredImage& one : facts.images) one.first_deployed = one.registered_at;
  CHECK(gate(facts, "shop:v44", GateKind::rollback).verdict == GateVerdict::yes);
  for (RegisteredImage& one : facts.images) one.first_deployed.reset();
  facts.images[3].footprint.star_tolerated = true;
  CHECK(asked(facts, "shop:v40") == GateVerdict::yes);
  // Which is older cannot be told: unknown, and unknown is no yes.
  facts.images[3].footprint.star_tolerated = false;
  facts.plans[0].images = {};
  CHECK(asked(facts, "shop:v40") == GateVerdict::unknown);
}

TEST_CASE("of an image that only plans tell of, nothing else is taken for granted", "[gate]") {
  GateFacts facts = world({split(State::contracted), shorten(State::migrated)});
  for (RegisteredImage& one : facts.images) one.footprint.partial = true;
  CHECK(asked(facts, "shop:v42") == GateVerdict::yes);
  CHECK(asked(facts, "shop:v41") == GateVerdict::no);
  // A plan that names no image, past the point where both sides work.
  GatePlan other = split(State::hidden);
  other.name = "other";
  other.images = {};
  other.effect = {};
  facts.plans.push_back(other);
  const GateAnswer answer = gate(facts, "shop:v42", GateKind::deploy);
  CHECK(answer.verdict == GateVerdict::unknown);
  CHECK(has(answer.reasons.at(0).remedy, "image add shop:v42"));
}

TEST_CASE("what is older than the image before a change is before it too, and what is newer than the one after, after",
          "[gate]") {
  for (const StateFacts& row : state_table) {
    CAPTURE(row.name);
    GateFacts facts = world({split(row.state)});
    facts.images.push_back(image("shop:v40", 0, {}));
    facts.images.push_back(image("shop:v44", 4, {}));
    // Nothing is known of what they need.
    for (RegisteredImage& one : facts.images) one.footprint.partial = true;
    for (std::size_t i : {3, 4}) facts.images[i].footprint.tables.clear();
    CHECK((asked(facts, "shop:v40") == GateVerdict::yes) == (row.before == Safety::works));
    CHECK((asked(facts, "shop:v44") == GateVerdict::yes) == (row.after == Safety::works));
  }
}

TEST_CASE("an image that nobody registered is unknown, with the command that registers it", "[gate]") {
  const GateAnswer answer = gate(world({}), "shop:v50", GateKind::deploy);
  CHECK(answer.verdict == GateVerdict::unknown);
  CHECK(answer.reasons.at(0).remedy == "switchback image add shop:v50 --manifest FILE");
  CHECK(safe_images(world({}), "shop:v50") == std::vector<std::string>{"shop:v41"});
  // Newest first.
  CHECK(safe_images(world({split(State::migrated)}), "shop:v9") == std::vector<std::string>{"shop:v42", "shop:v41"});
}

TEST_CASE("statements that could not be understood make the answer unknown", "[gate]") {
  GateFacts facts = world({split(State::migrated)});
  facts.images[0].footprint.unclear = {"statement 1: what x.y is"};
  CHECK(asked(facts, "shop:v41") == GateVerdict::unknown);
}

TEST_CASE("a state that this binary does not know is unknown, never a yes", "[gate]") {
  GateFacts facts = world({split(State::migrated)});
  facts.plans[0].state.reset();
  facts.plans[0].state_name = "teleporting";
  const GateAnswer answer = gate(facts, "shop:v41", GateKind::deploy);
  CHECK(answer.verdict == GateVerdict::unknown);
  CHECK(has(answer.reasons.at(0).why, "teleporting"));
}

TEST_CASE("a deployment of what is older than what runs skips migrations", "[gate]") {
  GateFacts facts = world({split(State::migrated)});
  facts.running = {"shop:v42"};
  CHECK(gate(facts, "shop:v41", GateKind::deploy).skip_migrations);
  CHECK_FALSE(gate(facts, "shop:v42", GateKind::deploy).skip_migrations);
  CHECK_FALSE(gate(facts, "shop:v43", GateKind::deploy).skip_migrations);
  // Their first deployments count before their registration.
  facts.images[2].first_deployed = at(10);
  facts.images[1].first_deployed = at(20);
  CHECK(gate(facts, "shop:v43", GateKind::deploy).skip_migrations);
}

TEST_CASE("a table that is gone names the plan that took it", "[gate]") {
  GateFacts facts = world({split(State::contracted)});
  facts.catalog.clear();
  const GateAnswer nobody = gate(facts, "shop:v43", GateKind::deploy);
  CHECK(has(nobody.reasons.at(0).why, "no such table"));
  facts.plans[0].effect.takes_relations = {users};
  const GateAnswer taken = gate(facts, "shop:v43", GateKind::deploy);
  CHECK(taken.reasons.at(0).plan == "split");
  CHECK(taken.reasons.at(0).remedy == "switchback restore split");
}

TEST_CASE("a name that a plan makes is not there before it, and as a view takes no COPY and no named constraint",
          "[gate]") {
  GateFacts facts = world({split(State::planned)});
  PlanEffect& renaming = facts.plans[0].effect;
  renaming = {};
  renaming.makes_relations = {users};
  renaming.renames = {{{users.schema, "people"}, users.name}};
  const LiveCatalog there = facts.catalog;
  facts.catalog.clear();
  const GateAnswer before = gate(facts, "shop:v43", GateKind::deploy);
  CHECK(has(before.reasons.at(0).why, "it is not there"));
  CHECK(before.reasons.at(0).plan == "split");

  facts.catalog = there;
  facts.catalog[users].view = true;
  facts.plans[0].state = State::migrated;
  auto asking = std::ranges::find(facts.images, "shop:v43", &RegisteredImage::name);
  TableUse& use = use_of(asking->footprint, users);
  const auto refused = [&](const std::string& words) {
    for (const GateReason& one : gate(facts, "shop:v43", GateKind::deploy).reasons)
      if (has(one.why, words)) return true;
    return false;
  };
  CHECK_FALSE(refused("a view"));
  use.conflicts = {{{}, false, "users_pkey"}};
  CHECK(refused("is not found through a view"));
  use.conflicts.clear();
  use.insert = InsertForm::copy;
  CHECK(refused("copies into it"));
  facts.catalog[users].view = false;
  CHECK_FALSE(refused("copies into it"));
}

TEST_CASE("a prepared SELECT * is noted while a plan has columns to add or rename", "[gate]") {
  GateFacts facts = world({split(State::migrated)});
  facts.images[0].footprint.prepares_star = true;
  CHECK(has(gate(facts, "shop:v41", GateKind::deploy).notes.at(0), "cached plan"));
  facts = world({split(State::done)});
  facts.images[1].footprint.prepares_star = true;
  CHECK(gate(facts, "shop:v42", GateKind::deploy).notes.empty());
}

TEST_CASE("what came since an image was registered is unknown where it writes, a note where sync does", "[gate]") {
  GateFacts facts = world({split(State::migrated)});
  ImageSurroundings& its = facts.surroundings["shop:v41"];
  const auto rule = [&](const std::string& column) {
    return std::vector<ImageSurroundings::Rule>{{users, "since", "CHECK (…)", {column}, false}};
  };
  its.rules = rule("full_name");
  CHECK(asked(facts, "shop:v41") == GateVerdict::unknown);
  CHECK(asked(facts, "shop:v42") == GateVerdict::yes);
  its.rules = rule("first_name");  // which sync writes for it
  const GateAnswer noted = gate(facts, "shop:v41", GateKind::deploy);
  CHECK(noted.verdict == GateVerdict::yes);
  REQUIRE(noted.notes.size() == 1);
  CHECK(has(noted.notes[0], "since"));
  its.rules = rule("id");
  CHECK(asked(facts, "shop:v41") == GateVerdict::yes);
  its.rules[0].incoming = true;
  CHECK(asked(facts, "shop:v41") == GateVerdict::yes);
  facts.images[0].footprint.tables[0].deletes = true;
  CHECK(asked(facts, "shop:v41") == GateVerdict::unknown);
}

TEST_CASE("values of an enum beyond those that the manifest tells are a no, and so are those that are gone", "[gate]") {
  GateFacts facts = world({split(State::migrated)});
  facts.catalog[users].columns.push_back({"status", "mood", false, true, false, {"new", "paid"}});
  TableUse& use = facts.images[0].footprint.tables[0];
  use.reads.emplace_back("status");
  const auto with = [&](const std::vector<std::string>& known) {
    use.values = {{"status", known}};
    return asked(facts, "shop:v41");
  };
  CHECK(with({"new", "paid"}) == GateVerdict::yes);
  CHECK(with({"new"}) == GateVerdict::no);
  CHECK(with({"new", "paid", "sent"}) == GateVerdict::no);
  facts.catalog[users].columns.back().labels.clear();
  CHECK(with({"new"}) == GateVerdict::unknown);
}

TEST_CASE("a brownout is a no for who uses the column, with the pause that ends it", "[gate]") {
  GateFacts facts = world({split(State::migrated)});
  facts.plans[0].browned = true;
  const GateAnswer answer = gate(facts, "shop:v41", GateKind::rollback);
  CHECK(answer.verdict == GateVerdict::no);
  CHECK(answer.reasons.at(0).remedy == "switchback pause split --reason rollback");
  CHECK(asked(facts, "shop:v42") == GateVerdict::yes);
}

TEST_CASE("a plan that took nothing away and is done keeps nothing in step: no for who is before it", "[gate]") {
  GatePlan plan = split(State::done);
  plan.takes_away = false;
  GateFacts facts = world({split(State::migrated)});
  for (CatalogColumn& column : facts.catalog[users].columns) column.not_null = false;
  facts.plans = {plan};
  CHECK(asked(facts, "shop:v41") == GateVerdict::no);
  CHECK(asked(facts, "shop:v42") == GateVerdict::yes);
  facts.plans[0].images = {};
  CHECK(asked(facts, "shop:v41") == GateVerdict::unknown);
  facts.plans[0].state = State::migrated;
  CHECK(asked(facts, "shop:v41") == GateVerdict::yes);
}

TEST_CASE("a plan with effects that this switchback does not know is unknown while it is in force", "[gate]") {
  GateFacts facts = world({split(State::migrated)});
  facts.plans[0].effect.unknown = {"retypes"};
  CHECK(asked(facts, "shop:v42") == GateVerdict::unknown);
  facts.plans[0].state = State::planned;
  CHECK(asked(facts, "shop:v41") == GateVerdict::yes);
}

TEST_CASE("an ON CONFLICT wants a unique index of its columns, or its constraint", "[gate]") {
  GateFacts facts = world({split(State::migrated)});
  TableUse& use = facts.images[0].footprint.tables[0];
  std::optional<std::vector<CatalogKey>>& keys = facts.catalog[users].keys;
  keys = {{"users_pkey", "users_pkey", {"id"}, false, false, true},
          {"part", "", {"full_name"}, true, false, true},
          {"late", "late", {"full_name", "id"}, false, true, true}};
  const auto answer = [&](const ConflictTarget& target) {
    use.conflicts = {target};
    return asked(facts, "shop:v41");
  };
  CHECK(answer({{"id"}, false, ""}) == GateVerdict::yes);
  CHECK(answer({{}, false, "users_pkey"}) == GateVerdict::yes);
  CHECK(answer({{"full_name"}, true, ""}) == GateVerdict::yes);
  CHECK(answer({{"full_name"}, false, ""}) == GateVerdict::no);        // of a part of the rows
  CHECK(answer({{"full_name", "id"}, false, ""}) == GateVerdict::no);  // deferrable
  CHECK(answer({{}, false, "gone"}) == GateVerdict::no);
  keys.reset();  // not looked at, or a view
  CHECK(answer({{}, false, "gone"}) == GateVerdict::yes);
  // Once a plan has taken it, that is said, with the way back.
  keys.emplace();
  GatePlan& plan = facts.plans[0];
  plan.state = State::contracted;
  plan.state_name = "contracted";
  plan.effect = {};
  plan.effect.takes_keys = {{"public", "users_name_key"}};
  plan.images = {};
  use.conflicts = {{{}, false, "users_name_key"}};
  const GateAnswer said = gate(facts, "shop:v41", GateKind::rollback);
  CHECK(said.verdict == GateVerdict::no);
  REQUIRE_FALSE(said.reasons.empty());
  CHECK(has(said.reasons[0].why,
            "ON CONSTRAINT users_name_key has no constraint that it can rest on: split is contracted"));
  CHECK(said.reasons[0].remedy == "switchback restore split");
}

TEST_CASE("a NULL that is written where NOT NULL came since is a no, and a parameter there a note", "[gate]") {
  GateFacts facts = world({split(State::hidden)});
  RegisteredImage other = image("shop:v40", 0, {"id"}, {});
  other.footprint.tables[0].writes = {"first_name"};
  facts.images.push_back(other);
  for (CatalogColumn& column : facts.catalog[users].columns)
    if (column.name == "first_name") column.not_null = true;
  facts.plans[0].images = {};
  const GateAnswer parameter = gate(facts, "shop:v40", GateKind::deploy);
  CHECK(parameter.verdict == GateVerdict::yes);
  REQUIRE(parameter.notes.size() == 1);
  CHECK(has(parameter.notes[0], "first_name takes no NULL: split is hidden"));
  facts.images.back().footprint.tables[0].nulls = {"first_name"};
  const GateAnswer literal = gate(facts, "shop:v40", GateKind::deploy);
  CHECK(literal.verdict == GateVerdict::no);
  CHECK(has(literal.reasons.at(0).why, "the image writes NULL there, and it takes none: split is hidden"));
}

TEST_CASE("a column with a default is given by an insert that leaves it out, and sync makes the other side of it",
          "[gate]") {
  GateFacts facts = world({split(State::migrated)});
  TableUse& use = facts.images[0].footprint.tables[0];
  use.supplies = use.writes = {};
  for (CatalogColumn& column : facts.catalog[users].columns)
    if (column.name == "first_name") column.not_null = true;
  CHECK(asked(facts, "shop:v41") == GateVerdict::no);
  for (CatalogColumn& column : facts.catalog[users].columns)
    if (column.name == "full_name") column.has_value = true;
  CHECK(asked(facts, "shop:v41") == GateVerdict::yes);
}

TEST_CASE("a function's body that needs a column out of reach is a no for who calls it", "[gate]") {
  GateFacts facts = world({split(State::hidden)});
  facts.images.push_back(image("shop:v40", 0, {"id"}));
  facts.plans[0].images = {};
  CHECK(asked(facts, "shop:v40") == GateVerdict::yes);
  ImageSurroundings::Called called{{"", "shout"}, {}};
  use_of(called.needs, users).reads = {"id", "nothing_of_the_kind"};
  facts.surroundings["shop:v40"].called = {called};
  CHECK(asked(facts, "shop:v40") == GateVerdict::yes);
  use_of(facts.surroundings["shop:v40"].called[0].needs, users).reads.push_back("full_name");
  const GateAnswer answer = gate(facts, "shop:v40", GateKind::deploy);
  CHECK(answer.verdict == GateVerdict::no);
  REQUIRE_FALSE(answer.reasons.empty());
  CHECK(answer.reasons[0].structure == "public.users.full_name");
  CHECK(has(answer.reasons[0].why, "the function shout needs it"));
  CHECK(answer.reasons[0].remedy == "switchback restore split");
}

TEST_CASE("which of several functions of a name is called the server must have told", "[gate]") {
  GateFacts facts = world({split(State::hidden)});
  facts.plans[0].images = {};
  facts.plans[0].effect.takes_functions = {{"public", "shout"}};
  facts.images.push_back(image("shop:v40", 0, {"id"}));
  facts.images.back().footprint.functions = {{"", "shout"}};
  CHECK(asked(facts, "shop:v40") == GateVerdict::unknown);  // another of that name is there
  ImageSurroundings& its = facts.surroundings["shop:v40"];
  its.asked = true;
  CHECK(asked(facts, "shop:v40") == GateVerdict::yes);
  its.refused = {{"SELECT shout('x')", "function shout(unknown) does not exist", true}};
  const GateAnswer answer = gate(facts, "shop:v40", GateKind::deploy);
  CHECK(answer.verdict == GateVerdict::no);
  CHECK(answer.reasons.at(0).remedy == "switchback restore split");
  its.refused[0].certain = false;
  CHECK(asked(facts, "shop:v40") == GateVerdict::unknown);
  its.refused.clear();
  its.absent_functions = {{{"", "shout"}, true}};  // one elsewhere, where search_path may not find it
  CHECK(asked(facts, "shop:v40") == GateVerdict::no);
  facts.plans.clear();
  CHECK(asked(facts, "shop:v40") == GateVerdict::yes);
  its.absent_functions[0].elsewhere = false;
  CHECK(asked(facts, "shop:v40") == GateVerdict::no);
}

TEST_CASE("a partition that is used by itself goes the way of its table", "[gate]") {
  GateFacts facts = world({split(State::hidden)});
  facts.plans[0].images = {};
  const TableName partition{"public", "users_old"};
  facts.catalog[partition] = facts.catalog[users];
  facts.catalog[partition].ancestors = {users};
  facts.images.push_back(image("shop:v40", 0, {}));
  facts.images.back().footprint.tables[0].table = partition;
  facts.images.back().footprint.tables[0].reads = {"full_name"};
  const GateAnswer answer = gate(facts, "shop:v40", GateKind::deploy);
  CHECK(answer.verdict == GateVerdict::no);
  CHECK(answer.reasons.at(0).remedy == "switchback restore split");
}

TEST_CASE("a function of the row that is written as a column is no column that is missing", "[gate]") {
  GateFacts facts = world({split(State::migrated)});
  facts.images[0].footprint.tables[0].reads.push_back("uname");
  CHECK(asked(facts, "shop:v41") == GateVerdict::no);
  facts.surroundings["shop:v41"].attributes = {{users, "uname"}};
  CHECK(asked(facts, "shop:v41") == GateVerdict::yes);
}

TEST_CASE("a remedy can be pasted into a shell", "[gate]") {
  GateFacts facts = world({split(State::expanded)});
  facts.plans[0].file = "the plan's.yaml";
  const GateAnswer answer = gate(facts, "shop:v42", GateKind::deploy);
  CHECK(answer.reasons.at(0).remedy == "switchback run 'the plan'\\''s.yaml'");
}

TEST_CASE("only images of the same application are offered instead", "[gate]") {
  GateFacts facts = world({split(State::hidden)});
  facts.images.push_back(image("mail:v7", 9, {"id"}));
  CHECK(safe_images(facts, "shop:v41") == std::vector<std::string>{"shop:v42"});
  CHECK(others_newest_first(facts, "mail:v6") == std::vector<std::string>{"mail:v7"});
}
