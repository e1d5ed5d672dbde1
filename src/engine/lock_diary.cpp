#include "switchback/engine/lock_diary.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace switchback::engine {
namespace {

/// Whether the statement takes no lock that a writer waits for, as far as its first word says: no when in doubt.
bool is_harmless(std::string_view sql) {
  constexpr std::array harmless = {"select", "insert", "update", "delete", "with", "values", "set", "show", "begin"};
  sql.remove_prefix(std::min(sql.find_first_not_of(" \t\r\n"), sql.size()));
  std::string word;
  for (const char c : sql) {
    if (std::isalpha(static_cast<unsigned char>(c)) == 0) break;
    word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return std::ranges::find(harmless, word) != harmless.end();
}

constexpr const char* own_locks = R"(
SELECT l.relation::regclass::text, l.mode FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.granted AND c.relkind IN ('r', 'p', 'm')
  AND n.nspname <> 'switchback' AND n.nspname !~ '^pg_'
  AND l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'))";

}  // namespace

ports::Rows LockDiary::exec(std::string_view sql, const std::vector<ports::Value>& parameters) {
  if (sql.starts_with("BEGIN")) start();
  const bool first = in_transaction_ && asked_ == Clock::time_point{} && !is_harmless(sql);
  if (first) asked_ = Clock::now();
  ports::Rows rows = session_->exec(sql, parameters);
  if (first) had_ = Clock::now();
  return rows;
}

void LockDiary::start() {
  in_transaction_ = true;
  asked_ = {};
  taken_.clear();
}

void LockDiary::begin(std::string_view options) {
  start();
  session_->begin(options);
}

void LockDiary::look() {
  const auto rows = session_->exec(own_locks);
  for (std::size_t i = 0; i < rows.size(); ++i) taken_.push_back({rows.text(i, 0), rows.text(i, 1)});
}

void LockDiary::commit() {
  if (asked_ != Clock::time_point{}) look();
  session_->commit();
  in_transaction_ = false;
  const auto now = Clock::now();
  for (TakenLock& lock : taken_) {
    lock.had = std::chrono::duration_cast<std::chrono::microseconds>(had_ - asked_);
    lock.held = std::chrono::duration_cast<std::chrono::microseconds>(now - asked_);
  }
}

void LockDiary::rollback() noexcept {
  in_transaction_ = false;
  taken_.clear();
  session_->rollback();
}

std::vector<TakenLock> LockDiary::taken() {
  return std::exchange(taken_, {});
}

}  // namespace switchback::engine
