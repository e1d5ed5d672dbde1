// Gates and the registry of images, against a real server.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>

#include "catch.hpp"
#include "plan_view.hpp"
#include "server.hpp"
#include "source_folder.hpp"
#include "switchback/core/error.hpp"
#include "tool.hpp"
#include "traffic.hpp"

using namespace switchback;
using namespace switchback::tests;
using namespace std::chrono_literals;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

/// What an image runs: its statements are its manifest, too. `$id` stands for a new row's key.
struct Application {
  std::string image;
  std::vector<std::string> statements;
  std::string reads;  ///< the whole name of row 1, as this image reads it
};

const Application v41{"shop:v41",
                      {"SELECT id, full_name FROM users WHERE email IS NULL",
                       "INSERT INTO users (id, full_name) VALUES ($id, 'Grace Hopper')",
                       "UPDATE users SET full_name = 'Ada King' WHERE id = 1"},
                      "SELECT full_name FROM users WHERE id = 1"};
const Application v42{"shop:v42",
                      {"SELECT id, first_name, last_name FROM users WHERE email IS NULL",
                       "INSERT INTO users (id, first_name, last_name) VALUES ($id, 'Grace', 'Hopper')",
                       "UPDATE users SET first_name = 'Ada', last_name = 'Byron' WHERE id = 1"},
                      "SELECT first_name || ' ' || last_name FROM users WHERE id = 1"};

const Application v43{"shop:v43",
                      {"SELECT id, first_name, surname FROM users WHERE email IS NULL",
                       "INSERT INTO users (id, first_name, surname) VALUES ($id, 'Grace', 'Hopper')",
                       "UPDATE users SET first_name = 'Ada', surname = 'Lovelace' WHERE id = 1"},
                      "SELECT first_name || ' ' || surname FROM users WHERE id = 1"};

/// Builds on the split: the last name is called surname.
const std::string surname_plan = R"(plan: surname
requires: [split]
images: { before: shop:v42, after: shop:v43 }
change:
  - rename_column: { table: users, from: last_name, to: surname }
contract: { observe: 1s, soak: 0s, allow_silent: [users_last_name_idx] }
)";

/// A table of users and a registry of both images; the plan is not run yet.
struct Shop {
  std::string uri = server().fresh_database();
  Tool tool{uri};
  int next_id = 10'000;

  Shop() {
    make_users(uri, 200);
    tool.plan(split_plan("split"));
    REQUIRE(tool.run({"init"}).exit_code == 0);
    for (const Application& one : {v41, v42}) {
      const auto added = add(one.image, statements_of(one));
      INFO(added.err);
      REQUIRE(added.exit_code == 0);
    }
  }
  std::string file(const std::string& name, const std::string& text) const {
    std::ofstream(fs::path(tool.folder()) / name) << text;
    return name;
  }
  static std::string statements_of(const Application& one) {
    std::string text = "statements:\n";
    for (const std::string& statement : one.statements)
      text += "  - " + json(std::regex_replace(statement, std::regex("\\$id"), "$$1")).dump() + "\n";
    return text;
  }
  process::Outcome add(const std::string& image, const std::string& manifest) const {
    return tool.run({"image", "add", "--manifest", file("m.yaml", "image: " + image + "\n" + manifest)});
  }
  json gate(const std::string& kind, const std::string& image) const {
    const auto outcome = tool.run({"gate", kind, image, "-o", "json"});
    INFO(outcome.err << outcome.out);
    REQUIRE((outcome.exit_code == 0 || outcome.exit_code == 3));
    const json answer = json::parse(outcome.out);
    CHECK((answer.at("answer") == "yes") == (outcome.exit_code == 0));
    return answer;
  }
  std::string answer(const std::string& image) const { return gate("deploy", image).at("answer"); }
  void run_to(const std::string& state) const {
    const auto outcome = tool.run(tool.run_to(state));
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
  }
  void sql(const std::string& text) const { server().sql(uri, text); }

  /// The image really run: every statement succeeds, and every row is there for it to read.
  bool works(const Application& one) {
    const auto session = application(uri, one.image);
    session->exec("SET search_path = public");
    try {
      for (const std::string& statement : one.statements)
        session->exec(std::regex_replace(statement, std::regex("\\$id"), std::to_string(next_id++)));
      return session->exec(one.reads.substr(0, one.reads.find(" WHERE")) + " WHERE id = 150").text(0, 0) ==
             "First150 Last150";
    } catch (const Error&) {
      return false;
    }
  }
};

