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

std::string who_of(const engine::EventRecord& event) {
  return event.role + " (" + event.os_user + "@" + event.host + (event.pipeline.empty() ? "" : ", " + event.pipeline) +
         ")";
}

}  // namespace

std::string history_text(const std::vector<engine::EventRecord>& events, Paint paint) {
  if (events.empty()) return "nothing has happened yet\n";
  std::vector<std::vector<std::string>> rows{{"AT", "PLAN", "EVENT", "STATE", "WHO", "REASON"}};
  for (const auto& event : events)
    rows.push_back({event.at, printable(event.plan), printable(event.kind), change_of(event), printable(who_of(event)),
                    printable(event.reason)});
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
                    {"actor",
                     {{"role", event.role},
                      {"os_user", event.os_user},
                      {"host", event.host},
                      {"pipeline", or_null(event.pipeline)}}},
                    {"reason", or_null(event.reason)},
                    {"lsn", or_null(event.lsn)},
                    {"detail", parsed(event.detail)},
                    {"id", event.id},
                    {"hash", event.hash},
                    {"previous", event.previous}};
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
  if (way.losses.empty()) text += "Nothing is lost.\n";
  if (!way.losses.empty()) text += "What would be lost:\n";
  for (const std::string& loss : way.losses) text += "  - " + printable(loss) + "\n";
  if (!way.uses.empty()) text += "Statements that used what goes:\n";
  for (const std::string& use : way.uses) text += "  - " + printable(use) + "\n";
  if (!way.images.empty()) text += "Images that would break:\n";
  for (const std::string& image : way.images) text += "  - " + printable(image) + "\n";
  return text;
}

std::string verification_text(const engine::Verification& found) {
  std::string text = "Looked at after turning back:\n";
  const auto line = [&text](bool good, const std::string& what) {
    text += std::string("  ") + (good ? "" : "WRONG: ") + printable(what) + "\n";
  };
  for (const engine::VerifiedTable& table : found.tables) {
    const bool good = !table.compared || table.compared->wrong == 0;
    std::string what = shown(table.table) + ": " + show_rows(table.rows);
    if (table.compared) what += " compared, " + (good ? "none" : show_count(table.compared->wrong)) + " wrong";
    line(good, what);
    for (const engine::SideSum& side : table.sides) {
      std::string columns;
      for (const std::string& column : side.columns) columns += (columns.empty() ? "" : ", ") + shown(column);
      text += "    checksum " + side.checksum + " of " + printable(columns.empty() ? "every column" : columns) + "\n";
    }
    if (table.compared)
      for (const std::string& key : table.compared->samples) text += "    wrong: " + printable(key) + "\n";
  }
  for (const engine::SmokeResult& one : found.smoke)
    line(one.error.empty(), "smoke test: " + one.sql + (one.error.empty() ? ": passed" : ": " + one.error));
  for (const engine::ImageResult& image : found.images) {
    const bool yes = image.verdict == GateVerdict::yes;
    line(!image.wrong,
         image.image + (yes ? ": the server takes its statements" : ": " + std::string(name(image.verdict))));
    for (const std::string& reason : image.reasons) text += "    " + printable(reason) + "\n";
  }
  return text;
}

std::string turn_back_json(std::string_view plan, State to, const daemon::TurnBack& way) {
  return dumped({{"schema_version", 1},
                 {"plan", plan},
                 {"to", name(to)},
                 {"steps", way.steps},
                 {"losses", way.losses},
                 {"images", way.images},
                 {"uses", way.uses},
                 {"seconds", way.seconds}},
                true) +
         "\n";
}

}  // namespace switchback::cli
