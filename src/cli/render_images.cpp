#include "render_images.hpp"

#include "github_text.hpp"
#include "switchback/core/units.hpp"

namespace switchback::cli {
namespace {

std::string columns_of_use(const std::vector<std::string>& names, bool all) {
  std::string text = all ? "*" : "";
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

/// `users (read id, full_name; write full_name)`.
std::string needs_of(const Footprint& footprint) {
  std::string text;
  for (const TableUse& use : footprint.tables) {
    const std::string reads = columns_of_use(use.reads, use.reads_all);
    const std::string writes = columns_of_use(use.writes, use.writes_all);
    text += (text.empty() ? "" : "; ") + shown(use.table);
    if (!reads.empty()) text += " reads " + reads;
    if (!writes.empty()) text += " writes " + writes;
  }
  if (footprint.partial) text += std::string(text.empty() ? "" : "; ") + "the rest is not known";
  if (!footprint.unclear.empty()) text += "; " + std::to_string(footprint.unclear.size()) + " unclear";
  return text;
}

Json or_null(const std::optional<std::string>& text) {
  return text ? Json(*text) : Json();
}

Json instant_or_null(const std::optional<Instant>& at) {
  return at ? Json(show_iso(*at)) : Json();
}

std::string title_property(std::string_view image, GateKind kind) {
  return github_property("switchback gate " + std::string(name(kind)) + " " + printable(image));
}

std::string line_of(const GateReason& reason) {
  return (reason.structure.empty() ? "" : reason.structure + ": ") + reason.why;
}

std::string remedy_of(const GateReason& reason) {
  if (reason.remedy.empty()) return "";
  const std::string time =
      reason.remedy_seconds ? " (about " + show_duration(std::chrono::seconds(*reason.remedy_seconds)) + ")" : "";
  return reason.remedy + time;
}

}  // namespace

Json tables_json(const Footprint& footprint) {
  Json tables = Json::array();
  for (const TableUse& use : footprint.tables)
    tables.push_back({{"table", shown(use.table)},
                      {"read", use.reads},
                      {"reads_all", use.reads_all},
                      {"write", use.writes},
                      {"writes_all", use.writes_all},
                      {"insert", name(use.insert)}});
  return tables;
}

std::string images_text(const std::vector<RegisteredImage>& images, Paint paint) {
  if (images.empty()) return "no image is registered\n";
  std::vector<std::vector<std::string>> rows{{"IMAGE", "BY", "DEPLOYED", "KEPT", "NEEDS"}};
  for (const RegisteredImage& image : images) {
    const std::string kept = image.pinned    ? "pinned: " + *image.pinned
                             : image.retired ? "retired: " + *image.retired
                                             : std::string();
    rows.push_back({printable(image.name), image.source, image.last_deployed ? show_iso(*image.last_deployed) : "",
                    printable(kept), printable(needs_of(image.footprint))});
  }
  return table(rows, paint);
}

std::string images_json(const std::vector<RegisteredImage>& images) {
  Json list = Json::array();
  for (const RegisteredImage& image : images)
    list.push_back({{"image", image.name},
                    {"source", image.source},
                    {"registered_at", show_iso(image.registered_at)},
                    {"registered_by", image.registered_by},
                    {"first_deployed", instant_or_null(image.first_deployed)},
                    {"last_deployed", instant_or_null(image.last_deployed)},
                    {"pinned", or_null(image.pinned)},
                    {"retired", or_null(image.retired)},
                    {"complete", !image.footprint.partial && image.footprint.unclear.empty()},
                    {"tables", tables_json(image.footprint)},
                    {"unclear", image.footprint.unclear}});
  return dumped({{"schema_version", 1}, {"images", list}}, true) + "\n";
}

std::string horizon_text(const std::vector<HorizonImage>& images, Paint paint) {
  if (images.empty()) return "no image is in the horizon\n";
  std::vector<std::vector<std::string>> rows{{"IMAGE", "KNOWN", "WHY"}};
  for (const HorizonImage& image : images)
    for (std::size_t i = 0; i < image.reasons.size(); ++i)
      rows.push_back({i == 0 ? printable(image.name) : "", i == 0 ? (image.known ? "yes" : "no: unknown") : "",
                      printable(image.reasons[i])});
  return table(rows, paint);
}

std::string horizon_json(const std::vector<HorizonImage>& images) {
  Json list = Json::array();
  for (const HorizonImage& image : images)
    list.push_back({{"image", image.name}, {"known", image.known}, {"live", image.live}, {"reasons", image.reasons}});
  return dumped({{"schema_version", 1}, {"horizon", list}}, true) + "\n";
}

std::string gate_text(std::string_view image, GateKind kind, const GateAnswer& answer, Paint paint) {
  const std::string word(name(answer.verdict));
  const std::string shown_word = answer.verdict == GateVerdict::yes  ? paint.good(word)
                                 : answer.verdict == GateVerdict::no ? paint.bad(word)
                                                                     : paint.warn(word);
  std::string text = std::string(name(kind)) + " " + printable(image) + ": " + shown_word + "\n";
  for (const GateReason& reason : answer.reasons) {
    text += "  " + printable(line_of(reason)) + "\n";
    const std::string remedy = remedy_of(reason);
    if (!remedy.empty()) text += "    remedy: " + printable(remedy) + "\n";
  }
  std::string safe;
  for (const std::string& other : answer.alternatives) safe += (safe.empty() ? "" : ", ") + other;
  if (!safe.empty()) text += "  safe now: " + printable(safe) + "\n";
  for (const std::string& note : answer.notes) text += "  note: " + printable(note) + "\n";
  if (answer.skip_migrations) text += "  older than what runs: the pipeline skips its migrations\n";
  return text;
}

std::string gate_json(std::string_view image, GateKind kind, const GateAnswer& answer) {
  Json reasons = Json::array();
  for (const GateReason& reason : answer.reasons)
    reasons.push_back({{"structure", cli::or_null(reason.structure)},
                       {"why", reason.why},
                       {"unknown", reason.unknown},
                       {"plan", cli::or_null(reason.plan)},
                       {"remedy", cli::or_null(reason.remedy)},
                       {"remedy_seconds", reason.remedy_seconds ? Json(*reason.remedy_seconds) : Json()}});
  return dumped({{"schema_version", 1},
                 {"image", image},
                 {"answer", name(answer.verdict)},
                 {"kind", name(kind)},
                 {"skip_migrations", answer.skip_migrations},
                 {"reasons", reasons},
                 {"alternatives", answer.alternatives},
                 {"notes", answer.notes}},
                true) +
         "\n";
}

std::string gate_github_failure(std::string_view image, GateKind kind, const Error& error) {
  return "::error title=" + title_property(image, kind) +
         "::" + github_escaped(std::string(error.what()) + (error.hint().empty() ? "" : "\n" + error.hint())) + "\n";
}

std::string gate_github(std::string_view image, GateKind kind, const GateAnswer& answer) {
  const std::string property = title_property(image, kind);
  std::string text;
  for (const GateReason& reason : answer.reasons) {
    const std::string remedy = remedy_of(reason);
    text += "::error title=" + property +
            "::" + github_escaped(line_of(reason) + (remedy.empty() ? "" : "\nremedy: " + remedy)) + "\n";
  }
  for (const std::string& note : answer.notes)
    text += "::notice title=" + property + "::" + github_escaped(note) + "\n";
  if (answer.verdict == GateVerdict::yes) text += "::notice title=" + property + "::yes\n";
  return text;
}

}  // namespace switchback::cli
