#include "switchback/daemon/watch.hpp"

#include <algorithm>
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <condition_variable>
#include <csignal>
#include <iterator>
#include <mutex>
#include <set>
#include <thread>

#include "free_space.hpp"
#include "replica_watch.hpp"
#include "switchback/core/error.hpp"
#include "switchback/core/health.hpp"
#include "switchback/core/pacing.hpp"
#include "switchback/core/units.hpp"
#include "switchback/postgres/health.hpp"
#include "switchback/postgres/replication.hpp"

namespace switchback::daemon {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

/// A replica tells its position when it gets something; with this it does so also while the plan holds.
constexpr milliseconds tick{100};
constexpr milliseconds idle_nudge{1000};
constexpr milliseconds sampling{250};
constexpr milliseconds health_sampling{1000};

constexpr const char* blocking_sessions = R"sql(
SELECT 'waiting for a lock held by pid ' || a.pid || ' (' || coalesce(nullif(a.application_name, ''), a.usename, '?') || ', ' || coalesce(a.state, 'state hidden')
       || '): ' || coalesce(pg_catalog.left(pg_catalog.regexp_replace(a.query, '\s+', ' ', 'g'), 100), '?')
FROM (SELECT DISTINCT b.pid FROM pg_catalog.unnest($1::int[]) w(pid), pg_catalog.unnest(pg_catalog.pg_blocking_pids(w.pid)) b(pid)) b
JOIN pg_catalog.pg_stat_activity a USING (pid) ORDER BY a.xact_start LIMIT 5
)sql";

}  // namespace

struct Watch::Inside {
  Inside(Connect make, bool listen, ConnectTo connect_to)
      : connect(std::move(make)), replicas(std::move(connect_to)), signals(signal_context) {
    if (!listen) return;
    signals.add(SIGINT);
    signals.add(SIGTERM);
    asio::co_spawn(signal_context, hear_signals(), asio::detached);
    signal_thread = std::thread([this] { signal_context.run(); });
  }
  ~Inside() {
    ending = true;
    watch_context.stop();
    signal_context.stop();
    if (watch_thread.joinable()) watch_thread.join();
    if (signal_thread.joinable()) signal_thread.join();
  }

  asio::awaitable<void> hear_signals() {
    for (;;) {
      boost::system::error_code failed;
      const int number = co_await signals.async_wait(asio::redirect_error(asio::use_awaitable, failed));
      if (failed) co_return;
      if (signal_heard.exchange(number) != 0) cancel_wanted = true;
      const std::lock_guard lock(mutex);
      woken.notify_all();
    }
  }

  asio::awaitable<void> keep_watch() {
    asio::steady_timer timer(watch_context);
    while (!ending) {
      look_round();
      timer.expires_after(tick);
      co_await timer.async_wait(asio::use_awaitable);
    }
  }

  void look_round() {
    try {
      if (!session) {
        if (Clock::now() < next_connect) return;
        next_connect = Clock::now() + milliseconds(1000);
        session = connect();
        engine::register_session(*session, fence);
      }
      look();
    } catch (const Error& error) {
      if (error.remedy() != Remedy::retry) session.reset();
      const std::lock_guard lock(mutex);
      sample.problem = error.what();
    }
  }

  void look() {
    const auto now = Clock::now();
    if (now >= next_heartbeat) {
      next_heartbeat = now + lease_time() / 3;
      if (!engine::renew_lease(*session, fence)) {
        lease_lost = true;
        const std::lock_guard lock(mutex);
        woken.notify_all();
      }
    }
    if (cancel_wanted.exchange(false))
      session->exec("SELECT pg_catalog.pg_cancel_backend(pid) FROM pg_catalog.unnest($1::int[]) AS w(pid)",
                    {watched_pids()});
    if (is_writing || now >= next_nudge) {
      replication.nudge(*session);
      next_nudge = now + idle_nudge;
    }
    if (now < next_sample) return;
    next_sample = now + (is_writing ? tick : sampling);
    ReplicationSample fresh = replication.sample(*session, now, replicas.readings());
    look_at_health(now);
    std::vector<std::string> found;
    if (now >= next_blockers) {
      next_blockers = now + sampling;
      const auto rows = session->exec(blocking_sessions, {watched_pids()});
      for (std::size_t i = 0; i < rows.size(); ++i) found.push_back(rows.text(i, 0));
    }
    const std::lock_guard lock(mutex);
    sample = std::move(fresh);
    pacer.observe(sample, own_wal, settings);
    if (!found.empty()) in_the_way = std::move(found);
    judge(now);
  }

