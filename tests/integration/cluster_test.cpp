// image sync --in-cluster against an HTTPS server that answers as the API server does.
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "alert_servers.hpp"
#include "catch.hpp"
#include "plan_view.hpp"
#include "server.hpp"
#include "source_folder.hpp"
#include "tool.hpp"

using namespace switchback;
using namespace switchback::tests;
using namespace std::chrono_literals;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

void openssl(const Folder& folder, const std::vector<std::string>& arguments) {
  std::vector<std::string> argv{"openssl"};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  const auto made = process::run({.argv = argv, .directory = folder.path()}, 60s);
  INFO(made.err);
  REQUIRE(made.ok());
}

std::string text_of(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

json replica_set(const std::string& name, const std::string& app, const std::string& image, int replicas) {
  return {{"metadata", {{"namespace", "prod"}, {"name", name}, {"labels", {{"app", app}}}}},
          {"spec",
           {{"replicas", replicas},
            {"template",
             {{"spec",
               {{"containers",
                 json::array({{{"name", "shop"}, {"image", image}}, {{"name", "proxy"}, {"image", "envoy:1"}}})}}}}}}},
          {"status", {{"replicas", replicas}}}};
}

/// The API server, a CA of its own that has signed its certificate, and a pod's service account.
struct Cluster {
  Folder folder;   ///< of the server
  Folder account;  ///< of the pod
  std::string uri = server().fresh_database();
  Tool tool{uri};
  std::unique_ptr<process::Child> api;
  std::string port;

  Cluster() {
    REQUIRE(tool.run({"init"}).exit_code == 0);
    certify("ca", "/CN=a cluster", "cert", "subjectAltName=IP:127.0.0.1,DNS:kubernetes.default.svc");
    fs::copy_file(fs::path(folder.path()) / "ca.pem", fs::path(account.path()) / "ca.crt");
    account.write("token", "the-pods-token\n");
    account.write("namespace", "prod");
    folder.write("token", "the-pods-token");
    folder.write("answer", "ok");
    json items = json::array();
    for (int i = 36; i <= 42; ++i)
      items.push_back(
          replica_set("shop-" + std::to_string(i), "shop", "hub.example/shop:v" + std::to_string(i), i == 42 ? 3 : 0));
    items.push_back(replica_set("mail-1", "mail", "mail:1", 1));
    folder.write("replicasets.json", items.dump());
    start();
  }
  /// A CA `ca.pem` and a certificate `cert.pem` that it has signed.
  void certify(const std::string& ca, const std::string& subject, const std::string& cert,
               const std::string& names) const {
    openssl(folder, {"req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", ca + ".key", "-out", ca + ".pem",
                     "-days", "2", "-subj", subject});
    openssl(folder, {"req", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", cert + ".csr", "-subj",
                     "/CN=kube-apiserver"});
    folder.write("names", names + "\n");
    openssl(folder, {"x509", "-req", "-in", cert + ".csr", "-CA", ca + ".pem", "-CAkey", ca + ".key", "-CAcreateserial",
                     "-out", cert + ".pem", "-days", "2", "-extfile", "names"});
  }
  void start() {
    api.reset();
    fs::remove(fs::path(folder.path()) / "port");
    api = std::make_unique<process::Child>(
        process::Command{.argv = {"python3", source_folder().string() + "/tests/support/api_server.py", folder.path()},
                         .die_with_us = true});
    REQUIRE(eventually(30s, [&] { return fs::exists(fs::path(folder.path()) / "port"); }));
    port = text_of(fs::path(folder.path()) / "port");
  }
  process::Outcome sync(const std::vector<std::string>& more = {}, const std::string& folder_of_account = "") const {
    process::Command command;
    command.argv = {std::getenv("SWITCHBACK_BINARY"),
                    "image",
                    "sync",
                    "--in-cluster",
                    "--service-account",
                    folder_of_account.empty() ? account.path() : folder_of_account,
                    "-v"};
    command.argv.insert(command.argv.end(), more.begin(), more.end());
    command.directory = tool.folder();
    command.environment = {
        {"DATABASE_URL", uri}, {"KUBERNETES_SERVICE_HOST", "127.0.0.1"}, {"KUBERNETES_SERVICE_PORT", port}};
    const auto outcome = process::run(command, 60s);
    CHECK_FALSE(has(outcome.err + outcome.out, "the-pods-token"));
    return outcome;
  }
  std::string recorded() const {
    return server().sql(uri,
                        "SELECT string_agg(name || '=' || image || '*' || replicas, ' ' ORDER BY name) FROM "
                        "switchback.image_replica_set");
  }
  /// It fails with this, and nothing of what was recorded is lost.
  void fails(int exit_code, const std::string& why, const std::vector<std::string>& more = {}) const {
    const std::string before = recorded();
    const auto outcome = sync(more);
    INFO(outcome.err);
    CHECK(outcome.exit_code == exit_code);
    CHECK(has(outcome.err, why));
    CHECK(recorded() == before);
  }
};

}  // namespace