bool is_in(const json& list, const std::string& word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

}  // namespace

TEST_CASE("in every resting state the gate's answer is what happens when the image is really run", "[gate]") {
  Shop shop;
  const auto compare = [&](const std::string& state) {
    CAPTURE(state);
    const bool old_works = shop.works(v41);
    const bool new_works = shop.works(v42);
    CHECK((shop.answer("shop:v41") == "yes") == old_works);
    CHECK((shop.answer("shop:v42") == "yes") == new_works);
    return std::pair(old_works, new_works);
  };
  CHECK(compare("nothing run") == std::pair(true, false));
  shop.run_to("expanded");
  CHECK(compare("expanded") == std::pair(true, false));
  shop.run_to("migrated");
  CHECK(compare("migrated") == std::pair(true, true));
  shop.sql("SELECT pg_stat_statements_reset()");
  shop.run_to("hidden");
  CHECK(compare("hidden") == std::pair(false, true));
  shop.run_to("contracted");
  CHECK(compare("contracted") == std::pair(false, true));
  REQUIRE(shop.tool.run({"restore", "split", "--yes"}).exit_code == 0);
  CHECK(compare("restored") == std::pair(true, true));
}

TEST_CASE("three images and two plans that build on each other: what the gate says is what happens", "[gate]") {
  Shop shop;
  REQUIRE(shop.add(v43.image, Shop::statements_of(v43)).exit_code == 0);
  const std::string split = split_plan("split");
  const auto go = [&](const std::string& plan, const std::string& state) {
    shop.tool.plan(plan);
    shop.sql("SELECT pg_stat_statements_reset()");
    shop.run_to(state);
  };
  /// Which of the three really work, as 110; the gate must say the same.
  const auto compare = [&](const std::string& last) {
    std::string works;
    std::string said;
    for (const Application* one : {&v41, &v42, &v43}) {
      said += shop.answer(one->image) == "yes" ? "1" : "0";
      works += shop.works(*one) ? "1" : "0";
    }
    CHECK(said == works);
    // Whoever works reads what was written last, by whichever.
    for (std::size_t i = 0; const Application* one : {&v41, &v42, &v43})
      if (works[i++] == '1') CHECK(server().sql(shop.uri, one->reads) == last);
    return works;
  };
  go(split, "migrated");
  CHECK(compare("Ada Byron") == "110");
  go(surname_plan, "expanded");
  CHECK(compare("Ada Lovelace") == "110");  // v43 has written, into rows that are not filled
  go(surname_plan, "migrated");
  CHECK(compare("Ada Lovelace") == "111");
  go(split, "hidden");
  CHECK(compare("Ada Lovelace") == "011");
  go(split, "contracted");
  CHECK(compare("Ada Lovelace") == "011");
  go(surname_plan, "hidden");
  CHECK(compare("Ada Lovelace") == "001");
  go(surname_plan, "contracted");
  CHECK(compare("Ada Lovelace") == "001");
  const json no = shop.gate("rollback", "shop:v42");
  CHECK(no.at("reasons").at(0).at("remedy") == "switchback restore surname");
  REQUIRE(shop.tool.run({"restore", "surname", "--yes"}).exit_code == 0);
  CHECK(compare("Ada Lovelace") == "011");
}

TEST_CASE("a rollback asked for after hidden is a no with the remedy, and a yes once that was run", "[gate]") {
  Shop shop;
  shop.run_to("migrated");
  CHECK(shop.works(v42));
  shop.sql("SELECT pg_stat_statements_reset()");
  for (const char* state : {"hidden", "contracted"}) {
    CAPTURE(state);
    shop.run_to(state);
    CHECK(shop.works(v42));
    const json no = shop.gate("rollback", "shop:v41");
    CHECK(no.at("answer") == "no");
    CHECK(no.at("skip_migrations") == true);
    CHECK(is_in(no.at("alternatives"), "shop:v42"));
    const json& reason = no.at("reasons").at(0);
    CHECK(reason.at("structure") == "public.users.full_name");
    CHECK(reason.at("plan") == "split");
    CHECK(reason.at("remedy") == "switchback restore split");
    CHECK(reason.at("remedy_seconds").get<int>() >= 0);
    REQUIRE(shop.tool.run({"restore", "split", "--yes"}).exit_code == 0);
    CHECK(shop.gate("rollback", "shop:v41").at("answer") == "yes");
    // What the newer one wrote, the older one reads.
    CHECK(server().sql(shop.uri, v41.reads) == "Ada Byron");
    CHECK(shop.works(v41));
    shop.sql("SELECT pg_stat_statements_reset()");
  }
}