  void look_at_health(Clock::time_point now) {
    if (now < next_health) return;
    next_health = now + health_sampling;
    const Settings limits = current_settings();
    auto fresh = health_sampler.sample(*session, now, limits.health, {tables, working_pids()});
    for (const int pid : health_sampler.to_cancel())
      session->exec("SELECT pg_catalog.pg_cancel_backend($1)", {std::to_string(pid)});
    if (const auto room = free_space.look(now, limits.health)) fresh.push_back(*room);
    const std::lock_guard lock(mutex);
    own_signals = std::move(fresh);
  }

  /// Under the mutex.
  std::optional<Hold> judge(Clock::time_point now) {
    std::vector<Signal> all = own_signals;
    for (const DirectReplica& replica : replicas.readings()) {
      const auto policy = settings.replicas.find(replica.name);
      all.push_back(
          judge_replica(replica, policy == settings.replicas.end() ? ReplicaPolicy::required : policy->second));
    }
    for (const SignalSource& source : sources) {
      const auto more = source();
      all.insert(all.end(), more.begin(), more.end());
    }
    verdict = signal_gate.judge(now, all, settings.health_grace);
    const auto replication_hold = gate.judge(now, sample, settings);
    replication_signal.name = "replication";
    replication_signal.at = sample.at;
    replication_signal.state = replication_hold ? Signal::State::bad : Signal::State::good;
    replication_signal.reason = replication_hold ? replication_hold->reason : "";
    return health_hold(replication_hold, verdict);
  }

  /// Under the mutex. A signal of one slot or one table is named after it: "slots standby1".
  std::vector<Signal> readings(const std::vector<std::string>& names) const {
    std::vector<Signal> found;
    for (const std::string& name : names) {
      if (name == replication_signal.name) found.push_back(replication_signal);
      for (const Signal& one : own_signals)
        if (one.name == name || one.name.starts_with(name + " ")) found.push_back(one);
    }
    return found;
  }

  /// Of batches: who waits behind an index build is not let past it.
  std::vector<int> working_pids() {
    const std::lock_guard lock(mutex);
    return is_writing ? std::vector<int>(worker_pids.begin(), worker_pids.end()) : std::vector<int>{};
  }

  /// As an array literal.
  std::string watched_pids() {
    const std::lock_guard lock(mutex);
    std::string text;
    for (const int pid : worker_pids) text += (text.empty() ? "" : ",") + std::to_string(pid);
    return "{" + text + "}";
  }

  Settings current_settings() {
    const std::lock_guard lock(mutex);
    return settings;
  }

  milliseconds lease_time() {
    const std::lock_guard lock(mutex);
    return settings.lease;
  }

  Connect connect;
  engine::Fence fence;
  std::unique_ptr<ports::Session> session;  // of the watch thread alone
  postgres::ReplicationSampler replication;
  Clock::time_point next_connect{}, next_heartbeat{}, next_sample{}, next_health{}, next_nudge{}, next_blockers{};
  postgres::HealthSampler health_sampler;
  FreeSpaceProbe free_space;
  ReplicaWatch replicas;
  std::vector<TableName> tables;

  std::mutex mutex;  // guards what follows up to the atomics
  std::condition_variable woken;
  Settings settings;
  ReplicationSample sample;
  ReplicationGate gate;
  WalPacer pacer;
  std::int64_t own_wal = 0;
  std::set<int> worker_pids;
  std::vector<SignalSource> sources;
  std::vector<Signal> own_signals;
  Signal replication_signal;
  SignalGate signal_gate;
  SignalGate::Verdict verdict;
  std::vector<std::string> in_the_way;

