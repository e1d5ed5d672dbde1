#include "switchback/plan_file/manifest_reader.hpp"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <regex>

#include "catch.hpp"
#include "schema_check.hpp"
#include "source_folder.hpp"
#include "switchback/core/error.hpp"

using namespace switchback;
using namespace switchback::tests;
using nlohmann::json;

namespace {

const std::filesystem::path root = source_folder();

Footprint read(const std::string& text) {
  const ReadManifest result = read_manifest(text, "m.yaml");
  for (const Diagnostic& one : result.diagnostics) UNSCOPED_INFO(render(one));
  REQUIRE(result.manifest);
  return result.manifest->footprint;
}

/// `line:column message`, of the first.
std::string fault(const std::string& text) {
  const ReadManifest result = read_manifest(text, "m.yaml");
  CHECK_FALSE(result.manifest);
  REQUIRE_FALSE(result.diagnostics.empty());
  const Diagnostic& first = result.diagnostics.front();
  return std::to_string(first.line) + ":" + std::to_string(first.column) + " " + first.message;
}

}  // namespace

TEST_CASE("a manifest says what is read and written, and how is inserted", "[manifest]") {
  const Footprint footprint = read(
      "image: shop:v41\nrole: shop_v41\nstar: tolerated\nprepares_star: true\n"
      "tables:\n  users: { read: [id, Full_Name], write: [full_name], types: { full_name: text } }\n"
      "  sales.orders: { read: '*', write: [id, total], insert: positional }\n  logs: { write: [at], insert: false "
      "}\n");
  REQUIRE(footprint.tables.size() == 3);
  const TableUse& users = footprint.tables[0];
  CHECK(users.table == TableName{"public", "users"});
  CHECK(users.reads == std::vector<std::string>{"id", "full_name"});
  CHECK(users.insert == InsertForm::named);
  CHECK(users.supplies == std::vector<std::string>{"full_name"});
  CHECK(users.types == std::vector<std::pair<std::string, std::string>>{{"full_name", "text"}});
  const TableUse& orders = footprint.tables[1];
  CHECK(orders.table == TableName{"sales", "orders"});
  CHECK(orders.reads_all);
  CHECK(orders.insert == InsertForm::positional);
  CHECK(orders.positions == std::vector<std::string>{"id", "total"});
  CHECK(footprint.tables[2].insert == InsertForm::none);
  CHECK(footprint.role == "shop_v41");
  CHECK(footprint.star_tolerated);
  CHECK(footprint.prepares_star);
}

TEST_CASE("what is wrong in a manifest is said with its place", "[manifest]") {
  CHECK(fault("image: a\ntables:\n  users: { raed: [id] }\n") == "3:12 a table has no key raed");
  CHECK(fault("image: a\ntables:\n  users: { read: [id, id] }\n") == "3:23 read: id is given twice");
  CHECK(fault("image: a\ntables:\n  users: { insert: named }\n").find("insert without write") != std::string::npos);
  CHECK(fault("image: a\ntables:\n  users: { write: [a], insert: maybe }\n").find("3:32 insert must be named") == 0);
  CHECK(fault("image: a\nstar: 7\ntables: { users: { read: [a] } }\n").find("2:7 star") == 0);
  CHECK(fault("image: a\n").find("says nothing of what the image needs") != std::string::npos);
  CHECK(fault("").find("there is nothing in it") != std::string::npos);
}

