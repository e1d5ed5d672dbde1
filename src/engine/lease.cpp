#include "switchback/engine/lease.hpp"

#include <signal.h>
#include <unistd.h>

#include <cerrno>

#include <random>

#include "switchback/core/error.hpp"
#include "switchback/core/units.hpp"

namespace switchback::engine {
namespace {

/// The class of our advisory locks ("SWBK"), so that they never meet an application's.
constexpr std::string_view lock_class = "1398227531";
constexpr std::string_view taker_class = "1398227532";

std::string lock_arguments(PlanId plan) {
  return std::string(lock_class) + ", " + std::to_string(plan);
}

std::string random_id() {
  std::random_device device;
  std::string id;
  for (int i = 0; i < 4; ++i) {
    char word[9];
    std::snprintf(word, sizeof word, "%08x", device());
    id += word;
  }
  return id;
}

[[noreturn]] void refuse_busy(const ports::Rows& row) {
  throw Error(
      Exit::busy, Remedy::person,
      "another runner has this plan: pid " + row.text(0, 2) + " on " + row.text(0, 1) + ", last heard of " +
          row.text(0, 3) + " s ago, lease " + row.text(0, 4) + " s",
      "let it go on (switchback status --watch shows it), or stop it; if it died, its lease runs out by itself");
}

/// Sessions of earlier epochs that can still commit something, or that hold the application up.
constexpr const char* terminate_stale = R"sql(
SELECT pg_catalog.count(pg_catalog.pg_terminate_backend(a.pid))
FROM switchback.runner_session s
JOIN pg_catalog.pg_stat_activity a ON a.pid = s.pid AND a.backend_start = s.backend_start
WHERE s.plan_id = $1 AND a.pid <> pg_catalog.pg_backend_pid()
  AND (a.state LIKE 'idle in transaction%'
       OR EXISTS (SELECT FROM pg_catalog.pg_locks l WHERE l.pid = a.pid AND l.locktype = 'advisory'
                  AND l.classid = 1398227531 AND l.objid::bigint = $1))
)sql";

/// Two takers at once meet here; the loser then sees the winner's fresh lease. No row of the plan's: a runner that
/// stands still in the middle of a transaction may hold that, and nothing would get past it to end it.
void meet_other_takers(ports::Session& session, PlanId plan) {
  const std::string take =
      "SELECT pg_catalog.pg_try_advisory_xact_lock(" + std::string(taker_class) + ", " + std::to_string(plan) + ")";
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(15);
  while (!session.exec(take).boolean(0, 0)) {
    if (std::chrono::steady_clock::now() > deadline)
      throw Error(Exit::busy, Remedy::person, "another runner is taking this plan over just now",
                  "switchback status shows who drives it");
    session.exec("SELECT pg_catalog.pg_sleep(0.05)");
  }
}

/// A runner of this machine whose process is gone: its sessions end as soon as the server notices. The fence holds
/// whatever they still do.
bool died_here(const Actor& actor, const ports::Rows& row) {
  return row.text(0, 1) == actor.host && ::kill(static_cast<pid_t>(row.integer(0, 2)), 0) != 0 && errno == ESRCH;
}

void take_exclusive_lock(ports::Session& session, PlanId plan) {
  const std::string take = "SELECT pg_catalog.pg_try_advisory_xact_lock(" + lock_arguments(plan) + ")";
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  bool terminated = false;
  while (!session.exec(take).boolean(0, 0)) {
    const auto left = deadline - std::chrono::steady_clock::now();
    if (left <= std::chrono::seconds(0))
      throw Error(Exit::busy, Remedy::person,
                  "the previous runner's session still holds the plan's lock and could not be ended",
                  "terminate the sessions named switchback in pg_stat_activity, or run as a role that may (GRANT "
                  "pg_signal_backend)");
    // A batch that is just ending needs milliseconds; only what outlasts a second is ended by force.
    if (!terminated && left <= std::chrono::seconds(9)) {
      session.exec(terminate_stale, {std::to_string(plan)});
      terminated = true;
    }
    session.exec("SELECT pg_catalog.pg_sleep(0.05)");
  }
}

}  // namespace

bool begin_fenced(ports::Session& session, const Fence& fence) {
  const std::string id = std::to_string(fence.plan);
  // One round trip; each statement of the string has a snapshot of its own (READ COMMITTED).
  const auto rows =
      session.exec("BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_catalog.pg_advisory_xact_lock_shared(" +
                   lock_arguments(fence.plan) +
                   "); SELECT r.epoch, p.paused IS NOT NULL FROM switchback.runner r JOIN switchback.plan p "
                   "ON p.id = r.plan_id WHERE r.plan_id = " +
                   id);
  if (rows.empty() || rows.integer(0, 0) != fence.epoch) {
    session.rollback();
    throw Error(Exit::busy, Remedy::person,
                "another runner has taken this plan over; this one stops and has written nothing more",
                "switchback status shows who drives it now");
  }
  return rows.boolean(0, 1);
}

