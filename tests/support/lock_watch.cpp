#include "lock_watch.hpp"

#include <set>

#include "plan_view.hpp"
#include "server.hpp"

namespace switchback::tests {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr const char* locks = R"sql(
SELECT l.pid, l.relation, l.mode, l.granted, l.relation::regclass::text
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid JOIN pg_class c ON c.oid = l.relation
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE l.locktype = 'relation' AND a.datname = current_database() AND a.application_name LIKE 'switchback%'
  AND l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
  AND c.relkind IN ('r', 'p', 'm') AND n.nspname <> 'switchback' AND n.nspname !~ '^pg_')sql";

}  // namespace

LockWatch::LockWatch(std::string uri) : uri_(std::move(uri)), thread_([this] { watch(); }) {}

LockWatch::~LockWatch() {
  stop();
}

std::map<std::pair<std::string, std::string>, LockWatch::Seen> LockWatch::stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
  return seen_;
}

void LockWatch::watch() {
  using One = std::tuple<std::string, std::string, std::string, bool>;  // session, relation, mode, granted
  const auto session = application(uri_, "lock watch");
  std::map<One, Clock::time_point> since;
  while (!stopping_) {
    const auto rows = session->exec(locks);
    const auto now = Clock::now();
    std::set<One> there;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const One one{rows.text(i, 0), rows.text(i, 1), rows.text(i, 2), rows.boolean(i, 3)};
      there.insert(one);
      const auto first = since.try_emplace(one, now).first->second;
      const auto span = std::chrono::duration_cast<milliseconds>(now - first);
      Seen& seen = seen_[{std::get<1>(one), std::get<2>(one)}];
      seen.names.insert(rows.text(i, 4));
      milliseconds& longest = std::get<3>(one) ? seen.held : seen.waited;
      longest = std::max(longest, span);
    }
    std::set<std::pair<std::string, std::string>> gone;
    std::erase_if(since, [&](const auto& entry) {
      if (there.contains(entry.first)) return false;
      gone.emplace(std::get<1>(entry.first), std::get<2>(entry.first));
      return true;
    });
    // As the transaction left it; what it dropped has no name any more.
    for (const auto& what : gone)
      for (const auto& row :
           session->exec("SELECT oid::regclass::text FROM pg_class WHERE oid = $1::oid", {what.first}).rows)
        seen_[what].names.insert(row.front().value());
    std::this_thread::sleep_for(milliseconds(2));
  }
}

}  // namespace switchback::tests
