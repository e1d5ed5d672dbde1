#include "switchback/daemon/cluster.hpp"

#include <charconv>
#include <fstream>
#include <iterator>

#include "switchback/core/error.hpp"
#include "switchback/http/client.hpp"

namespace switchback::daemon {
namespace {

/// A page of ReplicaSets stays well under the client's limit of a body (4 MiB).
constexpr int page_size = 50;

std::string content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(in), {});
  const std::size_t end = text.find_last_not_of(" \t\r\n");
  text.erase(end == std::string::npos ? 0 : end + 1);
  if (!in || text.empty())
    throw Error(Exit::invalid, Remedy::person, "cannot read " + path,
                "is a service account mounted there? automountServiceAccountToken: true, or --service-account DIR");
  return text;
}

std::uint16_t port_of(const std::string& text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0)
    throw Error(Exit::invalid, Remedy::person, "KUBERNETES_SERVICE_PORT cannot be '" + text + "'",
                "the cluster sets it in every pod");
  return port;
}

class ApiServer {
 public:
  explicit ApiServer(const ClusterAccess& access) : access_(access) {
    if (access.host.empty())
      throw Error(Exit::invalid, Remedy::person, "this is no pod of a cluster: KUBERNETES_SERVICE_HOST is not set",
                  "elsewhere: kubectl get replicasets -o json | switchback image sync --replicasets -");
    request_.url.tls = true;
    request_.url.host = access.host;
    request_.url.port = port_of(access.port);
    request_.ca = access.service_account + "/ca.crt";
    request_.only_ca = true;
    request_.timeout = access.timeout;
    const std::string unused = content_of(request_.ca);
    name_space_ = access.name_space.empty() ? content_of(access.service_account + "/namespace") : access.name_space;
  }

  /// Status 200 or 410, which says that the list must be begun anew (its `continue` is too old).
  http::HttpAnswer page(const std::string& next) {
    request_.url.target =
        "/apis/apps/v1/namespaces/" + percent_encoded(name_space_) + "/replicasets?limit=" + std::to_string(page_size);
    if (!access_.selector.empty()) request_.url.target += "&labelSelector=" + percent_encoded(access_.selector);
    if (!next.empty()) request_.url.target += "&continue=" + percent_encoded(next);
    request_.authorization = "Bearer " + content_of(access_.service_account + "/token");
    http::HttpAnswer answer;
    try {
      answer = http::get(request_);
    } catch (const Error& error) {
      fail(": " + std::string(error.what()), "a certificate that is not trusted: is " + request_.ca +
                                                 " this cluster's? else: is there a NetworkPolicy "
                                                 "in the way?");
    }
    if (answer.status != 200 && answer.status != 410) refuse(answer);
    return answer;
  }

  const std::string& name_space() const { return name_space_; }

 private:
  [[noreturn]] void fail(const std::string& why, const std::string& hint) const {
    throw Error(Exit::unreachable, Remedy::person, "the API server at " + authority(request_.url) + why, hint);
  }

  [[noreturn]] void refuse(const http::HttpAnswer& answer) const {
    const std::string said = status_message_in(answer.body);
    const std::string why = " answered " + std::to_string(answer.status) + (said.empty() ? "" : ": " + said);
    switch (answer.status) {
      case 401:
        fail(why, "the token in " + access_.service_account +
                      " is not one that it takes: of another cluster, or of a "
                      "service account that is gone");
      case 403:
        fail(why, "kubectl -n " + name_space_ +
                      " create role replicasets --verb=list --resource=replicasets.apps; "
                      "kubectl -n " +
                      name_space_ +
                      " create rolebinding replicasets --role=replicasets "
                      "--serviceaccount=NAMESPACE:NAME of this pod");
      case 404:
        fail(why, "is this the address of the API server (apps/v1)? KUBERNETES_SERVICE_HOST and _PORT say it");
      default:
        fail(why, "ask again later; nothing was recorded");
    }
  }

  const ClusterAccess& access_;
  http::HttpRequest request_;
  std::string name_space_;
};

}  // namespace

std::vector<ContainerImage> replica_sets_of(const ClusterAccess& access, const std::optional<std::string>& container) {
  constexpr int rounds = 3;
  ApiServer server(access);
  for (int round = 0; round < rounds; ++round) {
    std::vector<ContainerImage> found;
    std::string next;
    http::HttpAnswer answer;
    do {
      answer = server.page(next);
      if (answer.status != 200) break;
      ReplicaSetPage page = replica_set_page_in(answer.body, container);
      found.insert(found.end(), page.images.begin(), page.images.end());
      next = page.next;
    } while (!next.empty());
    if (answer.status != 200) continue;
    if (!found.empty()) return found;
    throw Error(
        Exit::invalid, Remedy::person,
        "namespace " + server.name_space() + " has no ReplicaSet" +
            (access.selector.empty() ? "" : " with labels " + access.selector) +
            (container ? " and a container " + *container : "") + ": nothing is recorded",
        "mend --namespace, --selector or --container; where it is so, echo '{\"items\": []}' | switchback image "
        "sync --replicasets - says it");
  }
  throw Error(Exit::unreachable, Remedy::retry, "the API server's list was out of date before it was read, three times",
              "ask again");
}

}  // namespace switchback::daemon
