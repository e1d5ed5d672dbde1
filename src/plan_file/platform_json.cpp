// What docker, skopeo and kubectl print, as far as images are in it.
#include <nlohmann/json.hpp>

#include "switchback/core/error.hpp"
#include "switchback/core/image_name.hpp"
#include "switchback/plan_file/manifest_reader.hpp"

namespace switchback {
namespace {

using nlohmann::json;

Error invalid(const std::string& message, const std::string& hint) {
  return {Exit::invalid, Remedy::person, message, hint};
}

/// The member, or null where there is none or `object` is no object.
const json& member(const json& object, const char* key) {
  static const json nothing;
  if (!object.is_object()) return nothing;
  const auto found = object.find(key);
  return found == object.end() ? nothing : *found;
}

std::string text_of(const json& value) {
  return value.is_string() ? value.get<std::string>() : std::string();
}

[[noreturn]] void unreadable(const std::string& set, const std::string& why) {
  throw invalid("a ReplicaSet of the list cannot be read" + (set.empty() ? "" : ", " + set) + ": " + why,
                "what the last sync said is kept; take what kubectl get replicasets -o json prints, as it prints it");
}

std::int64_t number_of(const json& value, const std::string& set) {
  if (!value.is_null() && !value.is_number_integer()) unreadable(set, "its replicas are no number");
  return value.is_null() ? 0 : value.get<std::int64_t>();
}

/// docker inspect prints each image that it was given: the one of that name, where there are several.
const json& the_one_of(const json& list, std::string_view image) {
  if (list.size() == 1) return list.front();
  const json* found = nullptr;
  std::size_t fitting = 0;
  for (const json& one : list) {
    bool fits = false;
    for (const char* key : {"RepoTags", "RepoDigests"})
      for (const json& name : member(one, key)) fits = fits || (!image.empty() && text_of(name) == image);
    if (fits) found = &one;
    fitting += fits ? 1 : 0;
  }
  if (fitting != 1)
    throw invalid("there are " + std::to_string(list.size()) + " images in it" +
                      (image.empty() ? "" : ", and not just one of them is " + std::string(image)),
                  "docker inspect IMAGE | switchback image add IMAGE --label-json -, one at a time");
  return *found;
}

}  // namespace

std::string labelled_manifest(std::string_view text, std::string_view image) {
  json document = json::parse(text, nullptr, false);
  if (document.is_array() && !document.empty()) document = json(the_one_of(document, image));
  if (!document.is_object())
    throw invalid("this is not what docker inspect or skopeo inspect prints", "docker inspect IMAGE > FILE");
  // docker inspect: Config.Labels; skopeo inspect: Labels; skopeo inspect --config: config.Labels.
  for (const json* labels : {&member(member(document, "Config"), "Labels"), &member(document, "Labels"),
                             &member(member(document, "config"), "Labels")}) {
    std::string manifest = text_of(member(*labels, std::string(manifest_label).c_str()));
    if (!manifest.empty()) return manifest;
  }
  throw invalid("the image has no label " + std::string(manifest_label),
                "build it with docker build --label \"" + std::string(manifest_label) +
                    "=$(cat manifest.yaml)\", or use --manifest FILE");
}

std::vector<ContainerImage> replica_sets_in(std::string_view text, const std::optional<std::string>& container) {
  const json document = json::parse(text, nullptr, false);
  const json& items = member(document, "items");
  if (!items.is_array()) throw invalid("this is not a list of ReplicaSets", "kubectl get replicasets -o json > FILE");
  std::vector<ContainerImage> found;
  bool any = items.empty();
  const bool all = text_of(member(document, "kind")) == "ReplicaSetList";
  for (const json& item : items) {
    if (!all && text_of(member(item, "kind")) != "ReplicaSet") continue;
    any = true;
    const json& metadata = member(item, "metadata");
    const json& spec = member(item, "spec");
    const std::string own_name = text_of(member(metadata, "name"));
    const std::string name = text_of(member(metadata, "namespace")) + "/" + own_name;
    if (own_name.empty()) unreadable("", "it has no name");
    // Pods that still end count as well: the higher of what is wanted and what is there.
    const std::int64_t replicas = std::max(number_of(member(spec, "replicas"), name),
                                           number_of(member(member(item, "status"), "replicas"), name));
    const json& pod = member(member(spec, "template"), "spec");
    if (!member(pod, "containers").is_array()) unreadable(name, "it has no containers");
    for (const char* kind : {"initContainers", "containers"}) {
      const json& containers = member(pod, kind);
      if (!containers.is_array()) continue;
      for (const json& one : containers) {
        if (container && text_of(member(one, "name")) != *container) continue;
        const std::string image = text_of(member(one, "image"));
        if (!is_image_name(image)) unreadable(name, "the image of a container is no name");
        found.push_back({name, image, replicas});
      }
    }
  }
  if (!any) throw invalid("there is no ReplicaSet in this list", "kubectl get replicasets -o json > FILE");
  return found;
}

ReplicaSetPage replica_set_page_in(std::string_view text, const std::optional<std::string>& container) {
  const json document = json::parse(text, nullptr, false);
  if (text_of(member(document, "kind")) != "ReplicaSetList")
    throw invalid("the API server's answer is no list of ReplicaSets", "is it an API server of Kubernetes?");
  return {replica_sets_in(text, container), text_of(member(member(document, "metadata"), "continue"))};
}

std::string status_message_in(std::string_view text) {
  const json document = json::parse(text, nullptr, false);
  return text_of(member(document, "kind")) == "Status" ? text_of(member(document, "message")) : "";
}

}  // namespace switchback
