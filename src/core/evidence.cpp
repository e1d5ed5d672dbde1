#include "switchback/core/evidence.hpp"

#include <algorithm>

#include "switchback/core/units.hpp"

namespace switchback {
namespace {

using std::chrono::milliseconds;

/// A sighting after `from`, or one that holds now.
bool counts(const Observation& observation, Instant from) {
  return !observation.last_seen || *observation.last_seen >= from;
}

milliseconds covered_time(const Coverage& coverage, Instant from, Instant now, milliseconds fresh) {
  if (!coverage.from || !coverage.to) return milliseconds{0};
  const Instant end = *coverage.to + fresh >= now ? now : *coverage.to;
  return std::max(milliseconds{0}, end - std::max(*coverage.from, from));
}

std::string shortfall(const Coverage& coverage, milliseconds covered, milliseconds window, Instant now,
                      milliseconds fresh) {
  std::string text = coverage.source + " on " + coverage.server + ": seen for " + show_duration(covered) + " of " +
                     show_duration(window);
  if (!coverage.cut_by.empty()) text += " (" + coverage.cut_by + ")";
  if (!coverage.to) return text + "; not sampled yet";
  if (*coverage.to + fresh < now)
    text += "; last sampled " + show_duration(now - *coverage.to) + " ago: is a runner up?";
  return text;
}

/// The smallest share of the window that any server of a source covers; a source nobody samples covers nothing.
double share(const StructureEvidence& evidence, const std::string& source, Instant from, Instant now,
             milliseconds fresh, std::vector<std::string>& reasons) {
  const milliseconds window = now - from;
  double least = 1;
  bool sampled = false;
  for (const Coverage& coverage : evidence.coverage) {
    if (coverage.source != source) continue;
    sampled = true;
    const milliseconds covered = covered_time(coverage, from, now, fresh);
    const bool seen = coverage.from && coverage.to && *coverage.to + fresh >= now;
    if (covered >= window && seen) continue;
    reasons.push_back(shortfall(coverage, covered, window, now, fresh));
    const double part =
        window.count() > 0 ? static_cast<double>(covered.count()) / static_cast<double>(window.count()) : 0;
    least = std::min(least, part);
  }
  if (sampled) return least;
  reasons.push_back(source + ": not sampled yet");
  return 0;
}

std::string in_words(const Observation& observation, Instant now) {
  std::string text = observation.source + " on " + observation.server + ": " + observation.detail;
  if (observation.last_seen)
    text += ", last seen " + show_duration(std::max(milliseconds{0}, now - *observation.last_seen)) + " ago";
  if (!observation.remedy.empty()) text += "; " + observation.remedy;
  return text;
}

void collect(const StructureEvidence& evidence, Finding finding, Instant from, Judgement& judgement) {
  for (const Observation& observation : evidence.observations)
    if (observation.finding == finding && counts(observation, from)) {
      judgement.findings.push_back(observation);
      if (finding != Finding::clear) judgement.reasons.push_back(in_words(observation, judgement.to));
    }
}

std::vector<std::string> missing_for(const Judgement& judgement, milliseconds fresh,
                                     const std::vector<std::string>& required_sources) {
  std::vector<std::string> missing;
  const auto add = [&](const std::string& what) {
    if (!what.empty() && std::find(missing.begin(), missing.end(), what) == missing.end()) missing.push_back(what);
  };
  for (const Observation& one : judgement.findings)
    if (one.finding != Finding::clear) add(one.remedy);
  const milliseconds window = judgement.to - judgement.from;
  bool asleep = false;
  milliseconds left{0};
  for (const Coverage& one : judgement.coverage) {
    if (std::find(required_sources.begin(), required_sources.end(), one.source) == required_sources.end()) continue;
    asleep |= !one.to || *one.to + fresh < judgement.to;
    left = std::max(left, one.from ? window - (judgement.to - *one.from) : window);
  }
  if (asleep) add("keep a runner up that samples: switchback run PLAN --to hidden --wait");
  if (left.count() > 0) add("time: " + show_duration(left) + " more without a gap");
  return missing;
}

}  // namespace

milliseconds freshness(std::chrono::seconds window) {
  const milliseconds most = std::chrono::minutes{15};
  // A window of days must not make the sum overflow; a quarter of it never does.
  return std::min(most, milliseconds{window} / 4 + milliseconds{2000});
}

Judgement judge(const StructureEvidence& evidence, Instant now, std::chrono::seconds window,
                std::vector<std::string> required_sources) {
  required_sources.insert(required_sources.end(), evidence.required.begin(), evidence.required.end());
  Judgement judgement;
  judgement.structure = evidence.structure;
  judgement.from = now - window;
  judgement.to = now;
  judgement.covered = 1;

  collect(evidence, Finding::used, judgement.from, judgement);
  const bool used = !judgement.findings.empty();
  collect(evidence, Finding::unknown, judgement.from, judgement);

  judgement.coverage = evidence.coverage;
  for (const std::string& source : required_sources)
    judgement.covered = std::min(judgement.covered,
                                 share(evidence, source, judgement.from, now, freshness(window), judgement.shortfalls));
  judgement.reasons.insert(judgement.reasons.end(), judgement.shortfalls.begin(), judgement.shortfalls.end());

  if (used)
    judgement.verdict = Verdict::used;
  else if (!judgement.reasons.empty())
    judgement.verdict = Verdict::unknown;
  else
    judgement.verdict = Verdict::unused;
  judgement.missing = missing_for(judgement, freshness(window), required_sources);
  collect(evidence, Finding::clear, Instant::min(), judgement);
  return judgement;
}

std::optional<milliseconds> clock_step(milliseconds server, milliseconds own, milliseconds blur) {
  const milliseconds step = server - own;
  const milliseconds tolerated = milliseconds{2000} + blur + std::chrono::abs(own) / 1000;
  return std::chrono::abs(step) > tolerated ? std::optional(step) : std::nullopt;
}

std::string_view name(Verdict verdict) {
  switch (verdict) {
    case Verdict::used:
      return "used";
    case Verdict::unknown:
      return "unknown";
    case Verdict::unused:
      return "unused";
  }
  return "unknown";
}

std::string_view name(Finding finding) {
  switch (finding) {
    case Finding::used:
      return "used";
    case Finding::clear:
      return "clear";
    case Finding::unknown:
      return "unknown";
  }
  return "unknown";
}

}  // namespace switchback