TEST_CASE("the label is found in what docker and skopeo print", "[manifest]") {
  const json labels{{"io.switchback.manifest", "image: a\n"}, {"other", "x"}};
  CHECK(labelled_manifest(json::array({json{{"Config", {{"Labels", labels}}}}}).dump()) == "image: a\n");
  CHECK(labelled_manifest(json{{"Name", "a"}, {"Labels", labels}}.dump()) == "image: a\n");
  CHECK(labelled_manifest(json{{"config", {{"Labels", labels}}}}.dump()) == "image: a\n");
  for (const std::string text :
       {"", "[]", "7", "{\"Labels\": null}", "[{\"Config\": {\"Labels\": {\"other\": \"x\"}}}]"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(labelled_manifest(text), Error);
  }
}

TEST_CASE("of several images that docker inspect printed the one of that name counts, and no other", "[manifest]") {
  const auto one = [](const std::string& name) {
    return json{{"RepoTags", {name}}, {"Config", {{"Labels", {{"io.switchback.manifest", "image: " + name + "\n"}}}}}};
  };
  const std::string both = json::array({one("a:1"), one("b:1")}).dump();
  CHECK(labelled_manifest(both, "b:1") == "image: b:1\n");
  CHECK_THROWS_AS(labelled_manifest(both), Error);
  CHECK_THROWS_AS(labelled_manifest(both, "c:1"), Error);
}

TEST_CASE("a manifest names its image as an image can be named", "[manifest]") {
  CHECK(fault("image: \"shop v1\"\ntables: { users: { read: [a] } }\n") ==
        "1:8 image: 'shop v1' cannot be the name of an image");
}

TEST_CASE("every container of every ReplicaSet is found, or those of one name", "[manifest]") {
  const auto set = [](const std::string& name, int replicas, int there) {
    return json{{"kind", "ReplicaSet"},
                {"metadata", {{"namespace", "prod"}, {"name", name}}},
                {"spec",
                 {{"replicas", replicas},
                  {"template",
                   {{"spec",
                     {{"initContainers", json::array({{{"name", "gate"}, {"image", "switchback:1"}}})},
                      {"containers", json::array({{{"name", "shop"}, {"image", "shop:" + name}},
                                                  {{"name", "proxy"}, {"image", "envoy:1"}}})}}}}}}},
                {"status", {{"replicas", there}}}};
  };
  const std::string text =
      json{{"kind", "List"}, {"items", {set("v41", 0, 0), set("v42", 2, 1), set("v40", 0, 1)}}}.dump();
  CHECK(replica_sets_in(text, std::nullopt).size() == 9);
  const auto shops = replica_sets_in(text, "shop");
  REQUIRE(shops.size() == 3);
  CHECK(shops[0].replica_set == "prod/v41");
  CHECK(shops[0].image == "shop:v41");
  CHECK(shops[0].replicas == 0);
  CHECK(shops[1].replicas == 2);
  CHECK(shops[2].replicas == 1);  // its last pod still ends
  CHECK(replica_sets_in("{\"items\": []}", std::nullopt).empty());
  CHECK_THROWS_AS(replica_sets_in("{\"items\": [{\"kind\": \"Pod\"}]}", std::nullopt), Error);
  CHECK_THROWS_AS(replica_sets_in("no json", std::nullopt), Error);
  for (
      const char* item :
      {R"({"kind": "ReplicaSet"})", R"({"kind": "ReplicaSet", "metadata": {"name": "a"}})",
       R"({"kind": "ReplicaSet", "metadata": {"name": "a"}, "spec": {"replicas": "three", "template": {"spec": {"containers": []}}}})",
       R"({"kind": "ReplicaSet", "metadata": {"name": "a"}, "spec": {"template": {"spec": {"containers": [{"name": "a"}]}}}})",
       R"({"kind": "ReplicaSet", "metadata": {"name": "a"}, "spec": {"template": {"spec": {"containers": [{"image": "a\u0000b:1"}]}}}})"})
    CHECK_THROWS_AS(replica_sets_in(std::string("{\"items\": [") + item + "]}", std::nullopt), Error);
}

TEST_CASE("the manifest's schema and its reader agree on the example and every small change of it",
          "[manifest][schema]") {
  const SchemaFile schema(root / "plans/manifest.schema.json");
  const auto files = yaml_files(root / "examples/images");
  REQUIRE_FALSE(files.empty());
  // What a schema cannot say: how SQL folds names, and that a list holds one twice under another spelling.
  const std::regex beyond("given twice");
  std::size_t compared = 0;
  for (const auto& file : files) {
    CAPTURE(file);
    CHECK(schema.accepts(yaml_as_json(file)));
    CHECK(read_manifest_file(file.string()).manifest);
    for (const json& changed : mutants(yaml_as_json(file))) {
      const ReadManifest read = read_manifest(changed.dump(), "mutant");
      const bool accepted = schema.accepts(changed);
      ++compared;
      if (read.manifest.has_value() == accepted) continue;
      if (accepted && std::ranges::all_of(read.diagnostics, [&](const Diagnostic& one) {
            return std::regex_search(one.message, beyond);
          }))
        continue;
      CAPTURE(changed.dump(), accepted);
      for (const Diagnostic& one : read.diagnostics) UNSCOPED_INFO(render(one));
      FAIL_CHECK("reader and schema disagree");
    }
  }
  CHECK(compared > 300);
}

TEST_CASE("a manifest tells functions, types, deletes and the values that are known of an enum", "[manifest]") {
  const Footprint footprint = read(
      "functions: [taxed, sales.rate]\ntypes: [mood]\n"
      "tables: { orders: { read: [status], delete: true, values: { status: [new, paid] } } }\n");
  CHECK(footprint.functions == std::vector<TableName>{{"public", "taxed"}, {"sales", "rate"}});
  CHECK(footprint.types == std::vector<TableName>{{"public", "mood"}});
  CHECK(footprint.tables.at(0).deletes);
  CHECK(footprint.tables.at(0).values.at(0).second == std::vector<std::string>{"new", "paid"});
  CHECK(fault("tables: { orders: { read: [status], values: [new] } }\n").find("values must be a map") !=
        std::string::npos);
}
