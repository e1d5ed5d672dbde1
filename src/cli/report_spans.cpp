#include <algorithm>
#include <map>

#include "json_text.hpp"
#include "switchback/cli/render.hpp"
#include "switchback/cli/report.hpp"

namespace switchback::cli {
namespace {

std::string kind_of(const engine::EventRecord& event) {
  const Json detail = Json::parse(event.detail, nullptr, false);
  return detail.is_object() ? detail.value("kind", "") : "";
}

}  // namespace

void add_spans(PlanReport& report, Instant now) {
  std::optional<ReportSpan> state;
  std::map<std::string, Instant> held;  // by kind
  const auto end_state = [&](Instant at) {
    if (state) {
      state->to = at;
      report.states.push_back(*state);
    }
    state.reset();
  };
  const auto end_hold = [&](const std::string& kind, Instant at) {
    const auto found = held.find(kind);
    if (found == held.end()) return;
    report.holds.push_back({"held: " + kind, found->second, at, true});
    held.erase(found);
  };
  for (const engine::EventRecord& event : report.events) {
    const auto at = parse_iso(event.at);
    if (!at) continue;
    if (event.kind == "registered" || event.kind == "state") {
      end_state(*at);
      state = ReportSpan{event.to, *at, *at, false};
    } else if (event.kind == "hold" && held.find(kind_of(event)) == held.end()) {
      while (!held.empty()) end_hold(held.begin()->first, *at);  // a plan has one hold at a time
      held.emplace(kind_of(event), *at);
    } else if (event.kind == "hold_ended") {
      while (!held.empty()) end_hold(held.begin()->first, *at);
    }
  }
  end_state(now);
  while (!held.empty()) end_hold(held.begin()->first, now);
}

}  // namespace switchback::cli
