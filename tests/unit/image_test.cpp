#include "switchback/core/image.hpp"

#include "switchback/core/image_name.hpp"

#include "catch.hpp"

using namespace switchback;
using namespace std::chrono_literals;

namespace {

const Instant now{std::chrono::hours(1000)};

RegisteredImage image(const std::string& name) {
  RegisteredImage made;
  made.name = name;
  made.registered_at = now - 100h;
  return made;
}

HorizonFacts registry() {
  HorizonFacts facts;
  facts.images = {image("shop:v41"), image("shop:v42"), image("shop:v43")};
  return facts;
}

/// The reasons of one image, joined; "-" where it is not in the horizon.
std::string why(const HorizonFacts& facts, const std::string& name, const HorizonRules& rules = {}) {
  for (const HorizonImage& one : horizon(facts, rules, now)) {
    if (one.name != name) continue;
    std::string text = one.known ? "" : "unknown! ";
    for (const std::string& reason : one.reasons) text += (text.empty() || text.back() == ' ' ? "" : "; ") + reason;
    return text;
  }
  return "-";
}

}  // namespace

TEST_CASE("who is connected is live, by application name or by role", "[horizon]") {
  HorizonFacts facts = registry();
  facts.sessions = {{"shop:v42", "app", 3}, {"psql", "ada", 1}, {"backend", "shop_v41", 1}};
  CHECK(why(facts, "shop:v42") == "3 sessions now, named shop:v42");
  CHECK(why(facts, "shop:v41") == "-");
  CHECK(horizon(facts, {}, now).size() == 1);
  HorizonRules rules;
  rules.live_role = "{name}_{tag}";
  CHECK(why(facts, "shop:v41", rules) == "1 session now, role shop_v41");
  facts.images[2].footprint.role = "ada";
  CHECK(why(facts, "shop:v43") == "1 session now, role ada");
}

TEST_CASE("a live image that nobody registered is in the horizon, and unknown", "[horizon]") {
  HorizonFacts facts = registry();
  facts.sessions = {{"shop:v99", "app", 1}};
  CHECK(why(facts, "shop:v99") == "unknown! 1 session now, named shop:v99");
}

TEST_CASE("a name longer than the server keeps is found by what it keeps", "[horizon]") {
  HorizonFacts facts;
  const std::string name = std::string(60, 'x') + ":v1234567";
  facts.images = {image(name)};
  facts.sessions = {{name.substr(0, 63), "app", 1}};
  CHECK(why(facts, name) == "1 session now, named " + name.substr(0, 63));
}

TEST_CASE("a ReplicaSet that is kept can be gone back to; one with replicas runs", "[horizon]") {
  HorizonFacts facts = registry();
  facts.replica_sets = {{"prod/shop-1", "registry.example/team/shop:v41", 0, now},
                        {"prod/shop-2", "shop:v42@sha256:abc", 2, now},
                        {"prod/shop-2", "envoy:1.29", 2, now}};
  CHECK(why(facts, "shop:v41") == "kubectl rollout undo can go back to it: ReplicaSet prod/shop-1");
  CHECK(why(facts, "shop:v42") == "ReplicaSet prod/shop-2 runs it, 2 replicas");
  CHECK(why(facts, "envoy:1.29") == "unknown! ReplicaSet prod/shop-2 runs it, 2 replicas");
}

TEST_CASE("what was replaced counts for the horizon's time, to the second, and what was not however old it is",
          "[horizon]") {
  HorizonFacts facts = registry();
  facts.deployments = {{"shop:v41", "prod", now - 900h, now - 2h},
                       {"shop:v42", "", now - 3h, now - 2h - 1s},
                       {"shop:v43", "prod", now - 800h}};
  HorizonRules rules;
  rules.horizon_time = 2h;
  CHECK(why(facts, "shop:v41", rules).find("deployed 37d12h ago to prod, replaced 2h") == 0);
  CHECK(why(facts, "shop:v42", rules) == "-");
  CHECK(why(facts, "shop:v43", rules) == "deployed 33d08h ago to prod");
}

TEST_CASE("an image is replaced by the next one of its application in its environment, and by no other", "[horizon]") {
  const std::vector<Deployment> all{{"api:v8", "prod", now - 9h},       {"shop:v41", "prod", now - 8h},
                                    {"shop:v42", "qa", now - 7h},       {"web:v43", "prod", now - 6h},
                                    {"shop:v42", "prod", now - 5h},     {"shop:v43", "prod", now - 4h},
                                    {"r:5/a/shop:v9", "prod", now - 3h}};
  std::map<std::string, std::optional<Instant>> replaced;
  for (const Deployment& one : last_deployments(all)) replaced[one.environment + " " + one.image] = one.replaced_at;
  CHECK(replaced.size() == 7);
  CHECK_FALSE(replaced.at("prod api:v8"));
  CHECK_FALSE(replaced.at("prod web:v43"));
  CHECK_FALSE(replaced.at("qa shop:v42"));
  CHECK(replaced.at("prod shop:v41") == now - 5h);
  CHECK(replaced.at("prod shop:v42") == now - 4h);
  CHECK_FALSE(replaced.at("prod shop:v43"));
  CHECK(application_of("shop") == "shop");
  CHECK(application_of("r.example:5000/team/shop") == "r.example:5000/team/shop");
  CHECK(application_of("r.example:5000/team/shop:v1@sha256:ab") == "r.example:5000/team/shop");
}

TEST_CASE("what is pinned stays; what is retired goes unless it runs", "[horizon]") {
  HorizonFacts facts = registry();
  facts.images[0].pinned = "Oslo";
  facts.images[1].retired = "loses orders";
  facts.deployments = {{"shop:v42", "", now}};
  CHECK(why(facts, "shop:v41") == "pinned: Oslo");
  CHECK(why(facts, "shop:v42") == "-");
  facts.sessions = {{"shop:v42", "app", 1}};
  CHECK(why(facts, "shop:v42") == "1 session now, named shop:v42");
  facts.sessions.clear();
  facts.images[1].pinned = "Bergen";
  CHECK(why(facts, "shop:v42").find("pinned: Bergen") != std::string::npos);
}

TEST_CASE("of two images the one deployed first is older, else the one registered first", "[horizon]") {
  RegisteredImage one = image("a");
  RegisteredImage other = image("b");
  CHECK(is_older(one, other) == std::nullopt);
  other.registered_at += 1s;
  CHECK(is_older(one, other) == true);
  one.first_deployed = now;
  CHECK(is_older(one, other) == true);  // one without a deployment: by registration
  other.first_deployed = now - 1s;
  CHECK(is_older(one, other) == false);
}
