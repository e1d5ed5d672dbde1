#include "render_capture.hpp"

#include "json_text.hpp"
#include "render_images.hpp"

namespace switchback::cli {
namespace {

std::string all_of(const std::vector<std::string>& names, bool all) {
  std::string text = all ? "*" : "";
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + shown(std::string_view(name));
  return text;
}

std::string inserts_of(const TableUse& use) {
  if (use.insert == InsertForm::none) return "";
  if (use.insert == InsertForm::named) return all_of(use.supplies, false);
  return (use.insert == InsertForm::copy ? "COPY, in order: " : "by position: ") + all_of(use.positions, false);
}

std::string lines_of(const std::string& title, const std::vector<Need>& needs) {
  std::string text;
  for (const Need& need : needs) text += "  " + title + printable(shown(need)) + "\n";
  return text;
}

Json needs_json(const std::vector<Need>& needs) {
  Json list = Json::array();
  for (const Need& need : needs) list.push_back({{"table", shown(need.table)}, {"what", need.what}});
  return list;
}

}  // namespace

std::string capture_text(const CaptureReport& report, Paint paint) {
  std::vector<std::vector<std::string>> rows{{"TABLE", "READS", "WRITES", "INSERTS GIVE"}};
  for (const TableUse& use : report.found.tables)
    rows.push_back({printable(shown(use.table)), printable(all_of(use.reads, use.reads_all)),
                    printable(all_of(use.writes, use.writes_all)), printable(inserts_of(use))});
  std::string text = table(rows, paint);
  if (report.known_before) {
    text += lines_of("not registered before: ", report.beyond);
    text += lines_of("registered and not seen: ", report.not_seen);
    if (report.beyond.empty() && report.not_seen.empty()) text += "  just what was registered before\n";
  }
  for (const std::string& unclear : report.found.unclear)
    text += "  " + paint.warn("unclear: ") + printable(unclear) + "\n";
  return text;
}

std::string capture_json(const CaptureReport& report) {
  return dumped({{"schema_version", 1},
                 {"image", report.image},
                 {"role", report.role},
                 {"statements", report.statements},
                 {"registered", report.registered},
                 {"tables", tables_json(report.found)},
                 {"unclear", report.found.unclear},
                 {"beyond", needs_json(report.beyond)},
                 {"not_seen", needs_json(report.not_seen)}},
                true) +
         "\n";
}

}  // namespace switchback::cli
