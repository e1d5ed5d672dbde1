#include "switchback/core/pacing.hpp"

#include <algorithm>
#include <cmath>

#include "switchback/core/units.hpp"

namespace switchback {
namespace {

/// Never quite still: standing still is what holds are for, and a replica without work cannot show what it can drain.
constexpr double least_rate = 128.0 * 1024;
/// What nobody has tried yet begins at so many bytes a second for each second of the lag target, and grows by so much
/// with each reading: what a replica cannot drain is noticed while the backlog is still small.
constexpr double first_rate = 16e6;
constexpr double first_growth = 1.25;
/// How fast a backlog is brought back.
constexpr double recovery_seconds = 3.0;
/// A replica with less than so much to replay says nothing of how fast it could.
constexpr double idle_backlog_seconds = 0.03;

/// How many times over its limit a cost is; 1 is just right.
double share(double cost, double limit) {
  return limit > 0 ? cost / limit : 0;
}

ReplicaPolicy policy_of(const std::string& replica, const Settings& settings) {
  const auto found = settings.replicas.find(replica);
  return found == settings.replicas.end() ? ReplicaPolicy::required : found->second;
}

}  // namespace

void BatchSizer::observe(std::int64_t size, std::chrono::microseconds took, std::int64_t wal_bytes,
                         std::chrono::milliseconds target, std::int64_t max_wal) {
  if (size <= 0) return;
  const double over = std::max(share(static_cast<double>(took.count()), static_cast<double>(target.count()) * 1000.0),
                               share(static_cast<double>(wal_bytes), static_cast<double>(max_wal)));
  // A batch smaller than asked for (the end of a range) says nothing about growing.
  if (over > 5)
    size_ = size / 10;
  else if (over > 1.25)
    size_ = size / 2;
  else if (over > 0 && size >= size_)
    size_ = static_cast<std::int64_t>(std::ceil(static_cast<double>(size) * std::min(1.5, 1.0 / over)));
  size_ = std::clamp(size_, smallest_, largest_);
}

std::chrono::milliseconds batch_target(std::chrono::milliseconds wanted, bool gentle) {
  return gentle ? std::min(wanted, std::chrono::milliseconds(4)) : wanted;
}

std::chrono::steady_clock::duration rest_after(std::chrono::steady_clock::duration batch, bool gentle,
                                               double slowdown) {
  const double share = (gentle ? 0.25 : 1.0) * slowdown;
  return std::chrono::duration_cast<std::chrono::steady_clock::duration>(batch * (1 / share - 1));
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

void WalPacer::observe(const ReplicationSample& sample, std::int64_t own_bytes, const Settings& settings) {
  if (!sample.flushed || !sample.problem.empty()) return;
  const double seconds = last_at_ ? std::chrono::duration<double>(sample.at - *last_at_).count() : 0;
  const auto smooth = [](double& value, double now, double share) { value += share * (now - value); };
  bool writing = false;
  if (seconds > 0) {
    const double all = static_cast<double>(*sample.flushed - std::min(*sample.flushed, last_flushed_)) / seconds;
    const double ours = static_cast<double>(own_bytes - last_own_) / seconds;
    writing = ours > 0;
    if (writing) smooth(own_, ours, own_ > 0 ? 0.3 : 1);  // a hold says nothing of how fast it would be
    smooth(others_, std::max(0.0, all - ours), 0.3);
  }
  const double target = std::chrono::duration<double>(settings.lag_target).count();
  if (!begun_ && std::ranges::any_of(sample.replicas, [&](const ReplicaReading& replica) {
        return policy_of(replica.name, settings) == ReplicaPolicy::required;
      })) {
    begun_ = true;
    rate_ = target * first_rate;
  }
  bool lags = false;
  std::optional<double> able;
  std::optional<double> allowed;
  for (const ReplicaReading& reading : sample.replicas) {
    if (!reading.replayed || policy_of(reading.name, settings) != ReplicaPolicy::required) continue;
    Replica& replica = replicas_[reading.name];
    const double backlog = static_cast<double>(*sample.flushed - std::min(*sample.flushed, *reading.replayed));
    if (seconds > 0 && replica.replayed != 0) {
      const double drained =
          static_cast<double>(*reading.replayed - std::min(*reading.replayed, replica.replayed)) / seconds;
      if (backlog > drained * idle_backlog_seconds) {
        if (!replica.known) replica.drain = drained;
        replica.known = true;
        smooth(replica.drain, drained, 0.1);  // over some ten readings: some replay in bursts
      } else {
        smooth(replica.drain, std::max(replica.drain, drained), 0.1);
      }
    }
    replica.replayed = *reading.replayed;
    if (!replica.known) continue;
    able = std::min(able.value_or(replica.drain), replica.drain);
    const double lag = reading.lag ? std::chrono::duration<double>(*reading.lag).count() : 0;
    // What a replica drains is what it can drain only while it lags: with little to do, a late reply says nothing.
    const double to_come = lag >= target / 4 ? backlog / std::max(replica.drain, 1.0) : 0;
    lags |= lag >= target / 2;
    if (std::max(lag, to_come) < target) continue;
    const double here = replica.drain - others_ + (target / 2 * replica.drain - backlog) / recovery_seconds;
    allowed = std::min(allowed.value_or(here), here);
  }
  if (allowed) {
    rate_ = std::max(least_rate, *allowed);
    congested_at_ = sample.at;
  } else if (rate_ && writing) {
    // From what the slowest drains, and gently where that was felt just now; once it is far above what is written there
    // is no need of a limit.
    if (congested_at_ && able) rate_ = std::max(*rate_, *able - others_);
    *rate_ *= !congested_at_                                          ? (lags ? 1.0 : first_growth)
              : sample.at - *congested_at_ < std::chrono::seconds(10) ? 1.03
                                                                      : 1.15;
    if (*rate_ > 4 * own_) rate_.reset();
  }
  last_at_ = sample.at;
  last_flushed_ = *sample.flushed;
  last_own_ = own_bytes;
}

void WalPacer::refill(Monotonic now) {
  const double seconds = refilled_at_ ? std::chrono::duration<double>(now - *refilled_at_).count() : 0;
  refilled_at_ = now;
  // What was not used is not saved up: a burst is what a lag is made of.
  tokens_ = rate_ ? std::min(tokens_ + *rate_ * seconds, *rate_ * 0.05) : 0;
}

std::chrono::milliseconds WalPacer::wait(Monotonic now) {
  refill(now);
  if (!rate_ || tokens_ >= 0) return std::chrono::milliseconds(0);
  const double seconds = -tokens_ / *rate_;
  return std::chrono::milliseconds(static_cast<std::int64_t>(std::ceil(std::min(seconds, 10.0) * 1000)));
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
