#include "switchback/core/notification.hpp"

#include <algorithm>

#include "switchback/core/state.hpp"

namespace switchback {
namespace {

bool is_way_back(std::string_view state) {
  return state == name(State::unhiding) || state == name(State::restoring) || state == name(State::rolling_back);
}

bool is_arrival(std::string_view state) {
  for (const State one : {State::expanded, State::migrated, State::hidden, State::contracted, State::done})
    if (state == name(one)) return true;
  return false;
}

std::string of(const Told& event) {
  return event.plan + (event.database.empty() ? "" : " (" + event.database + ")");
}

std::string because(const Told& event) {
  return event.reason.empty() ? "" : ": " + event.reason;
}

}  // namespace

std::string_view name(NotifyTarget::Kind kind) {
  return notify_kinds[static_cast<std::size_t>(kind)];
}

std::string description_of(const NotifyTarget& target) {
  std::string text = std::string(name(target.kind)) + " " + target.name;
  for (std::size_t i = 0; i < target.on.size(); ++i) text += (i == 0 ? "  on " : ", ") + target.on[i];
  if (!target.url_env.empty()) text += "  address from " + target.url_env;
  if (!target.secret_env.empty()) text += "  signed with " + target.secret_env;
  return text;
}

std::optional<std::string_view> occasion_of(const Told& event) {
  if (event.kind == "hold") return event.hold_kind == "approval" ? "approval" : "hold";
  if (event.kind == "turned_back" || event.kind == "verified") return "turned_back";
  if (event.kind == "despite" || event.kind == "horizon_overridden") return "override";
  if (event.kind != "state") return std::nullopt;
  if (is_way_back(event.to) || is_way_back(event.from)) return "turned_back";
  if (is_arrival(event.to)) return "done";
  return std::nullopt;
}

bool wants(const NotifyTarget& target, std::string_view occasion) {
  return target.on.empty() || std::ranges::find(target.on, occasion) != target.on.end();
}

std::string sentence_of(const Told& event) {
  if (event.kind == "hold") {
    std::string text = of(event) + (event.hold_kind == "approval" ? " waits for approval in " : " holds in ") +
                       event.to + because(event);
    if (!event.ends_when.empty()) text += "\ngoes on when: " + event.ends_when;
    return text;
  }
  if (event.kind == "turned_back") return of(event) + " is turned back by itself" + because(event);
  if (event.kind == "verified") return of(event) + " was looked at after turning back" + because(event);
  if (event.kind != "state") return of(event) + ": overridden by " + event.role + because(event);
  if (is_way_back(event.to)) return of(event) + " is " + event.to + ", from " + event.from + because(event);
  return of(event) + " is " + event.to + because(event);
}

std::string slack_text(const Told& event) {
  std::string text;
  for (const char c : sentence_of(event)) {
    if (c == '&')
      text += "&amp;";
    else if (c == '<')
      text += "&lt;";
    else if (c == '>')
      text += "&gt;";
    else
      text += c;
  }
  return text;
}

std::chrono::seconds notify_pause(int attempts) {
  constexpr std::chrono::seconds most{300};
  return attempts < 9 ? std::min(most, std::chrono::seconds(1) * (1 << std::max(1, attempts))) : most;
}

bool may_pass(int status) {
  return status == 408 || status == 425 || status == 429 || status >= 500;
}

}  // namespace switchback