  std::atomic<int> signal_heard{0};
  std::atomic<bool> cancel_wanted{false};
  std::atomic<bool> lease_lost{false};
  std::atomic<bool> is_writing{false};
  std::atomic<bool> ending{false};

  asio::io_context signal_context;
  asio::io_context watch_context;
  asio::signal_set signals;
  std::thread signal_thread;
  std::thread watch_thread;
};

Watch::Watch(Connect connect, bool signals, ConnectTo connect_to)
    : inside_(std::make_unique<Inside>(std::move(connect), signals, std::move(connect_to))) {}
Watch::~Watch() = default;

void Watch::start(const engine::Fence& fence, const Settings& settings, std::vector<TableName> tables) {
  inside_->fence = fence;
  inside_->settings = settings;
  inside_->tables = std::move(tables);
  inside_->replicas.start(settings.replica_connect);
  inside_->sample.at = Clock::now();
  inside_->look_round();  // the first batch must not run before the replicas were looked at
  asio::co_spawn(inside_->watch_context, inside_->keep_watch(), asio::detached);
  inside_->watch_thread = std::thread([this] { inside_->watch_context.run(); });
}

void Watch::add_source(SignalSource source) {
  const std::lock_guard lock(inside_->mutex);
  inside_->sources.push_back(std::move(source));
}

std::vector<Signal> Watch::readings(const std::vector<std::string>& names) const {
  const std::lock_guard lock(inside_->mutex);
  return inside_->readings(names);
}

int Watch::signal() const {
  return inside_->signal_heard;
}
bool Watch::stopping() const {
  return inside_->signal_heard != 0;
}
bool Watch::lost() const {
  return inside_->lease_lost;
}

void Watch::wait(std::chrono::milliseconds time) {
  std::unique_lock lock(inside_->mutex);
  inside_->woken.wait_for(lock, time, [&] { return stopping() || lost(); });
}

std::optional<Hold> Watch::health() {
  const std::lock_guard lock(inside_->mutex);
  return inside_->judge(Clock::now());
}

std::string Watch::worst_lag() {
  const std::lock_guard lock(inside_->mutex);
  return switchback::worst_lag(inside_->sample);
}

double Watch::slowdown() {
  const std::lock_guard lock(inside_->mutex);
  return slowdown_of(inside_->verdict);
}

std::vector<std::string> Watch::slowed_by() {
  const std::lock_guard lock(inside_->mutex);
  std::vector<std::string> reasons = inside_->verdict.slowed_by;
  if (const auto rate = inside_->pacer.rate(); rate && inside_->is_writing)
    reasons.push_back("replicas take " + show_bytes(static_cast<std::int64_t>(*rate)) + " of WAL a second");
  return reasons;
}

void Watch::apply(const Settings& settings) {
  const std::lock_guard lock(inside_->mutex);
  inside_->settings = settings;
}

void Watch::writing(bool on) {
  inside_->is_writing = on;
}

std::chrono::milliseconds Watch::pace() {
  const std::lock_guard lock(inside_->mutex);
  return inside_->pacer.wait(Clock::now());
}

void Watch::wrote(std::int64_t wal_bytes) {
  const std::lock_guard lock(inside_->mutex);
  inside_->own_wal += wal_bytes;
  inside_->pacer.spend(wal_bytes);
}

void Watch::watch_lock_waits(int backend_pid, bool on) {
  const std::lock_guard lock(inside_->mutex);
  if (!on) {
    inside_->worker_pids.erase(backend_pid);
    return;
  }
  inside_->worker_pids.insert(backend_pid);
  inside_->in_the_way.clear();
}

std::vector<std::string> Watch::blockers() {
  const std::lock_guard lock(inside_->mutex);
  return inside_->in_the_way;
}

}  // namespace switchback::daemon
