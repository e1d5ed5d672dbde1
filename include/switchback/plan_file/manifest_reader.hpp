/// Reading an image's manifest: what it needs of the database, as YAML, from a file or an OCI label.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "switchback/core/footprint.hpp"
#include "switchback/plan_file/diagnostic.hpp"

namespace switchback {

/// The label under which an image carries its manifest.
inline constexpr std::string_view manifest_label = "io.switchback.manifest";

struct Manifest {
  std::string image;    ///< empty where the manifest does not say
  Footprint footprint;  ///< with its statements as written; what they need is not in its tables yet
};

struct ReadManifest {
  std::optional<Manifest> manifest;     ///< empty when any diagnostic is an error
  std::vector<Diagnostic> diagnostics;  ///< in the order of the file
};

/// Same limits and same diagnostics as plans.
ReadManifest read_manifest(std::string_view text, std::string file);
ReadManifest read_manifest_file(const std::string& path);

/// The value of manifest_label in what `docker inspect`, `skopeo inspect` or `skopeo inspect --config` printed (of a
/// list with several the one that is named `image`). Error(Exit::invalid) where there is none.
std::string labelled_manifest(std::string_view json, std::string_view image = {});

struct ContainerImage {
  std::string replica_set;  ///< namespace/name
  std::string image;        ///< as the container names it
  std::int64_t replicas = 0;
};
/// Every container of every ReplicaSet in what `kubectl get replicasets -o json` printed; with `container` only those
/// of that name. Error(Exit::invalid) where it is not that.
std::vector<ContainerImage> replica_sets_in(std::string_view json, const std::optional<std::string>& container);

/// The same of one page of the API server's list, whose items do not say what they are.
struct ReplicaSetPage {
  std::vector<ContainerImage> images;
  std::string next;  ///< its `continue`; empty: that was the last one
};
ReplicaSetPage replica_set_page_in(std::string_view json, const std::optional<std::string>& container);
/// What the API server says in a Status; empty where it is none.
std::string status_message_in(std::string_view json);

}  // namespace switchback
