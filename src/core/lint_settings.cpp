// What a plan, or its configuration, asks of the runner.
#include "lint_rules.hpp"
#include "switchback/core/units.hpp"

namespace switchback::linting {
namespace {

void long_lock_timeout(Looking& looking) {
  constexpr std::chrono::milliseconds longest{5000};
  if (looking.settings().lock_timeout > longest)
    looking.say(looking.at("lock_timeout"),
                "a step may wait " + format_duration(looking.settings().lock_timeout) +
                    " for its lock, and everybody who wants the table meanwhile waits behind it",
                "2s is enough: the step is tried again until it gets through");
}

void signal_ignored(Looking& looking) {
  const HealthLimits& health = looking.settings().health;
  const auto look = [&](SignalPolicy policy, const std::string& key, const std::string& what) {
    if (policy == SignalPolicy::ignore)
      looking.say(looking.at("health." + key + ".policy"),
                  "the backfill does not look at " + what + ": it goes on writing while that is bad",
                  "optional still holds when it is seen bad, and goes on when it cannot be read");
  };
  if (filled_tables(looking.plan()).empty()) return;
  look(health.slots, "slots", "replication slots that fall behind");
  look(health.wal_archiving, "wal_archiving", "WAL that waits to be archived");
  look(health.free_space, "free_space", "free space");
  look(health.sync_rep, "sync_rep", "commits that wait for a synchronous standby");
  for (const auto& [name, policy] : looking.settings().replicas)
    if (policy == ReplicaPolicy::ignore &&
        looking.plan().settings.end() != std::ranges::find(looking.plan().settings, "health.replicas." + name,
                                                           [](const auto& one) { return one.first; }))
      looking.say(looking.at("health.replicas"),
                  "the backfill does not look at the lag of replica " + name + ": whoever reads there reads old rows",
                  "optional still holds when it lags");
}

void long_batches(Looking& looking) {
  constexpr std::chrono::milliseconds longest{250};
  const auto say = [&](Place place, std::chrono::milliseconds target) {
    looking.say(place,
                "a batch takes " + format_duration(target) +
                    ", and the rows in it are locked that long: an image that writes one of them waits",
                "25ms keeps the waits short, and more workers bring the speed");
  };
  bool own = false;
  const auto look = [&](const Step& step, const auto& filling) {
    if (!filling.batch.target) return;
    own = true;
    if (*filling.batch.target > longest) say(looking.at(step, "batch.target"), *filling.batch.target);
  };
  looking.each<Backfill>(look);
  looking.each<CopyTable>(look);
  looking.each<PairTables>(look);
  if (!own && !filled_tables(looking.plan()).empty() && looking.settings().batch_target > longest)
    say(looking.at("backfill.batch.target"), looking.settings().batch_target);
}

void gentle_with_workers(Looking& looking) {
  const Settings& settings = looking.settings();
  if (settings.gentle && settings.workers > 1 && !filled_tables(looking.plan()).empty())
    looking.say(looking.at("backfill.gentle"),
                "gentle means one worker: the " + std::to_string(settings.workers) + " that are set are not used",
                "keep one of the two");
}

constexpr Check checks[] = {
    {{"long-lock-timeout", LintSeverity::warning, "a step may keep others waiting for long"}, long_lock_timeout},
    {{"signal-ignored", LintSeverity::warning, "a health signal is not looked at"}, signal_ignored},
    {{"long-batches", LintSeverity::warning, "batches lock their rows for long"}, long_batches},
    {{"gentle-with-workers", LintSeverity::warning, "gentle and several workers exclude one another"},
     gentle_with_workers},
};

}  // namespace

std::span<const Check> setting_checks() {
  return checks;
}

}  // namespace switchback::linting
