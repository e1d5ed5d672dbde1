// What the examples for other platforms run, really run: their scripts, and every command in their files.
#include <yaml-cpp/yaml.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "catch.hpp"
#include "plan_view.hpp"
#include "server.hpp"
#include "source_folder.hpp"
#include "tool.hpp"
#include "traffic.hpp"

using namespace switchback;
using namespace switchback::tests;
using namespace std::chrono_literals;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

const fs::path examples = source_folder() / "examples";

/// A checkout as a pipeline has it, and a kubectl that writes down what it is asked.
struct Pipeline {
  std::string uri = server().fresh_database();
  Tool tool{uri};
  fs::path folder = tool.folder();
  std::map<std::string, std::optional<std::string>> environment;

  Pipeline() {
    make_users(uri, 50);
    REQUIRE(tool.run({"init"}).exit_code == 0);
    tool.plan(split_plan("split"));
    write("plans/split-full-name.yaml", split_plan("split"));
    fs::create_directories(folder / "deploy");
    fs::copy_file(examples / "pipeline/deploy.sh", folder / "deploy/deploy.sh");
    fs::copy_file(examples / "kubernetes/undo.sh", folder / "deploy/undo.sh");
    write("kubectl", "#!/bin/sh\ncase $1 in get) cat sets.json ;; *) echo \"$@\" >> kubectl.log ;; esac\n");
    fs::permissions(folder / "kubectl", fs::perms::owner_all);
    const fs::path binary = std::getenv("SWITCHBACK_BINARY");
    environment = {{"PATH", folder.string() + ":" + binary.parent_path().string() + ":" + server().sandbox().bin +
                                ":/usr/bin:/bin"},
                   {"DATABASE_URL", uri},
                   {"SWITCHBACK_SCRATCH_NONE", "a test of something else"},
                   {"GATE_WAIT", "1s"},
                   {"GITHUB_ACTIONS", std::nullopt}};
    manifest("shop:v41", "full_name");
    REQUIRE(tool.run({"image", "add", "--manifest", "manifest.yaml"}).exit_code == 0);
    REQUIRE(tool.run({"image", "deployed", "shop:v41", "--at", "2020-01-01"}).exit_code == 0);
    running("shop:v42");
  }
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories((folder / name).parent_path());
    std::ofstream(folder / name) << text;
  }
  void manifest(const std::string& image, const std::string& column) const {
    write("manifest.yaml", "image: " + image + "\ntables: { users: { read: [id, " + column + "] } }\n");
  }
  /// What the cluster runs; the other image can be undone to.
  void running(const std::string& image) const {
    json items = json::array();
    for (const std::string one : {"shop:v41", "shop:v42"})
      items.push_back(
          {{"kind", "ReplicaSet"},
           {"metadata", {{"namespace", "prod"}, {"name", one.substr(5)}}},
           {"spec",
            {{"replicas", one == image ? 2 : 0},
             {"template", {{"spec", {{"containers", json::array({{{"name", "shop"}, {"image", one}}})}}}}}}}});
    write("sets.json", json{{"items", items}}.dump());
  }
  process::Outcome shell(const std::string& script,
                         const std::map<std::string, std::optional<std::string>>& more = {}) const {
    process::Command command{.argv = {"/bin/sh", "-e", "-c", script}, .directory = folder.string()};
    command.environment = environment;
    for (const auto& [name, value] : more) command.environment[name] = value;
    return process::run(command, 120s);
  }
  std::string asked() const {
    std::ifstream in(folder / "kubectl.log");
    return {std::istreambuf_iterator<char>(in), {}};
  }
};

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

/// The arguments of each container of that name, wherever it stands.
void find_arguments(const YAML::Node& node, std::map<std::string, std::vector<std::string>>& found) {
  if (node.IsMap() && node["image"] && node["args"] && node["name"])
    found[node["name"].as<std::string>()] = node["args"].as<std::vector<std::string>>();
  if (node.IsMap())
    for (const auto& entry : node) find_arguments(entry.second, found);
  if (node.IsSequence())
    for (const YAML::Node& entry : node) find_arguments(entry, found);
}

std::map<std::string, std::vector<std::string>> arguments_in(const fs::path& file) {
  std::map<std::string, std::vector<std::string>> found;
  for (const YAML::Node& document : YAML::LoadAllFromFile(file.string())) find_arguments(document, found);
  return found;
}

}  // namespace

TEST_CASE("the deploy step migrates, asks the gate and deploys; on the way back it migrates nothing", "[examples]") {
  const Pipeline pipeline;
  pipeline.manifest("shop:v42", "first_name");
  const auto deploy = [&](const std::string& image, const std::string& plan) {
    return pipeline.shell("deploy/deploy.sh shop " + image + " registry.example/" + image + " " + plan);
  };
  const auto forward = deploy("shop:v42", "plans/split-full-name.yaml");
  INFO(forward.err << forward.out);
  REQUIRE(forward.exit_code == 0);
  CHECK(pipeline.tool.status("split").state == "migrated");
  CHECK(pipeline.asked() ==
        "set image deployment/shop shop=registry.example/shop:v42\nrollout status deployment/shop --timeout 10m\n");
  CHECK(server().sql(pipeline.uri,
                     "SELECT string_agg(environment, ',') FROM switchback.image_deployment WHERE image = "
                     "'shop:v42'") == "production");
  // Back, with a plan that would fail if it were run.
  pipeline.manifest("shop:v41", "full_name");
  const auto back = deploy("shop:v41", "plans/there-is-none.yaml");
  INFO(back.err << back.out);
  REQUIRE(back.exit_code == 0);
  CHECK(has(back.err, "its plans are left out"));
  // Where the image would not work nothing is deployed.
  REQUIRE(pipeline.tool.run({"image", "deployed", "shop:v42"}).exit_code == 0);
  REQUIRE(pipeline.tool.run({"image", "retire", "shop:v41", "--reason", "a test"}).exit_code == 0);
  server().sql(pipeline.uri, "SELECT pg_stat_statements_reset()");
  const auto hidden = pipeline.tool.run(pipeline.tool.run_to("hidden"));
  INFO(hidden.err);
  REQUIRE(hidden.exit_code == 0);
  const std::string before = pipeline.asked();
  CHECK(deploy("shop:v41", "plans/there-is-none.yaml").exit_code == 3);
  CHECK(pipeline.asked() == before);
}

