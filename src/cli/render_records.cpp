#include "json_text.hpp"
#include "switchback/cli/render.hpp"
#include "switchback/core/units.hpp"

namespace switchback::cli {
namespace {

std::string change_of(const engine::EventRecord& event) {
  if (event.from == event.to) return event.to;
  return (event.from.empty() ? "" : event.from + " → ") + event.to;
}

/// JSON columns are shown as JSON, not as text that holds JSON.
Json parsed(const std::string& text) {
  Json value = Json::parse(text, nullptr, false);
  return value.is_discarded() ? or_null(text) : value;
}

Json instant(const std::optional<Instant>& at) {
  return at ? Json(show_iso(*at)) : Json();
}

std::string verdict_word(Verdict verdict, Paint paint) {
  switch (verdict) {
    case Verdict::unused:
      return paint.good(name(verdict));
    case Verdict::unknown:
      return paint.warn(name(verdict));
    case Verdict::used:
      return paint.bad(name(verdict));
  }
  return "";
}

std::string share(double part) {
  // Cut, not rounded: 99.96 % covered is not all of it.
  return std::to_string(static_cast<int>(part * 100.0 + 1e-9)) + "%";
}

}  // namespace

std::string history_text(const std::vector<engine::EventRecord>& events, Paint paint) {
  if (events.empty()) return "nothing has happened yet\n";
  std::vector<std::vector<std::string>> rows{{"AT", "PLAN", "EVENT", "STATE", "WHO", "REASON"}};
  for (const auto& event : events)
    rows.push_back({event.at, printable(event.plan), printable(event.kind), change_of(event),
                    printable(event.role + " (" + event.os_user + "@" + event.host + ")"), printable(event.reason)});
  return table(rows, paint);
}

std::string history_json(const std::vector<engine::EventRecord>& events) {
  std::string text;
  for (const auto& event : events) {
    const Json line{{"schema_version", 1},
                    {"at", event.at},
                    {"plan", or_null(event.plan)},
                    {"kind", event.kind},
                    {"from", or_null(event.from)},
                    {"to", or_null(event.to)},
                    {"actor", {{"role", event.role}, {"os_user", event.os_user}, {"host", event.host}}},
                    {"reason", or_null(event.reason)},
                    {"lsn", or_null(event.lsn)},
                    {"detail", parsed(event.detail)}};
    text += dumped(line, false) + "\n";
  }
  return text;
}

std::string quarantine_text(const std::vector<engine::QuarantinedRow>& rows, Paint paint) {
  if (rows.empty()) return "no row of this plan is or was in quarantine\n";
  std::vector<std::vector<std::string>> lines{{"ID", "TABLE", "KEY", "STATUS", "SQLSTATE", "WHY", "SETTLED"}};
  for (const auto& row : rows) {
    const std::string settled =
        row.settled_by.empty() ? "" : "by " + row.settled_by + (row.reason.empty() ? "" : ": " + row.reason);
    lines.push_back({std::to_string(row.id), printable(row.relation), printable(row.key), row.status, row.sqlstate,
                     printable(row.message), printable(settled)});
  }
  return table(lines, paint);
}

std::string quarantine_json(std::string_view plan, const std::vector<engine::QuarantinedRow>& rows) {
  Json list = Json::array();
  for (const auto& row : rows)
    list.push_back({{"id", row.id},
                    {"table", row.relation},
                    {"key", parsed(row.key)},
                    {"status", row.status},
                    {"sqlstate", row.sqlstate},
                    {"message", row.message},
                    {"at", row.at},
                    {"settled_by", or_null(row.settled_by)},
                    {"reason", or_null(row.reason)}});
  return dumped({{"schema_version", 1}, {"plan", plan}, {"rows", list}}, true) + "\n";
}

std::string usage_text(std::string_view plan, const std::vector<Judgement>& judgements, Paint paint) {
  if (judgements.empty()) return std::string(plan) + " takes nothing away: there is no use to look for\n";
  std::string text;
  for (const Judgement& judgement : judgements) {
    text += (text.empty() ? "" : "\n") + paint.bold(judgement.structure) + ": " +
            verdict_word(judgement.verdict, paint) + "\n";
    text += "  window   " + show_iso(judgement.from) + " to " + show_iso(judgement.to) + " (" +
            show_duration(judgement.to - judgement.from) + "), " + share(judgement.covered) + " covered\n";
    for (const std::string& reason : judgement.reasons) text += "  because  " + printable(reason) + "\n";
    if (judgement.findings.empty()) continue;
    std::vector<std::vector<std::string>> rows{{"  SOURCE", "SERVER", "FINDING", "LAST SEEN", "DETAIL"}};
    for (const Observation& found : judgement.findings) {
      rows.push_back({"  " + found.source, printable(found.server), std::string(name(found.finding)),
                      found.last_seen ? show_iso(*found.last_seen) : "", printable(found.detail)});
      if (!found.remedy.empty()) rows.push_back({"", "", "", "", "settle it with: " + printable(found.remedy)});
    }
    text += table(rows, paint);
  }
  return text;
}

std::string usage_json(std::string_view plan, const std::vector<Judgement>& judgements) {
  Json structures = Json::array();
  for (const Judgement& judgement : judgements) {
    Json findings = Json::array();
    for (const Observation& found : judgement.findings)
      findings.push_back({{"source", found.source},
                          {"server", found.server},
                          {"finding", name(found.finding)},
                          {"detail", found.detail},
                          {"last_seen", instant(found.last_seen)},
                          {"remedy", or_null(found.remedy)}});
    structures.push_back(
        {{"structure", judgement.structure},
         {"verdict", name(judgement.verdict)},
         {"window",
          {{"from", show_iso(judgement.from)}, {"to", show_iso(judgement.to)}, {"covered", judgement.covered}}},
         {"findings", findings},
         {"reasons", judgement.reasons}});
  }
  return dumped({{"schema_version", 1}, {"plan", plan}, {"structures", structures}}, true) + "\n";
}

std::string comparison_text(std::string_view plan, const daemon::Comparison& comparison) {
  std::string text = std::string(plan) + ": " + show_rows(comparison.rows) + " compared, " +
                     (comparison.wrong == 0 ? "none" : show_count(comparison.wrong)) + " wrong\n";
  const auto add = [&text](std::int64_t count, const std::string& what) {
    if (count > 0) text += "  " + show_count(count) + " " + what + "\n";
  };
  add(comparison.both_sides, "written by the application on both sides, its values stand");
  add(comparison.quarantined, "in quarantine: they could not be converted");
  add(comparison.unfilled, "not filled yet");
  for (const std::string& key : comparison.samples) text += "  wrong: " + printable(key) + "\n";
  return text;
}

std::string comparison_json(std::string_view plan, const daemon::Comparison& comparison) {
  Json samples = Json::array();
  for (const std::string& key : comparison.samples) samples.push_back(parsed(key));
  return dumped({{"schema_version", 1},
                 {"plan", plan},
                 {"rows", comparison.rows},
                 {"wrong", comparison.wrong},
                 {"both_sides", comparison.both_sides},
                 {"quarantined", comparison.quarantined},
                 {"unfilled", comparison.unfilled},
                 {"samples", samples}},
                true) +
         "\n";
}

std::string turn_back_text(std::string_view plan, State to, const daemon::TurnBack& way) {
  std::string text = "Turning " + std::string(plan) + " back to " + std::string(name(to)) + " takes about " +
                     show_duration(std::chrono::seconds(way.seconds)) + ":\n";
  if (way.steps.empty()) text += "  nothing to do\n";
  for (std::size_t i = 0; i < way.steps.size(); ++i)
    text += "  " + std::to_string(i + 1) + ". " + printable(way.steps[i]) + "\n";
  if (way.losses.empty()) return text + "Nothing is lost.\n";
  text += "What would be lost:\n";
  for (const std::string& loss : way.losses) text += "  - " + printable(loss) + "\n";
  return text;
}

std::string turn_back_json(std::string_view plan, State to, const daemon::TurnBack& way) {
  return dumped({{"schema_version", 1},
                 {"plan", plan},
                 {"to", name(to)},
                 {"steps", way.steps},
                 {"losses", way.losses},
                 {"seconds", way.seconds}},
                true) +
         "\n";
}

}  // namespace switchback::cli