TEST_CASE("an insert by position is refused once the columns have another order", "[gate]") {
  Shop shop;
  REQUIRE(shop.add("shop:v40", "statements: [\"INSERT INTO users VALUES ($1, $2, $3)\"]\n").exit_code == 0);
  shop.run_to("migrated");
  CHECK(shop.answer("shop:v40") == "yes");
  shop.sql("SELECT pg_stat_statements_reset()");
  shop.run_to("contracted");
  REQUIRE(shop.tool.run({"restore", "split", "--yes"}).exit_code == 0);
  CHECK(shop.answer("shop:v41") == "yes");
  const json no = shop.gate("deploy", "shop:v40");
  CHECK(no.at("answer") == "no");
  CHECK(has(no.at("reasons").dump(), "by position"));
}

TEST_CASE("a column that takes no NULL and has no default is a no for inserts that leave it out", "[gate]") {
  Shop shop;
  CHECK(shop.answer("shop:v41") == "yes");
  shop.sql(
      "ALTER TABLE users ADD COLUMN tenant integer; UPDATE users SET tenant = 1;"
      "ALTER TABLE users ADD CONSTRAINT has_tenant CHECK (tenant IS NOT NULL) NOT VALID");
  CHECK(has(shop.gate("deploy", "shop:v41").at("reasons").dump(), "public.users.tenant"));
  CHECK_FALSE(shop.works(v41));
  shop.sql("ALTER TABLE users DROP CONSTRAINT has_tenant, ALTER tenant SET NOT NULL");
  CHECK(shop.answer("shop:v41") == "no");
  shop.sql("ALTER TABLE users ALTER tenant SET DEFAULT 1");
  CHECK(shop.answer("shop:v41") == "yes");
  CHECK(shop.works(v41));
}

TEST_CASE("the gate answers with read rights alone, while the journal is locked, and no runner is up", "[gate]") {
  Shop shop;
  shop.run_to("migrated");
  shop.sql(
      "DO $$ BEGIN CREATE ROLE gate_reader LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
      "GRANT USAGE ON SCHEMA switchback TO gate_reader; GRANT SELECT ON ALL TABLES IN SCHEMA switchback TO "
      "gate_reader");
  const auto locker = application(shop.uri, "locker");
  locker->begin();
  for (const char* table : {"plan", "image", "runner"})
    locker->exec("LOCK TABLE switchback." + std::string(table) + " IN EXCLUSIVE MODE");
  const Tool reader(server().as(shop.uri, "gate_reader"));
  const auto yes = reader.run({"gate", "rollback", "shop:v41"}, 20s);
  INFO(yes.err);
  CHECK(yes.exit_code == 0);
  CHECK(has(yes.out, "rollback shop:v41: yes"));
  locker->rollback();
  shop.sql("DROP OWNED BY gate_reader");
}

TEST_CASE("gate --wait says yes as soon as the plan is migrated, and no when its time is over", "[gate]") {
  Shop shop;
  const auto early = shop.tool.run({"gate", "deploy", "shop:v42", "--wait", "100ms"});
  CHECK(early.exit_code == 3);
  const auto waiting = shop.tool.start({"gate", "deploy", "shop:v42", "--wait", "2m"});
  shop.run_to("migrated");
  CHECK(waiting->wait(60s) == 0);
}