Fence acquire_lease(ports::Session& session, const Actor& actor, const PlanRecord& plan,
                    std::chrono::milliseconds lease) {
  const std::string id = std::to_string(plan.id);
  ports::Transaction transaction(session);
  meet_other_takers(session, plan.id);
  const auto row = session.exec(R"sql(
SELECT r.epoch, r.host, r.pid, pg_catalog.round(extract(epoch FROM pg_catalog.clock_timestamp() - r.heartbeat)::numeric, 1),
       extract(epoch FROM r.lease)::int,
       r.released OR r.heartbeat + r.lease < pg_catalog.clock_timestamp() AS free,
       r.heartbeat < pg_catalog.clock_timestamp() - interval '500 ms' AND NOT EXISTS (
         SELECT FROM switchback.runner_session s JOIN pg_catalog.pg_stat_activity a
         ON a.pid = s.pid AND (a.backend_start = s.backend_start OR a.backend_start IS NULL)
         WHERE s.plan_id = r.plan_id AND s.epoch = r.epoch) AS dead,
       r.released
FROM switchback.runner r WHERE r.plan_id = $1)sql",
                                {id});
  std::int64_t epoch = 1;
  if (!row.empty()) {
    if (!row.boolean(0, 5) && !row.boolean(0, 6) && !died_here(actor, row)) refuse_busy(row);
    take_exclusive_lock(session, plan.id);
    epoch = row.integer(0, 0) + 1;
  }
  session.exec(R"sql(
INSERT INTO switchback.runner (plan_id, epoch, runner, host, pid, lease)
VALUES ($1, $2, $3, $4, $5, $6::interval)
ON CONFLICT (plan_id) DO UPDATE SET epoch = excluded.epoch, runner = excluded.runner, host = excluded.host, pid = excluded.pid,
  lease = excluded.lease, heartbeat = pg_catalog.clock_timestamp(), released = false)sql",
               {id, std::to_string(epoch), random_id(), actor.host, std::to_string(::getpid()),
                std::to_string(lease.count()) + " ms"});
  session.exec("DELETE FROM switchback.runner_session WHERE plan_id = $1 AND epoch < $2", {id, std::to_string(epoch)});
  const Fence fence{plan.id, epoch};
  register_session(session, fence);
  if (epoch > 1 && !row.boolean(0, 5))
    add_event(session, actor, plan.id, "taken_over", "", "",
              "the previous runner (pid " + row.text(0, 2) + " on " + row.text(0, 1) + ") is gone");
  else if (epoch > 1 && !row.boolean(0, 7))
    add_event(session, actor, plan.id, "taken_over", "", "",
              "the lease of the previous runner (pid " + row.text(0, 2) + " on " + row.text(0, 1) + ") had run out");
  transaction.commit();
  return fence;
}

bool await_runner(ports::Session& session, PlanId plan) {
  try {
    ports::Transaction transaction(session);
    transaction.exec("SELECT pg_catalog.pg_advisory_xact_lock(" + lock_arguments(plan) + ")");
    transaction.commit();
    return true;
  } catch (const Error& error) {
    if (error.sqlstate() == "55P03") return false;
    throw;
  }
}

void register_session(ports::Session& session, const Fence& fence) {
  session.exec(R"sql(
INSERT INTO switchback.runner_session (plan_id, epoch, pid, backend_start)
SELECT $1::bigint, $2::bigint, pid, backend_start FROM pg_catalog.pg_stat_activity WHERE pid = pg_catalog.pg_backend_pid()
ON CONFLICT DO NOTHING)sql",
               {std::to_string(fence.plan), std::to_string(fence.epoch)});
}

bool cancel_in_flight(ports::Session& session, PlanId plan) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  while (session
             .exec(R"sql(
SELECT pg_catalog.count(pg_catalog.pg_cancel_backend(a.pid))
FROM switchback.runner r JOIN switchback.runner_session s USING (plan_id, epoch)
JOIN pg_catalog.pg_stat_activity a ON a.pid = s.pid AND (a.backend_start = s.backend_start OR a.backend_start IS NULL)
WHERE r.plan_id = $1 AND NOT r.released AND a.state IS DISTINCT FROM 'idle' AND a.pid <> pg_catalog.pg_backend_pid()
  AND (a.query_start < pg_catalog.clock_timestamp() - interval '1 s'
       OR EXISTS (SELECT FROM pg_catalog.pg_locks l WHERE l.pid = a.pid AND l.locktype = 'advisory'
                  AND l.classid = 1398227531 AND l.objid::bigint = $1))
)sql",
                   {std::to_string(plan)})
             .integer(0, 0) > 0) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    session.exec("SELECT pg_catalog.pg_sleep(0.02)");
  }
  return true;
}

bool renew_lease(ports::Session& session, const Fence& fence) {
  return session
             .exec(
                 "UPDATE switchback.runner SET heartbeat = pg_catalog.clock_timestamp() "
                 "WHERE plan_id = $1 AND epoch = $2 AND NOT released",
                 {std::to_string(fence.plan), std::to_string(fence.epoch)})
             .affected == 1;
}

void release_lease(ports::Session& session, const Fence& fence) {
  session.exec("UPDATE switchback.runner SET released = true WHERE plan_id = $1 AND epoch = $2",
               {std::to_string(fence.plan), std::to_string(fence.epoch)});
}

}  // namespace switchback::engine
