/// Records to text and JSON. Pure: no terminal, no clock, no database.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "switchback/core/evidence.hpp"
#include "switchback/core/settings.hpp"
#include "switchback/core/step_sql.hpp"
#include "switchback/daemon/drive.hpp"
#include "switchback/engine/journal.hpp"
#include "switchback/engine/rolling_forward.hpp"
#include "switchback/plan_file/diagnostic.hpp"

namespace switchback::cli {

/// Colours, or none of them.
struct Paint {
  bool on = false;
  std::string bold(std::string_view text) const;
  std::string dim(std::string_view text) const;
  std::string good(std::string_view text) const;
  std::string warn(std::string_view text) const;
  std::string bad(std::string_view text) const;
};

/// `text` with control characters spelled out: what a database holds must not steer a terminal.
std::string printable(std::string_view text);
/// How many columns a terminal needs for UTF-8 text without colours (every character counts as one).
std::size_t columns_of(std::string_view text);
/// At most `columns` wide, the end cut and marked with `…`.
std::string cut(std::string_view text, std::size_t columns);
/// Left-aligned columns two blanks apart, no blanks at line ends. The first row is the heading.
std::string table(const std::vector<std::vector<std::string>>& rows, Paint paint);

/// `margin` and `text`, broken at blanks so that no line is wider than `columns` (0: never), and going on under itself.
std::string hanging(std::string_view margin, std::string_view text, std::size_t columns);

/// ISO 8601 in UTC as the journal gives it, with or without a fraction. Empty on anything else.
std::optional<Instant> parse_iso(std::string_view text);
std::string show_iso(Instant at);

// --- status ----------------------------------------------------------------------------------------------------

struct ShownHold {
  Hold hold;
  std::string since;  ///< ISO 8601
};
/// The hold that counts: a pause that no runner has taken note of yet is one, too.
std::optional<ShownHold> hold_of(const engine::PlanRecord& plan);
/// What a person would do next, as a command where there is one.
std::string next_for(const engine::PlanRecord& plan);
/// About how long turning back to an image before the change takes. Empty where it cannot be done.
std::optional<std::int64_t> turn_back_seconds(const engine::PlanRecord& plan);

/// One line: `name  migrating  users 12.5M of ~43.1M  29%  …`, or with `held 40 s: why` behind the share.
std::string progress_line(const engine::PlanRecord& plan, Instant now);
/// `undone`: which plans undo which.
std::string status_text(const std::vector<engine::PlanRecord>& plans, Instant now, Paint paint,
                        const std::vector<engine::RollForward>& undone = {});
/// One document; on one line when not `pretty`.
std::string status_json(const std::vector<engine::PlanRecord>& plans, bool pretty = true,
                        const std::vector<engine::RollForward>& undone = {});

// --- the other commands ----------------------------------------------------------------------------------------

std::string history_text(const std::vector<engine::EventRecord>& events, Paint paint);
/// One line an event, each ending in a newline.
std::string history_json(const std::vector<engine::EventRecord>& events);
std::string quarantine_text(const std::vector<engine::QuarantinedRow>& rows, Paint paint);
std::string quarantine_json(std::string_view plan, const std::vector<engine::QuarantinedRow>& rows);
/// `columns`: how wide a line may be; 0: as long as it is, for other programs to read.
std::string usage_text(std::string_view plan, const std::vector<Judgement>& judgements, Paint paint,
                       std::size_t columns = 0);
/// `sealed`: as it was when the old side was hidden.
std::string usage_json(std::string_view plan, const std::vector<Judgement>& judgements, bool sealed = false);
std::string explained_text(const Explained& explained, Paint paint);
std::string explained_json(const Explained& explained);
std::string comparison_text(std::string_view plan, const daemon::Comparison& comparison);
std::string comparison_json(std::string_view plan, const daemon::Comparison& comparison);
std::string turn_back_text(std::string_view plan, State to, const daemon::TurnBack& way);
/// What was found right after turning back, a line each.
std::string verification_text(const engine::Verification& found);
std::string turn_back_json(std::string_view plan, State to, const daemon::TurnBack& way);

/// Every setting once, with the value that wins; passwords in connection strings are masked.
std::vector<SettingValue> effective_settings(const std::vector<SettingValue>& given);
std::string settings_text(const std::vector<SettingValue>& settings, Paint paint);
std::string settings_json(const std::vector<SettingValue>& settings);
std::string masked(std::string_view connection_string);
bool has_password(std::string_view connection_string);

// --- errors ----------------------------------------------------------------------------------------------------

struct Failure {
  Exit exit = Exit::failed;
  std::string message;  ///< its first line says what, further ones why
  std::string hint;
  std::string sqlstate;
  std::string file;
  int line = 0;
  int column = 0;
};
std::string failure_text(const Failure& failure, Paint paint);
std::string failure_json(const Failure& failure);
std::string diagnostics_json(const std::vector<Diagnostic>& diagnostics);  ///< an array

}  // namespace switchback::cli