TEST_CASE("every step of the pipelines of GitHub and GitLab runs", "[examples]") {
  const Pipeline pipeline;
  const auto ran = [&](const std::string& script, const std::map<std::string, std::optional<std::string>>& more) {
    CAPTURE(script);
    const auto outcome = pipeline.shell(script, more);
    INFO(outcome.err << outcome.out);
    CHECK(outcome.exit_code == 0);
  };
  const auto steps_of = [&](const YAML::Node& job, const std::string& image) {
    std::map<std::string, std::optional<std::string>> variables;
    for (const auto& entry : job["env"])
      variables[entry.first.as<std::string>()] =
          replaced(replaced(entry.second.as<std::string>(), "${{ github.ref_name }}", "v42"), "${{ inputs.back_to }}",
                   "shop:v41");
    CHECK(variables["IMAGE"] == image);
    variables["GITHUB_ACTIONS"] = "true";
    std::size_t count = 0;
    for (const YAML::Node& step : job["steps"])
      if (step["run"]) {
        ran(step["run"].as<std::string>(), variables);
        ++count;
      }
    CHECK(count == 1);
  };
  pipeline.manifest("shop:v42", "first_name");
  const YAML::Node github = YAML::LoadFile((examples / "github-actions/deploy.yml").string());
  steps_of(github["jobs"]["deploy"], "shop:v42");
  CHECK(has(pipeline.asked(), "set image deployment/shop shop=registry.example/shop:v42"));
  steps_of(github["jobs"]["back"], "shop:v41");
  CHECK(has(pipeline.asked(), "rollout undo deployment/shop"));

  const YAML::Node gitlab = YAML::LoadFile((examples / "gitlab-ci/.gitlab-ci.yml").string());
  const std::string test_database = server().fresh_database();
  make_users(test_database, 3);
  pipeline.write("schema.sql",
                 "DO $$ BEGIN CREATE ROLE shop_test LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;\n"
                 "ALTER TABLE users ADD first_name text; GRANT SELECT ON users TO shop_test;\n");
  pipeline.write("run-tests.sh",
                 "#!/bin/sh\nexec psql -X -q -c 'SELECT id, first_name, email FROM users' >/dev/null\n");
  fs::permissions(pipeline.folder / "run-tests.sh", fs::perms::owner_all);
  fs::remove(pipeline.folder / "manifest.yaml");
  const std::map<std::string, std::optional<std::string>> variables{{"TEST_DATABASE", test_database},
                                                                    {"CI_COMMIT_REF_NAME", "v42"},
                                                                    {"CI_COMMIT_TAG", "v42"},
                                                                    {"CI_REGISTRY_IMAGE", "registry.example/shop"},
                                                                    {"BACK_TO", "shop:v41"}};
  for (const std::string job : {"capture", "deploy", "back"})
    for (const YAML::Node& line : gitlab[job]["script"]) ran(line.as<std::string>(), variables);
  CHECK(fs::exists(pipeline.folder / "manifest.yaml"));
  CHECK(has(pipeline.tool.run({"image", "list"}).out, "users reads id, first_name, email"));
  server().sql(test_database, "DROP OWNED BY shop_test");
}

TEST_CASE("every container of the Kubernetes and Argo Rollouts examples calls switchback as it can be called",
          "[examples]") {
  const Pipeline pipeline;
  pipeline.manifest("shop:v42", "first_name");
  REQUIRE(pipeline.tool.run({"image", "add", "--manifest", "manifest.yaml"}).exit_code == 0);
  const auto expand = arguments_in(examples / "kubernetes/expand-job.yaml").at("expand");
  const auto run = [&](std::vector<std::string> arguments) {
    for (std::string& argument : arguments)
      argument = replaced(replaced(argument, "/plans/", "plans/"), "{{args.image}}", "shop:v42");
    const auto outcome = pipeline.tool.run(arguments);
    UNSCOPED_INFO(outcome.err << outcome.out);
    return outcome;
  };
  CHECK(run(expand).exit_code == 0);
  CHECK(pipeline.tool.status("split").state == "migrated");
  CHECK(run(arguments_in(examples / "kubernetes/deployment.yaml").at("gate")).exit_code == 0);
  CHECK(run(arguments_in(examples / "argo-rollouts/rollout.yaml").at("gate")).exit_code == 0);
  // The cluster itself is another test's: here there is none.
  CHECK(has(run(arguments_in(examples / "kubernetes/sync.yaml").at("sync")).err, "KUBERNETES_SERVICE_HOST is not set"));
}
