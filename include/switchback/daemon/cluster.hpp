/// The ReplicaSets of the cluster that we are a pod of, from its API server.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "switchback/plan_file/manifest_reader.hpp"

namespace switchback::daemon {

struct ClusterAccess {
  std::string host;                           ///< KUBERNETES_SERVICE_HOST
  std::string port;                           ///< KUBERNETES_SERVICE_PORT
  std::string service_account;                ///< the folder of token, ca.crt and namespace
  std::string name_space;                     ///< empty: the pod's own
  std::string selector;                       ///< of labels: app=shop
  std::chrono::milliseconds timeout{10'000};  ///< for each page
};

/// Every container of every ReplicaSet, page by page; with `container` only those of that name. The server must prove
/// itself by ca.crt and no other; the token is read anew for each page, and is in no message. Error: Exit::invalid
/// where this is no pod, Exit::unreachable where the server does not answer, or does not let us, with what helps.
std::vector<ContainerImage> replica_sets_of(const ClusterAccess& access, const std::optional<std::string>& container);

}  // namespace switchback::daemon
