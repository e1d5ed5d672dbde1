#include "switchback/core/pacing.hpp"

#include <algorithm>

#include "switchback/core/units.hpp"

namespace switchback {
namespace {

constexpr std::int64_t smallest_batch = 10;
constexpr std::int64_t largest_batch = 50'000;

/// How many times over its limit a cost is; 1 is just right.
double share(double cost, double limit) {
  return limit > 0 ? cost / limit : 0;
}

ReplicaPolicy policy_of(const std::string& replica, const Settings& settings) {
  const auto found = settings.replicas.find(replica);
  return found == settings.replicas.end() ? ReplicaPolicy::required : found->second;
}

}  // namespace

void BatchSizer::observe(std::int64_t rows, std::chrono::microseconds took, std::int64_t wal_bytes,
                         std::chrono::milliseconds target, std::int64_t max_wal) {
  if (rows <= 0) return;
  const double over = std::max(share(static_cast<double>(took.count()), static_cast<double>(target.count()) * 1000.0),
                               share(static_cast<double>(wal_bytes), static_cast<double>(max_wal)));
  // A batch smaller than asked for (the end of a range) says nothing about growing.
  if (over > 5)
    rows_ = rows / 10;
  else if (over > 1.25)
    rows_ = rows / 2;
  else if (over > 0 && rows >= rows_)
    rows_ = static_cast<std::int64_t>(static_cast<double>(rows) * std::min(1.5, 1.0 / over));
  rows_ = std::clamp(rows_, smallest_batch, largest_batch);
}

std::optional<Hold> ReplicationGate::judge(Monotonic now, const ReplicationSample& sample, const Settings& settings) {
  std::vector<std::string> over;
  bool under_target = true;
  const auto unknown_for = [&](const std::string& what, bool is_unknown) -> std::optional<std::chrono::milliseconds> {
    if (!is_unknown) {
      unknown_since_.erase(what);
      return std::nullopt;
    }
    const Monotonic since = unknown_since_.try_emplace(what, now).first->second;
    return std::chrono::duration_cast<std::chrono::milliseconds>(now - since);
  };
  const auto note_unknown = [&](const std::string& what, const std::string& why, bool is_unknown) {
    const auto lasting = unknown_for(what, is_unknown);
    if (!lasting) return;
    under_target = false;
    if (*lasting >= settings.health_grace) over.push_back(why + " for " + show_duration(*lasting));
  };

  const auto age = std::chrono::duration_cast<std::chrono::milliseconds>(now - sample.at);
  const bool stale =
      !sample.problem.empty() || age > std::max(std::chrono::milliseconds(2000), settings.health_grace / 4);
  note_unknown(
      "", sample.problem.empty() ? "replication could not be read" : "replication could not be read: " + sample.problem,
      stale);
  for (const ReplicaReading& replica : sample.replicas) {
    if (policy_of(replica.name, settings) != ReplicaPolicy::required) continue;
    note_unknown(replica.name, "replica " + replica.name + " " + replica.problem, !replica.lag);
    if (!replica.lag) continue;
    if (*replica.lag >= settings.lag_limit)
      over.push_back("replica " + replica.name + " lag " + show_duration(*replica.lag) + " over " +
                     show_duration(settings.lag_limit));
    under_target &= *replica.lag < settings.lag_target;
  }

  if (!over.empty()) {
    held_ = true;
    last_reasons_ = over;
    clear_since_.reset();
  } else if (held_) {
    if (!under_target)
      clear_since_.reset();
    else if (!clear_since_)
      clear_since_ = now;
    if (clear_since_ && now - *clear_since_ >= settings.lag_clear) held_ = false;
  }
  if (!held_) return std::nullopt;
  Hold hold{HoldKind::health,
            last_reasons_.front(),
            "every required replica's lag under " + show_duration(settings.lag_target) + " for " +
                show_duration(settings.lag_clear),
            {}};
  if (last_reasons_.size() > 1) hold.reasons = last_reasons_;
  return hold;
}

std::string worst_lag(const ReplicationSample& sample) {
  const ReplicaReading* worst = nullptr;
  for (const ReplicaReading& replica : sample.replicas) {
    if (!replica.lag) return replica.name + " unknown";
    if (!worst || *replica.lag > *worst->lag) worst = &replica;
  }
  return worst ? worst->name + " " + show_duration(*worst->lag) : "";
}

}  // namespace switchback
