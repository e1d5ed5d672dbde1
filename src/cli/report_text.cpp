#include "report_text.hpp"

#include <algorithm>
#include <array>

#include "json_text.hpp"
#include "switchback/cli/render.hpp"
#include "switchback/core/state.hpp"
#include "switchback/core/units.hpp"

namespace switchback::cli {
namespace {

std::string who(const engine::EventRecord& event) {
  return event.role + " (" + event.os_user + "@" + event.host + (event.pipeline.empty() ? "" : ", " + event.pipeline) +
         ")";
}

Json detail_of(const engine::EventRecord& event) {
  const Json detail = Json::parse(event.detail, nullptr, false);
  return detail.is_object() ? detail : Json::object();
}

std::string text_in(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// What people decided: approvals, overrides, pauses, changed settings, texts.
ReportTable decisions(const PlanReport& report) {
  ReportTable table{"Decisions", "nobody had to decide anything", {"At", "Decision", "Who", "Reason"}, {}};
  static const std::array kinds{"approve",
                                "pause",
                                "resume",
                                "set",
                                "repaired",
                                "forbidden",
                                "forbidding_lifted",
                                "quarantine_accepted",
                                "horizon_overridden"};
  for (const engine::EventRecord& event : report.events) {
    const std::string despite = text_in(detail_of(event), "despite");
    if (std::ranges::find(kinds, event.kind) == kinds.end() && despite.empty()) continue;
    std::string what = event.kind;
    if (event.kind == "approve") what += " " + text_in(detail_of(event), "phase");
    if (event.kind == "set") what += " " + text_in(detail_of(event), "key") + "=" + text_in(detail_of(event), "value");
    if (!despite.empty()) what += " despite " + despite;
    table.rows.push_back({event.at, what, who(event), event.reason});
  }
  return table;
}

ReportTable evidence(const PlanReport& report) {
  ReportTable table{"Evidence",
                    "nothing has been hidden: no evidence is sealed",
                    {"Sealed at", "Structure", "Verdict", "From", "To"},
                    {}};
  for (const engine::EventRecord& event : report.events) {
    if (event.kind != "evidence_sealed") continue;
    const Json detail = detail_of(event);
    for (const Json& one : detail.value("structures", Json::array())) {
      const Json window = one.value("window", Json::object());
      table.rows.push_back({event.at, text_in(one, "structure"), text_in(one, "verdict"), text_in(window, "from"),
                            text_in(window, "to")});
    }
  }
  return table;
}

ReportTable points(const PlanReport& report) {
  ReportTable table{"Points to recover to", "none was made", {"At", "Point", "Log position"}, {}};
  for (const engine::EventRecord& event : report.events)
    if (event.kind == "restore_point") table.rows.push_back({event.at, event.reason, text_in(detail_of(event), "lsn")});
  return table;
}

ReportTable happened(const PlanReport& report) {
  ReportTable table{
      "Everything that happened", "nothing", {"At", "Event", "State", "Who", "Reason", "Log position"}, {}};
  for (const engine::EventRecord& event : report.events) {
    const std::string change = event.from == event.to || event.from.empty() ? event.to : event.from + " → " + event.to;
    table.rows.push_back({event.at, event.kind, change, who(event), event.reason, event.lsn});
  }
  return table;
}

std::string chain_words(const PlanReport& report) {
  if (report.breaks > 0) return std::to_string(report.breaks) + " breaks: somebody changed it past switchback";
  return "unbroken, head " + report.head;
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else if (c == '\'')
      out += "&#39;";
    else if (byte < 0x20 && c != '\n' && c != '\t')
      out += "\\u00" + std::string(1, "0123456789abcdef"[byte >> 4]) + "0123456789abcdef"[byte & 15];
    else
      out += c;
  }
  return out;
}

Facts facts_of(const PlanReport& report) {
  const engine::PlanRecord& plan = report.plan;
  Facts facts{
      {"State", std::string(name(plan.state)) + ", since " + plan.state_since},
      {"Environment", plan.environment},
      {"Written by", plan.author + ", in " + plan.file},
      {"Text", "sha256 " + plan.hash},
      {"Server", "system identifier " + plan.system_identifier + ", timeline " + std::to_string(plan.timeline)}};
  if (plan.images.before || plan.images.after)
    facts.emplace_back("Images",
                       plan.images.before.value_or("-") + " before, " + plan.images.after.value_or("-") + " after");
  if (plan.hold) facts.emplace_back("Held", std::string(name(plan.hold->kind)) + ": " + plan.hold->reason);
  std::chrono::milliseconds held{0};
  for (const ReportSpan& span : report.holds) held += span.to - span.from;
  facts.emplace_back("Held for", report.holds.empty() ? "never"
                                                      : show_duration(held) + " in all, " +
                                                            std::to_string(report.holds.size()) + " times");
  facts.emplace_back("History", std::to_string(report.events.size()) + " events of this plan; the chain of all is " +
                                    chain_words(report));
  facts.emplace_back("Report", "made at " + show_iso(report.at));
  return facts;
}

std::vector<ReportTable> tables_of(const PlanReport& report) {
  return {decisions(report), evidence(report), points(report), happened(report)};
}

}  // namespace switchback::cli
