#include "switchback/plan_file/plan_reader.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "alerts_reader.hpp"
#include "draft_reader.hpp"
#include "ignore_reader.hpp"
#include "plan_checks.hpp"
#include "settings_tree.hpp"
#include "sql_look.hpp"
#include "step_reader.hpp"
#include "switchback/core/brownout.hpp"
#include "switchback/core/error.hpp"
#include "switchback/core/image_name.hpp"
#include "switchback/core/settings.hpp"
#include "switchback/core/units.hpp"

namespace switchback {
namespace plan_file {
namespace {

constexpr std::array<std::string_view, 14> plan_keys = {
    "plan",      "description", "rolls_forward", "requires", "images", "external", "readers",
    "turn_back", "smoke",       "ignore",        "change",   "expand", "migrate",  "contract"};

std::vector<std::string_view> known_keys() {
  std::vector<std::string_view> known(plan_keys.begin(), plan_keys.end());
  for (const std::string_view root : setting_roots(true)) known.push_back(root);
  return known;
}

bool is_plan_name(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return !name.empty() && name.size() <= 63 && name.front() != '-' && std::ranges::all_of(name, fits);
}

/// Reads one plan from its top-level map.
class PlanReader {
 public:
  PlanReader(Findings& findings, const Node& root, const std::string& file)
      : findings_(findings),
        file_(file),
        values_(findings),
        root_(root),
        top_(findings, {&root, root.place}, "a plan", known_keys(), setting_roots(false)) {}

  Plan read() {
    Plan plan;
    if (!top_.is_map()) return plan;
    if (const Value* value = top_.find("plan"))
      plan.name = plan_name("plan", *value);
    else
      findings_.error(top_.place(), "the plan has no name", "begin with `plan: name`");
    plan.description = top_.text("description").value_or("");
    if (const Value* value = top_.find("rolls_forward")) read_rolls_forward(*value, plan);
    if (const Value* value = top_.find("requires")) read_requires(*value, plan);
    if (const Value* value = top_.find("images")) read_images(*value, plan.images);
    if (const Value* value = top_.find("external")) read_external(*value, plan);
    if (const Value* value = top_.find("readers")) read_readers(*value, plan);
    if (const Value* value = top_.find("turn_back")) read_turn_back(*value, plan);
    if (const Value* value = top_.find("smoke")) read_smoke(*value, plan);
    if (const Value* value = top_.find("ignore")) read_ignores(findings_, *value);
    if (const Value* value = top_.find("change")) plan.changes = read_changes(findings_, *value);
    if (const Value* value = top_.find("expand")) plan.expand = read_steps(findings_, "expand", *value);
    if (const Value* value = top_.find("migrate")) plan.migrate = read_steps(findings_, "migrate", *value);
    if (const Value* value = top_.find("contract")) read_contract(*value, plan.contract);
    read_own_settings(plan);
    check_forms();
    check_plan(findings_, plan);
    return plan;
  }

 private:
  std::string plan_name(std::string_view key, const Value& value) {
    const auto written = values_.text(key, value);
    if (!written) return {};
    if (written->size() > 63)
      findings_.error(value.place, std::string(key) + ": a plan's name has at most 63 characters", {});
    else if (!is_plan_name(*written))
      findings_.error(value.place, std::string(key) + ": \"" + *written + "\" is not a plan's name",
                      "letters, digits, - and _, and no - in front");
    return *written;
  }

  void read_rolls_forward(const Value& value, Plan& plan) {
    const auto written = values_.text("rolls_forward", value);
    if (!written) return;
    const std::size_t at = written->find('@');
    const std::string hash = at == std::string::npos ? "" : written->substr(at + 1);
    const auto hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    if (hash.size() < 12 || hash.size() > 64 || !std::ranges::all_of(hash, hex) ||
        !is_plan_name(std::string_view(*written).substr(0, at))) {
      findings_.error(value.place, "rolls_forward: \"" + *written + "\" is not a plan and the hash of its text",
                      "`switchback rollforward NAME --out FILE` writes it: name@ and 12 to 64 hex digits");
      return;
    }
    plan.rolls_forward = RollsForward{written->substr(0, at), hash};
    if (plan.rolls_forward->plan == plan.name)
      findings_.error(value.place, "rolls_forward: a plan cannot undo itself",
                      "give the plan that undoes it a name of its own");
  }

  void read_requires(const Value& list, Plan& plan) {
    for (const Value& item : values_.list("requires", list)) {
      std::string name = plan_name("requires", item);
      if (name.empty()) continue;
      if (name == plan.name) findings_.error(item.place, "requires: a plan cannot require itself", {});
      if (std::ranges::find(plan.requires_plans, name) != plan.requires_plans.end())
        findings_.error(item.place, "requires: " + name + " is given twice", {});
      plan.requires_plans.push_back(std::move(name));
    }
  }

