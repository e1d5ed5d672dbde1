#include "switchback/core/fence.hpp"

#include "catch.hpp"

using namespace switchback;
using namespace std::chrono_literals;

namespace {

const Instant now{std::chrono::milliseconds{1'800'000'000'000}};

RegisteredImage image(const std::string& name, const std::string& role) {
  RegisteredImage one;
  one.name = name;
  one.footprint.role = role;
  return one;
}

/// Why, or "" where the login may be taken.
std::string why(const HorizonFacts& facts, const HorizonRules& rules = {}) {
  const auto refusal = fence_refusal(facts, rules, now, "shop:v39", "shop_v39");
  if (refusal) CHECK_FALSE(refusal->remedy.empty());
  return refusal ? refusal->why : "";
}

HorizonFacts shop() {
  HorizonFacts facts;
  facts.images = {image("shop:v39", "shop_v39"), image("shop:v42", "shop_v42")};
  facts.deployments = {{"shop:v42", "", now - 24h * 8, {}}, {"shop:v39", "", now - 24h * 30, now - 24h * 8}};
  return facts;
}

}  // namespace

TEST_CASE("the login of an image past the horizon may be taken, and of no other", "[fence]") {
  HorizonFacts facts = shop();
  CHECK(why(facts).empty());
  facts.deployments[1].replaced_at = now - 24h * 6;
  CHECK(why(facts).find("shop:v39 is in the horizon: deployed 30d ago, replaced 6d") == 0);
  facts.images[0].retired = "slow";
  CHECK(why(facts).empty());
  facts = shop();
  facts.images[0].pinned = "Oslo";
  CHECK(why(facts) == "shop:v39 is in the horizon: pinned: Oslo");
  facts = shop();
  facts.replica_sets = {{"prod/shop-39", "shop:v39", 0, now}};
  CHECK(why(facts).find("undo can go back to it") != std::string::npos);
}

TEST_CASE("an image that runs is fenced only when it was retired", "[fence]") {
  HorizonFacts facts = shop();
  facts.sessions = {{"worker", "shop_v39", 2}};
  CHECK(why(facts) == "shop:v39 runs: 2 sessions now, role shop_v39");
  facts.images[0].retired = "slow";
  CHECK(why(facts).empty());
  facts.replica_sets = {{"prod/shop-39", "shop:v39", 2, now}};  // it would come up again and again
  CHECK(why(facts).find("is in the horizon: ReplicaSet prod/shop-39 runs it") != std::string::npos);
}

TEST_CASE("a role that an image of the horizon may log in as is not fenced", "[fence]") {
  HorizonFacts facts = shop();
  facts.images[1].footprint.role = "shop_v39";
  CHECK(why(facts) == "role shop_v39 is also that of shop:v42, which is in the horizon: deployed 8d ago");
  facts.images[1].footprint.role = "";
  CHECK(why(facts) == "which role shop:v42 logs in as is not known, and it is in the horizon: deployed 8d ago");
  HorizonRules rules;
  rules.live_role = "shop_{tag}";
  CHECK(why(facts, rules).empty());
  facts.images[1].footprint.role = "shop_v42";
  facts.images[0].retired = "slow";
  facts.sessions = {{"shop:v42", "shop_v39", 1}};  // what it says of itself is not what it does
  CHECK(why(facts).find("is also that of shop:v42") != std::string::npos);
  facts.sessions = {{"shop:v43", "other", 1}};  // nobody registered it
  CHECK(why(facts).find("which role shop:v43 logs in as is not known") != std::string::npos);
}
