#include <algorithm>
#include <array>
#include <set>

#include "json_text.hpp"
#include "switchback/cli/render.hpp"
#include "switchback/core/evidence_sources.hpp"
#include "switchback/core/units.hpp"

namespace switchback::cli {
namespace {

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

constexpr std::size_t label_width = 13;

/// One block: a label, and text that goes on under itself.
std::string entry(const std::string& label, const std::string& text, std::size_t columns) {
  const std::string margin = "  " + label + std::string(label_width - columns_of(label), ' ');
  return hanging(margin, text, columns);
}

/// Who and what: the sentence, then where it was seen and when, then what to do.
std::string finding(const std::string& label, const Observation& found, std::size_t columns, Paint paint) {
  std::string text = entry(label, printable(found.detail), columns);
  std::string where = found.source + " on " + found.server;
  if (found.last_seen) where += ", last seen " + show_iso(*found.last_seen);
  text += paint.dim(entry("", printable(where), columns));
  if (!found.remedy.empty()) text += entry("", "-> " + printable(found.remedy), columns);
  return text;
}

std::string findings(const Judgement& judgement, Finding kind, const std::string& label, std::size_t columns,
                     Paint paint) {
  std::string text;
  for (const Observation& found : judgement.findings)
    if (found.finding == kind) text += finding(text.empty() ? label : "", found, columns, paint);
  return text;
}

std::string list(const std::string& label, const std::vector<std::string>& lines, std::size_t columns) {
  std::string text;
  for (const std::string& line : lines) text += entry(text.empty() ? label : "", printable(line), columns);
  return text;
}

/// What each source found when it found nothing against it.
std::string found_by(const Judgement& judgement, const std::string& source, const std::string& server) {
  std::string text;
  for (const Observation& found : judgement.findings) {
    if (found.source != source || found.server != server) continue;
    const std::string one = found.finding == Finding::clear ? found.detail : std::string(name(found.finding));
    if (text.find(one) == std::string::npos) text += (text.empty() ? "" : "; ") + one;
  }
  return text.empty() ? "nothing" : text;
}

std::string padded(const std::string& text, std::size_t columns) {
  return text + std::string(columns - std::min(columns, columns_of(text)), ' ');
}

/// Each source and server once: covered from and to, and what it found, under which it goes on.
std::string evidence(const Judgement& judgement, std::size_t columns, Paint paint) {
  std::vector<std::array<std::string, 5>> rows{{"SOURCE", "SERVER", "COVERED FROM", "TO", "FOUND"}};
  std::set<std::pair<std::string, std::string>> shown;
  const auto add = [&](const std::string& source, const std::string& server, const Coverage* coverage) {
    if (!shown.emplace(source, server).second) return;
    const bool covered = coverage && coverage->from && coverage->to;
    rows.push_back({source, printable(server),
                    covered    ? show_iso(*coverage->from)
                    : coverage ? "never"
                               : "as of now",
                    covered ? show_iso(*coverage->to) : "", printable(found_by(judgement, source, server))});
  };
  for (const Coverage& one : judgement.coverage) add(one.source, one.server, &one);
  for (const Observation& one : judgement.findings) add(one.source, one.server, nullptr);
  std::array<std::size_t, 4> widths{};
  for (const auto& row : rows)
    for (std::size_t i = 0; i < widths.size(); ++i) widths[i] = std::max(widths[i], columns_of(row[i]));
  std::string text;
  for (const auto& row : rows) {
    std::string margin = "  ";
    for (std::size_t i = 0; i < widths.size(); ++i) margin += padded(row[i], widths[i] + 2);
    text += text.empty() ? paint.bold(margin + row[4]) + "\n" : hanging(margin, row[4], columns);
  }
  return text;
}

/// Of every source that any of them was judged by, once.
std::string blind_spots(const std::vector<Judgement>& judgements, std::size_t columns, Paint paint) {
  std::set<std::string> named;
  std::string text;
  const auto add = [&](const std::string& source) {
    const EvidenceSource* spec = evidence_source(source);
    if (!spec || spec->cannot_see.empty() || !named.insert(source).second) return;
    text += entry(text.empty() ? "cannot see" : "", source + ": " + std::string(spec->cannot_see), columns);
  };
  for (const Judgement& judgement : judgements) {
    for (const Coverage& one : judgement.coverage) add(one.source);
    for (const Observation& one : judgement.findings) add(one.source);
  }
  return text.empty() ? "" : "\n" + paint.dim(text);
}

Json instant(const std::optional<Instant>& at) {
  return at ? Json(show_iso(*at)) : Json();
}

Json findings_json(const std::vector<Observation>& all) {
  Json findings = Json::array();
  for (const Observation& found : all)
    findings.push_back({{"source", found.source},
                        {"server", found.server},
                        {"finding", name(found.finding)},
                        {"detail", found.detail},
                        {"last_seen", instant(found.last_seen)},
                        {"remedy", or_null(found.remedy)}});
  return findings;
}

Json coverage_json(const std::vector<Coverage>& all) {
  Json coverage = Json::array();
  for (const Coverage& one : all)
    coverage.push_back({{"source", one.source},
                        {"server", one.server},
                        {"from", instant(one.from)},
                        {"to", instant(one.to)},
                        {"cut_by", or_null(one.cut_by)}});
  return coverage;
}

}  // namespace

std::string usage_text(std::string_view plan, const std::vector<Judgement>& judgements, Paint paint,
                       std::size_t columns) {
  if (judgements.empty()) return std::string(plan) + " takes nothing away: there is no use to look for\n";
  std::string text;
  for (const Judgement& judgement : judgements) {
    text += (text.empty() ? "" : "\n") + paint.bold(judgement.structure) + ": " +
            verdict_word(judgement.verdict, paint) + "\n";
    text += entry("window",
                  show_iso(judgement.from) + " to " + show_iso(judgement.to) + " (" +
                      show_duration(judgement.to - judgement.from) + "), " + share(judgement.covered) + " covered",
                  columns);
    text += findings(judgement, Finding::used, "used by", columns, paint);
    text += findings(judgement, Finding::unknown, "unknown", columns, paint);
    text += list("not covered", judgement.shortfalls, columns);
    text += list("missing", judgement.missing, columns);
    text += evidence(judgement, columns, paint);
  }
  return text + blind_spots(judgements, columns, paint);
}

std::string usage_json(std::string_view plan, const std::vector<Judgement>& judgements, bool sealed) {
  Json structures = Json::array();
  for (const Judgement& judgement : judgements)
    structures.push_back(
        {{"structure", judgement.structure},
         {"verdict", name(judgement.verdict)},
         {"window",
          {{"from", show_iso(judgement.from)}, {"to", show_iso(judgement.to)}, {"covered", judgement.covered}}},
         {"findings", findings_json(judgement.findings)},
         {"reasons", judgement.reasons},
         {"missing", judgement.missing},
         {"coverage", coverage_json(judgement.coverage)}});
  return dumped({{"schema_version", 1}, {"plan", plan}, {"sealed", sealed}, {"structures", structures}}, true) + "\n";
}

}  // namespace switchback::cli