  void read_images(const Value& map, Images& images) {
    constexpr std::array<std::string_view, 2> known = {"before", "after"};
    const Fields fields(findings_, map, "images", known);
    images.before = fields.text("before");
    images.after = fields.text("after");
    for (const char* key : {"before", "after"})
      if (const auto image = fields.text(key); image && !is_image_name(*image))
        findings_.error(fields.find(key)->place,
                        std::string(key) + ": '" + shown_image_name(*image) + "' cannot be the name of an image",
                        std::string(image_name_rule));
    if (fields.is_map() && map.node->entries.empty()) findings_.error(map.place, "images is empty", "leave it out");
    if (images.before && images.before == images.after)
      findings_.error(fields.find("after")->place, "images: before and after are the same image",
                      "before is the newest that needs the old side, after the oldest that works on the new one");
  }

  void read_external(const Value& map, Plan& plan) {
    constexpr std::array<std::string_view, 1> known = {"checked"};
    const Fields fields(findings_, map, "external", known);
    const Value* checked = fields.need("checked");
    if (checked == nullptr) return;
    for (const Value& item : values_.list("checked", *checked))
      if (auto name = values_.text("checked", item)) plan.external_checked.push_back(std::move(*name));
  }

  void read_readers(const Value& list, Plan& plan) {
    constexpr std::array<std::string_view, 3> known = {"role", "application", "star"};
    constexpr std::array<std::string_view, 1> words = {"tolerated"};
    for (const Value& item : values_.list("readers", list)) {
      const Fields fields(findings_, item, "a reader", known);
      if (!fields.is_map()) continue;
      TolerantReader reader{fields.identifier("role"), fields.text("application")};
      if (fields.need("star") != nullptr) fields.choice("star", words);
      if ((fields.find("role") != nullptr) == (fields.find("application") != nullptr))
        findings_.error(item.place, "a reader is told by its role or by its application",
                        "write { role: NAME, star: tolerated }, or application: NAME in its stead");
      else if (std::ranges::find(plan.readers, reader) != plan.readers.end())
        findings_.error(item.place, "this reader is given twice", {});
      plan.readers.push_back(std::move(reader));
    }
  }

  void read_turn_back(const Value& list, Plan& plan) {
    plan.turn_back = read_alerts(findings_, list, file_, "turn_back");
    for (const AlertSource& source : plan.turn_back)
      if (source.kind == AlertSource::Kind::exec || source.kind == AlertSource::Kind::file)
        findings_.error(list.place, "turn_back: a plan runs no programs and reads no files of the machine it is run on",
                        "name an alertmanager, a prometheus, an http or a sql source");
  }

  void read_smoke(const Value& list, Plan& plan) {
    for (const Value& item : values_.list("smoke", list)) {
      const auto sql = values_.text("smoke", item);
      if (!sql) continue;
      const SqlLook look = look_at_sql(*sql);
      if (look.empty)
        findings_.error(item.place, "smoke: there is no statement in it", "write one that the old image depends on");
      else if (look.unparsed)
        findings_.warning(item.place, "smoke: " + *look.unparsed, "it is run read-only, right after turning back");
      else if (look.transaction_control)
        findings_.error(item.place, "smoke: it is run in a read-only session of its own", "leave BEGIN and COMMIT out");
      plan.smoke.push_back(*sql);
    }
  }

  std::optional<std::chrono::seconds> window(std::string_view setting, const Value& value) {
    const auto written = values_.setting(setting, value);
    if (!written) return std::nullopt;
    return std::chrono::duration_cast<std::chrono::seconds>(parse_duration(*written).value());
  }

  void read_archive(const Value& value, Contract& contract) {
    constexpr std::array<std::string_view, 1> known = {"none"};
    if (value.node->kind != Node::Kind::map) {
      if (const auto keep = window("contract.archive", value)) contract.archive = Archive{keep, {}};
      return;
    }
    const Fields fields(findings_, value, "archive", known);
    if (fields.need("none") != nullptr) contract.archive = Archive{{}, fields.text("none")};
  }

