#include "notify_reader.hpp"

#include <algorithm>
#include <filesystem>

#include "switchback/core/units.hpp"
#include "switchback/core/url.hpp"

namespace switchback::plan_file {
namespace {

using std::chrono::milliseconds;
using Kind = NotifyTarget::Kind;

std::vector<std::string_view> keys_of(Kind kind) {
  std::vector<std::string_view> keys{"name", "on", "timeout"};
  if (kind == Kind::exec) {
    keys.push_back("run");
    return keys;
  }
  keys.insert(keys.end(), {"url", "url_env", "ca"});
  if (kind == Kind::webhook) keys.push_back("secret_env");
  return keys;
}

class TargetReader {
 public:
  TargetReader(Findings& findings, const Value& map, NotifyTarget& target)
      : findings_(findings),
        values_(findings),
        target_(target),
        keys_(keys_of(target.kind)),
        fields_(findings, map, std::string(name(target.kind)), keys_) {}

  void read() {
    if (!fields_.is_map()) return;
    target_.name = fields_.need_text("name");
    if (target_.kind == Kind::exec) {
      if (const Value* run = fields_.need("run")) target_.run = texts("run", *run);
    } else {
      read_address();
    }
    target_.ca = fields_.text("ca").value_or("");
    target_.secret_env = fields_.text("secret_env").value_or("");
    read_occasions();
    read_timeout();
  }

 private:
  void read_address() {
    target_.url = fields_.text("url").value_or("");
    target_.url_env = fields_.text("url_env").value_or("");
    const Value* url = fields_.find("url");
    if ((url == nullptr) == (fields_.find("url_env") == nullptr)) {
      findings_.error(fields_.place(), std::string(name(target_.kind)) + " wants url or url_env, one of them",
                      "url_env names the environment variable that holds an address nobody is to read here");
      return;
    }
    if (target_.url.empty()) return;
    if (const ParsedUrl parsed = parse_url(target_.url); !parsed.why_not.empty())
      findings_.error(url->place, "url: \"" + masked_url(target_.url) + "\" is not usable: " + parsed.why_not);
  }

  void read_occasions() {
    const Value* on = fields_.find("on");
    if (on == nullptr) return;
    for (const Value& item : values_.list("on", *on)) {
      const auto word = values_.text("on", item);
      if (!word) continue;
      if (std::ranges::find(occasions, *word) == std::end(occasions))
        findings_.error(item.place, "on: \"" + *word + "\" is nothing that is told", suggestion(*word, occasions));
      target_.on.push_back(*word);
    }
  }

  void read_timeout() {
    const auto written = fields_.text("timeout");
    if (!written) return;
    const auto parsed = parse_duration(*written);
    if (!parsed || *parsed < milliseconds(100) || *parsed > milliseconds(30000))
      findings_.error(fields_.find("timeout")->place, "timeout: \"" + *written + "\" must lie between 100ms and 30s");
    else
      target_.timeout = *parsed;
  }

  std::vector<std::string> texts(std::string_view key, const Value& value) {
    std::vector<std::string> result;
    for (const Value& item : values_.list(key, value))
      if (auto text = values_.text(key, item)) result.push_back(*std::move(text));
    return result;
  }

  Findings& findings_;
  Values values_;
  NotifyTarget& target_;
  std::vector<std::string_view> keys_;
  Fields fields_;
};

}  // namespace

std::vector<NotifyTarget> read_notify(Findings& findings, const Value& list, const std::string& file) {
  std::vector<NotifyTarget> targets;
  const Values values(findings);
  for (const Value& item : values.list("notify", list)) {
    const Fields fields(findings, item, "a notify target", notify_kinds);
    if (!fields.is_map()) continue;
    NotifyTarget target;
    const Value* map = nullptr;
    for (std::size_t i = 0; i < std::size(notify_kinds); ++i) {
      const Value* found = fields.find(notify_kinds[i]);
      if (found == nullptr) continue;
      if (map != nullptr) findings.error(item.place, "a notify target is one of them", "begin another one with `- `");
      map = found;
      target.kind = static_cast<Kind>(i);
    }
    if (map == nullptr) {
      if (item.node->entries.empty())
        findings.error(item.place, "a notify target is empty", "it is one of " + enumerated(notify_kinds));
      continue;
    }
    target.folder = std::filesystem::path(file).parent_path().string();
    target.source = file + ":" + std::to_string(item.place.line) + ":" + std::to_string(item.place.column);
    TargetReader(findings, *map, target).read();
    if (std::ranges::any_of(targets, [&](const NotifyTarget& other) { return other.name == target.name; }))
      findings.error(item.place, "notify: there is another target of the name \"" + target.name + "\"",
                     "the journal knows what each was told by its name");
    targets.push_back(std::move(target));
  }
  return targets;
}

}  // namespace switchback::plan_file