TEST_CASE("the undo wrapper brings back what the older image needs, and undoes only then", "[gate][examples]") {
  Shop shop;
  const fs::path folder = shop.tool.folder();
  const auto undo = [&](const std::string& image) {
    process::Command command;
    command.argv = {source_folder().string() + "/examples/kubernetes/undo.sh", "shop", image};
    command.directory = folder.string();
    const fs::path binary = std::getenv("SWITCHBACK_BINARY");
    command.environment["PATH"] = folder.string() + ":" + binary.parent_path().string() + ":/usr/bin:/bin";
    command.environment["DATABASE_URL"] = shop.uri;
    return process::run(command, 60s);
  };
  shop.file("kubectl", "#!/bin/sh\necho \"$@\" >> kubectl.log\n");
  fs::permissions(folder / "kubectl", fs::perms::owner_all);
  const auto asked_of_kubectl = [&] {
    std::ifstream in(folder / "kubectl.log");
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  shop.run_to("migrated");
  shop.run_to("hidden");
  CHECK(undo("shop:v39").exit_code == 3);  // nobody knows it
  CHECK(asked_of_kubectl().empty());
  const auto undone = undo("shop:v41");
  INFO(undone.err);
  REQUIRE(undone.exit_code == 0);
  CHECK(asked_of_kubectl() == "rollout undo deployment/shop --to-revision=0\n");
  CHECK(shop.works(v41));
  CHECK(shop.tool.status("split").state == "migrated");
}

TEST_CASE("gate --format github annotates each reason on a line of its own", "[gate]") {
  const Shop shop;
  const auto outcome = shop.tool.run({"gate", "deploy", "shop:v42", "--format", "github"});
  CHECK(outcome.exit_code == 3);
  CHECK(has(outcome.out, "::error title=switchback gate deploy shop%3Av42::public.users.first_name: there is no such"));
  CHECK(shop.tool.run({"gate", "deploy", "shop:v42", "--format", "gitlab"}).exit_code == 64);
}

TEST_CASE("an image that only a plan names is registered by it, and judged by the table of states", "[gate][image]") {
  const std::string uri = server().fresh_database();
  Tool tool(uri);
  make_users(uri, 50);
  tool.plan(split_plan("split"));
  REQUIRE(tool.run({"run", "plan.yaml"}).exit_code == 0);
  const json list = json::parse(tool.run({"image", "list", "-o", "json"}).out).at("images");
  REQUIRE(list.size() == 2);
  CHECK(list.at(0).at("image") == "shop:v41");
  CHECK(list.at(0).at("source") == "plan");
  CHECK(list.at(0).at("complete") == false);
  CHECK(tool.run({"gate", "rollback", "shop:v41"}).exit_code == 0);
  server().sql(uri, "SELECT pg_stat_statements_reset()");
  REQUIRE(tool.run(tool.run_to("hidden")).exit_code == 0);
  CHECK(tool.run({"gate", "rollback", "shop:v41"}).exit_code == 3);
  CHECK(tool.run({"gate", "deploy", "shop:v42"}).exit_code == 0);
  const auto unknown = tool.run({"gate", "deploy", "shop:v43"});
  CHECK(unknown.exit_code == 3);
  CHECK(has(unknown.out, "switchback image add shop:v43 --manifest FILE"));
}

TEST_CASE("the horizon is who is connected, deployed lately, kept by ReplicaSets and pinned, each with why",
          "[image]") {
  Shop shop;
  const auto horizon = [&] {
    const auto outcome = shop.tool.run({"image", "list", "--horizon", "-o", "json"});
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
    std::map<std::string, std::string> found;
    const json document = json::parse(outcome.out);
    for (const json& one : document.at("horizon"))
      found[one.at("image")] = (one.at("known") == true ? "" : "unknown ") + one.at("reasons").dump();
    return found;
  };
  CHECK(horizon().empty());
  const auto session = application(shop.uri, "shop:v43");
  CHECK(has(horizon()["shop:v43"], "unknown [\"1 session now, named shop:v43"));
  const auto deployed = [&](const std::string& image, const std::string& at) {
    REQUIRE(shop.tool.run({"image", "deployed", image, "--environment", "prod", "--at", at}).exit_code == 0);
  };
  deployed("shop:v41", "2020-01-01");
  CHECK(has(horizon()["shop:v41"], "to prod"));
  deployed("shop:v42", "now");  // one may want back what it replaced
  CHECK(has(horizon()["shop:v41"], "to prod, replaced"));
  CHECK(has(horizon()["shop:v42"], "to prod"));
  deployed("shop:v42", "2020-02-01");
  CHECK_FALSE(horizon().contains("shop:v41"));
  REQUIRE(shop.tool.run({"image", "pin", "shop:v41", "--reason", "Oslo"}).exit_code == 0);
  CHECK(has(horizon()["shop:v41"], "pinned: Oslo"));
  REQUIRE(shop.tool.run({"image", "unpin", "shop:v41"}).exit_code == 0);
  CHECK_FALSE(horizon().contains("shop:v41"));
  const json sets{
      {"items",
       json::array(
           {{{"kind", "ReplicaSet"},
             {"metadata", {{"namespace", "prod"}, {"name", "shop-7"}}},
             {"spec",
              {{"replicas", 0},
               {"template",
                {{"spec",
                  {{"containers", json::array({{{"name", "shop"}, {"image", "hub.example/shop:v41"}}})}}}}}}}}})}};
  REQUIRE(shop.tool.run({"image", "sync", "--replicasets", shop.file("sets.json", sets.dump())}).exit_code == 0);
  CHECK(has(horizon()["shop:v41"], "kubectl rollout undo can go back to it: ReplicaSet prod/shop-7"));
  CHECK(shop.tool.run({"image", "sync", "--replicasets", shop.file("sets.json", "{\"items\": []}")}).exit_code == 4);
  CHECK(horizon().contains("shop:v41"));
  REQUIRE(shop.tool.run({"image", "sync", "--forget"}).exit_code == 0);
  CHECK_FALSE(horizon().contains("shop:v41"));
  REQUIRE(shop.tool.run({"image", "retire", "shop:v42", "--reason", "slow"}).exit_code == 0);
  CHECK_FALSE(horizon().contains("shop:v42"));
  // It is all on record.
  const std::string history = shop.tool.run({"history"}).out;
  for (const char* event : {"image_add", "image_deployed", "image_pin", "image_unpin", "image_sync", "image_retire"})
    CHECK(has(history, event));
}

TEST_CASE("a manifest comes from a label, and what is wrong with it or its name is said", "[image]") {
  const Shop shop;
  const auto labelled = [&](const std::string& manifest) {
    return shop.file("inspect.json",
                     json::array({{{"Config", {{"Labels", {{"io.switchback.manifest", manifest}}}}}}}).dump());
  };
  const std::string good = labelled("tables: { users: { read: [id] } }\n");
  REQUIRE(shop.tool.run({"image", "add", "shop:v50", "--label-json", good}).exit_code == 0);
  CHECK(shop.answer("shop:v50") == "yes");
  CHECK(shop.tool.run({"image", "add", "--label-json", good}).exit_code == 64);  // nobody names it
  const auto broken =
      shop.tool.run({"image", "add", "a:1", "--label-json", labelled("tables: { users: { raed: [id] } }\n")});
  CHECK(broken.exit_code == 4);
  CHECK(has(broken.err, "1:20: error: a table has no key raed"));
  const auto other = shop.tool.run(
      {"image", "add", "a:1", "--manifest", shop.file("m.yaml", "image: b:1\ntables: { users: { read: [id] } }\n")});
  CHECK(other.exit_code == 4);
  CHECK(has(other.err, "the manifest is that of b:1"));
  const auto unknown = shop.tool.run({"image", "unpin", "shop:v4l"});
  CHECK(unknown.exit_code == 4);
  CHECK(has(unknown.err, "shop:v41"));
  CHECK(shop.tool.run({"image", "add", "a:1"}).exit_code == 64);
}

TEST_CASE("a gate over 2,000 tables and 50 images answers in a moment", "[gate][timing]") {
  const Shop shop;
  shop.sql(
      "DO $$ BEGIN FOR i IN 1..2000 LOOP EXECUTE format('CREATE TABLE t%s (id bigint PRIMARY KEY, a text NOT "
      "NULL, b integer, c numeric(10,2), d timestamptz, CHECK (b > 0), CHECK (c IS NOT NULL))', i); IF i % 200 = 0 "
      "THEN COMMIT; END IF; END LOOP; END $$");
  const auto manifest = [](int first, int last) {
    std::string text = "tables:\n";
    for (int i = first; i <= last; ++i)
      text += "  t" + std::to_string(i) + ": { read: [id, a, b, c, d], write: [id, a, b, c] }\n";
    return text;
  };
  for (int i = 1; i <= 47; ++i)
    REQUIRE(shop.add("big:" + std::to_string(i), manifest(i * 40, i * 40 + 99)).exit_code == 0);
  REQUIRE(shop.add("big:all", manifest(1, 2000)).exit_code == 0);
  CHECK(shop.answer("big:all") == "yes");
  shop.sql("ALTER TABLE t7 DROP COLUMN b");  // a no, so that what is safe is looked for among all of them
  const auto started = std::chrono::steady_clock::now();
  const json no = shop.gate("deploy", "big:all");
  const auto took = std::chrono::steady_clock::now() - started;
  WARN("a gate over 2,000 tables and 50 images took "
       << std::chrono::duration_cast<std::chrono::milliseconds>(took).count() << " ms, the process with it");
  CHECK(no.at("answer") == "no");
  CHECK(no.at("alternatives").size() == 3);  // the newest that are safe
  CHECK(no.at("alternatives").at(0) == "big:47");
  CHECK(took < 3s);
}
