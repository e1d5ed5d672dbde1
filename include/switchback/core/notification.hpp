/// Who is told of what happens to plans, and of what. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace switchback {

/// One entry of `notify` in switchback.yaml.
struct NotifyTarget {
  enum class Kind { webhook, slack, exec };
  Kind kind = Kind::webhook;
  std::string name;              ///< the user's own; what the journal keeps of it
  std::string url;               ///< webhook, slack; not shown: a chat's address is its key
  std::string url_env;           ///< the environment variable that holds it instead
  std::string secret_env;        ///< webhook: the variable with the key of the signature; empty: not signed
  std::vector<std::string> run;  ///< exec: no shell
  std::vector<std::string> on;   ///< occasions(); empty: all
  std::string ca;                ///< certificates to trust beside the system's
  std::string folder;            ///< that of the configuration: relative paths and programs start here
  std::chrono::milliseconds timeout{5000};
  std::string source;  ///< "switchback.yaml:9:5"; for people
};

constexpr std::string_view notify_kinds[] = {"webhook", "slack", "exec"};
std::string_view name(NotifyTarget::Kind kind);
/// "webhook ops  on hold, approval  signed with OPS_KEY": without the address.
std::string description_of(const NotifyTarget& target);

/// What one may be told of: a plan waits, an approval is wanted, a plan is being turned back or was, a resting state
/// was reached on the way forward, something was overridden.
constexpr std::string_view occasions[] = {"hold", "approval", "turned_back", "done", "override"};

/// An event of the history, as far as it is told.
struct Told {
  std::int64_t id = 0;
  std::string at, plan, kind, from, to, reason, role, os_user, host, pipeline, lsn;
  std::string hold_kind;  ///< of a hold
  std::string ends_when;  ///< of a hold
  std::string database;
};

/// Of which occasion the event is; empty: nobody is told.
std::optional<std::string_view> occasion_of(const Told& event);
bool wants(const NotifyTarget& target, std::string_view occasion);

/// One or two lines: "split-full-name (shop) holds in migrating: replica r1 lags 3.4 s", "goes on when …".
std::string sentence_of(const Told& event);
/// The same as Slack reads it: `&`, `<` and `>` escaped (Slack's "Formatting text for app surfaces").
std::string slack_text(const Told& event);

/// How long after the attempt of that number (1: the first) the next is made: 2 s, 4 s, 8 s … 5 minutes.
std::chrono::seconds notify_pause(int attempts);
/// After so long a message that could not be delivered is given up.
constexpr std::chrono::hours notify_patience{72};
/// Whether an answer of that status may be another one later: 408, 425, 429, and 5xx (RFC 9110, 15.5 and 15.6).
bool may_pass(int status);

}  // namespace switchback