TEST_CASE("in a cluster the ReplicaSets are read from the API server, page by page, as the service account",
          "[image][cluster]") {
  const Cluster cluster;
  const auto outcome = cluster.sync({"--selector", "app=shop", "--container", "shop"});
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  CHECK(has(outcome.err, "7 images of ReplicaSets are on record"));
  CHECK(has(cluster.recorded(), "prod/shop-36=hub.example/shop:v36*0"));
  CHECK(has(cluster.recorded(), "prod/shop-42=hub.example/shop:v42*3"));
  CHECK_FALSE(has(cluster.recorded(), "mail"));
  CHECK(has(text_of(fs::path(cluster.folder.path()) / "requests"), "labelSelector=app%3Dshop&continue=6"));
  // A list that changed too much while it was read is read anew, and nothing twice.
  cluster.folder.write("answer", "gone");
  REQUIRE(cluster.sync({"--container", "shop"}).exit_code == 0);
  CHECK(has(cluster.recorded(), "prod/mail-1=mail:1*1"));
  CHECK(server().sql(cluster.uri, "SELECT count(*) FROM switchback.image_replica_set") == "8");
}

TEST_CASE("a token that changed is read anew, and one that the API server does not take is named with help",
          "[image][cluster]") {
  const Cluster cluster;
  REQUIRE(cluster.sync().exit_code == 0);
  cluster.folder.write("token", "the-next-token");
  cluster.fails(8, "answered 401: Unauthorized");
  cluster.fails(8, "the token in " + cluster.account.path());
  cluster.account.write("token", "the-next-token\n");
  CHECK(cluster.sync().exit_code == 0);
  cluster.folder.write("answer", "forbidden");
  cluster.fails(8, "kubectl -n prod create role replicasets --verb=list --resource=replicasets.apps");
  cluster.folder.write("answer", "missing");
  cluster.fails(8, "answered 404");
  cluster.folder.write("answer", "hang");
  cluster.fails(8, "no answer within");
}

TEST_CASE("an API server that the cluster's CA has not signed, or for another address, is not told the token",
          "[image][cluster]") {
  Cluster cluster;
  REQUIRE(cluster.sync().exit_code == 0);
  const auto asked = [&] { return text_of(fs::path(cluster.folder.path()) / "requests").size(); };
  const std::size_t before = asked();
  SECTION("another CA") {
    cluster.certify("other", "/CN=another cluster", "cert", "subjectAltName=IP:127.0.0.1");
    cluster.start();
    cluster.fails(8, "certificate verify failed");
  }
  SECTION("another address") {
    cluster.certify("ca", "/CN=a cluster", "cert", "subjectAltName=IP:10.96.0.1,DNS:kubernetes.default.svc");
    fs::copy_file(fs::path(cluster.folder.path()) / "ca.pem", fs::path(cluster.account.path()) / "ca.crt",
                  fs::copy_options::overwrite_existing);
    cluster.start();
    cluster.fails(8, "certificate verify failed");
  }
  SECTION("trusted by the machine, not by the cluster") {
    const auto outcome = process::run(
        {.argv = {"/bin/sh", "-c",
                  "KUBERNETES_SERVICE_HOST=127.0.0.1 KUBERNETES_SERVICE_PORT=" + cluster.port +
                      " SSL_CERT_FILE=ca.crt DATABASE_URL='" + cluster.uri +
                      "' exec \"$SWITCHBACK_BINARY\" image sync --in-cluster --service-account " +
                      [&] {
                        Cluster& c = cluster;
                        c.certify("other", "/CN=another cluster", "unused", "subjectAltName=IP:127.0.0.1");
                        fs::create_directory(fs::path(c.account.path()) / "wrong");
                        for (const char* name : {"token", "namespace"})
                          fs::copy_file(fs::path(c.account.path()) / name, fs::path(c.account.path()) / "wrong" / name);
                        fs::copy_file(fs::path(c.folder.path()) / "other.pem",
                                      fs::path(c.account.path()) / "wrong/ca.crt");
                        return c.account.path() + "/wrong";
                      }()},
         .directory = cluster.account.path()},
        60s);
    CHECK(outcome.exit_code == 8);
    CHECK(has(outcome.err, "certificate verify failed"));
  }
  CHECK(asked() == before);
}

TEST_CASE("a sync that finds nothing, or is not in a cluster, records nothing", "[image][cluster]") {
  const Cluster cluster;
  REQUIRE(cluster.sync().exit_code == 0);
  cluster.fails(4, "no ReplicaSet with labels app=shpo", {"--selector", "app=shpo"});
  cluster.fails(4, "a container shpo", {"--container", "shpo"});
  const auto no_account = cluster.sync({}, "/nowhere");
  CHECK(no_account.exit_code == 4);
  CHECK(has(no_account.err, "cannot read /nowhere/ca.crt"));
  cluster.fails(64, "takes one of", {"--replicasets", "x.json"});
  const auto outside = cluster.tool.run({"image", "sync", "--in-cluster"});
  CHECK(outside.exit_code == 4);
  CHECK(has(outside.err, "KUBERNETES_SERVICE_HOST is not set"));
}
