#include <cstdlib>

#include "command_images.hpp"
#include "switchback/daemon/cluster.hpp"
#include "switchback/engine/images.hpp"

namespace switchback::cli {
namespace {

struct SyncOptions {
  std::string file;
  std::string cluster;
  std::string container;
  bool in_cluster = false;
  bool forget = false;
  std::string name_space;
  std::string selector;
  std::string service_account = "/var/run/secrets/kubernetes.io/serviceaccount";
};

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::vector<ContainerImage> containers_of(const SyncOptions& options) {
  const auto container = options.container.empty() ? std::nullopt : std::optional(options.container);
  if (!options.in_cluster) return replica_sets_in(content_of(options.file), container);
  daemon::ClusterAccess access;
  access.host = environment("KUBERNETES_SERVICE_HOST");
  access.port = environment("KUBERNETES_SERVICE_PORT");
  access.service_account = options.service_account;
  access.name_space = options.name_space;
  access.selector = options.selector;
  return daemon::replica_sets_of(access, container);
}

int sync(Invocation& invocation, const SyncOptions& options) {
  if (int{options.in_cluster} + int{!options.file.empty()} + int{options.forget} != 1)
    throw usage_error("image sync takes one of --replicasets, --in-cluster and --forget",
                      "switchback image sync --help");
  if (!options.in_cluster && !(options.name_space.empty() && options.selector.empty()))
    throw usage_error("--namespace and --selector are for --in-cluster", "kubectl get replicasets has -n and -l");
  const auto containers = options.forget ? std::vector<ContainerImage>{} : containers_of(options);
  if (containers.empty() && !options.forget)
    throw Error(Exit::invalid, Remedy::person,
                "there is no ReplicaSet" +
                    (options.container.empty() ? std::string() : " with a container " + options.container) +
                    ": nothing would be left in the horizon of what could be undone to",
                "what the last sync said is kept; is it the right cluster, namespace, selector and container? Where "
                "there is none any more: switchback image sync --forget");
  std::vector<KeptReplicaSet> sets;
  sets.reserve(containers.size());
  for (const ContainerImage& one : containers) sets.push_back({one.replica_set, one.image, one.replicas, {}});
  const auto session = invocation.writing();
  engine::record_replica_sets(*session, invocation.actor(), options.cluster, sets);
  invocation.say(std::to_string(sets.size()) +
                 " images of ReplicaSets are on record; next: switchback image list --horizon");
  return 0;
}

}  // namespace

void add_sync(CLI::App& image, Action& chosen) {
  CLI::App* command = add_command(
      image, "sync",
      {"Which images a deployment can be undone to: those of every ReplicaSet that revisionHistoryLimit keeps. "
       "Replaces what the last sync of the same --cluster said: one --cluster for each application, where each is "
       "synced "
       "by itself.",
       "kubectl get replicasets -l app=shop -o json | switchback image sync --replicasets - --container shop\n"
       "switchback image sync --in-cluster --selector app=shop --container shop",
       "switchback image list --horizon.\n\n"
       "--in-cluster is for a pod whose service account may list ReplicaSets (apps): it asks the API server itself."});
  auto options = std::make_shared<SyncOptions>();
  command->add_option("--replicasets", options->file, "what kubectl get replicasets -o json printed; -: standard input")
      ->type_name("FILE");
  command->add_flag("--in-cluster", options->in_cluster, "ask the API server, as this pod's service account");
  command->add_flag("--forget", options->forget, "there is none any more: forget what the last sync said");
  command->add_option("--namespace", options->name_space, "with --in-cluster; left out: the pod's")->type_name("NAME");
  command->add_option("--selector", options->selector, "with --in-cluster: labels, as kubectl -l")->type_name("LABELS");
  command->add_option("--service-account", options->service_account, "the folder of token, ca.crt and namespace")
      ->type_name("DIR");
  command->add_option("--container", options->container, "only containers of this name, without sidecars")
      ->type_name("NAME");
  command->add_option("--cluster", options->cluster, "keeps several clusters, and applications, apart")
      ->type_name("NAME");
  on_call(command, chosen, options, sync);
}

}  // namespace switchback::cli