  void read_contract(const Value& map, Contract& contract) {
    constexpr std::array<std::string_view, 7> known = {"observe",  "soak",         "archive", "approvals",
                                                       "brownout", "allow_silent", "steps"};
    const Fields fields(findings_, map, "contract", known);
    if (const Value* value = fields.find("observe")) contract.observe = window("contract.observe", *value);
    if (const Value* value = fields.find("soak")) contract.soak = window("contract.soak", *value);
    if (const Value* value = fields.find("archive")) read_archive(*value, contract);
    if (const Value* value = fields.find("approvals"))
      if (const auto written = values_.setting("contract.approvals", *value)) contract.approvals = std::stoi(*written);
    if (const Value* value = fields.find("brownout"))
      if (const auto written = read_list(findings_, "contract.brownout", *value))
        contract.brownout = parse_stretches(*written);
    if (const Value* value = fields.find("allow_silent"))
      for (const Value& item : values_.list("allow_silent", *value))
        if (auto name = values_.identifier("allow_silent", item)) contract.allow_silent.push_back(std::move(*name));
    if (const Value* value = fields.find("steps")) contract.steps = read_steps(findings_, "contract", *value);
    if (fields.is_map() && map.node->entries.empty()) findings_.error(map.place, "contract is empty", "leave it out");
    const bool windows_only = fields.is_map() && fields.find("steps") == nullptr && !map.node->entries.empty();
    if (windows_only && top_.find("change") == nullptr)
      findings_.error(map.place, "contract has no steps", "leave contract out: there is nothing to take away");
  }

  void read_own_settings(Plan& plan) {
    std::vector<PlacedSetting> settings;
    for (const auto& [key, node] : root_.entries) {
      const Value* value = key->kind == Node::Kind::scalar ? top_.find(key->value) : nullptr;
      const bool plan_key = std::ranges::find(plan_keys, key->value) != plan_keys.end();
      if (value != nullptr && value->node == node.get() && !plan_key)
        read_settings(findings_, key->value, key->place, *value, true, settings);
    }
    for (PlacedSetting& setting : settings)
      plan.settings.emplace_back(std::move(setting.key), std::move(setting.value));
  }

  void check_forms() {
    const Value* change = top_.find("change");
    const Value* contract = top_.find("contract");
    if (change == nullptr) {
      const bool empty = top_.find("expand") == nullptr && top_.find("migrate") == nullptr && contract == nullptr;
      if (empty && !findings_.failed())  // a misspelt phase is noted already
        findings_.error(top_.place(), "a plan without steps",
                        "give change, or at least one of expand, migrate and contract");
      return;
    }
    for (const std::string_view phase : {"expand", "migrate"})
      if (const Value* steps = top_.find(phase))
        findings_.error(steps->place, std::string(phase) + " stands beside change, which makes all three phases",
                        "`switchback explain --yaml` prints the long form of change, to be pasted and edited");
    if (contract == nullptr || contract->node->kind != Node::Kind::map) return;
    for (const auto& [key, node] : contract->node->entries)
      if (key->value == "steps")
        findings_.error(key->place, "contract has steps beside change, which makes all three phases",
                        "beside change, contract says only how long it observes, soaks and archives");
  }

  Findings& findings_;
  const std::string& file_;
  Values values_;
  const Node& root_;
  Fields top_;
};

}  // namespace
}  // namespace plan_file

std::string sha256_hex(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &length, EVP_sha256(), nullptr) != 1)
    throw Error(Exit::failed, Remedy::person, "OpenSSL has no SHA-256", "look at OpenSSL's configuration");
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  for (unsigned i = 0; i < length; ++i) {
    hex += digits[digest.at(i) >> 4U];
    hex += digits[digest.at(i) & 0xFU];
  }
  return hex;
}

namespace {

ReadPlan read(std::string_view text, std::string file, bool draft) {
  plan_file::Findings findings(text, file, draft);
  ReadPlan result;
  const plan_file::NodePointer root = plan_file::read_tree(text, findings);
  if (root != nullptr && root->kind != plan_file::Node::Kind::null) {
    Plan plan = plan_file::PlanReader(findings, *root, file).read();
    plan.text = std::string(text);
    plan.hash = sha256_hex(text);
    plan.file = std::move(file);
    if (!findings.failed()) result.plan = std::move(plan);
  } else if (!findings.failed()) {
    findings.error({1, 1}, "there is nothing in it", "a plan begins with `plan: name`");
  }
  result.diagnostics = findings.take();
  return result;
}

}  // namespace

ReadPlan read_plan(std::string_view text, std::string file) {
  return read(text, std::move(file), false);
}

ReadPlan read_draft(std::string_view text, std::string file) {
  return read(text, std::move(file), true);
}

ReadPlan read_plan_file(const std::string& path) {
  ReadPlan result;
  const auto bytes = plan_file::read_bytes(path, result.diagnostics);
  return bytes ? read_plan(*bytes, path) : result;
}

}  // namespace switchback
