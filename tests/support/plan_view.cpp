#include "plan_view.hpp"

#include "switchback/core/error.hpp"
#include "switchback/core/sql.hpp"
#include "switchback/postgres/session.hpp"
#include "tool.hpp"

namespace switchback::tests {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::unique_ptr<ports::Session> application(const std::string& uri, const std::string& name) {
  postgres::ConnectOptions options;
  options.database = uri;
  options.application_name = name;
  options.lock_timeout = std::chrono::milliseconds(0);
  options.row_security_off = false;
  return postgres::connect(options);
}

std::string slow_configuration(const std::string& more) {
  return "contract: { observe: 1s, soak: 0s }\nbackup: { none: a throwaway server }\nlease: 3s\nlock_timeout: 1s\n"
         "backfill: { batch: { target: 5ms, max_wal: 1kB } }\n" +
         (more.empty() ? "health: { grace: 10s }\n" : more);
}

std::string PlanView::ask(const std::string& sql) {
  try {
    if (!session_) session_ = application(uri_, "test");
    const auto rows = session_->exec(sql);
    return rows.empty() ? "" : rows.text(0, 0);
  } catch (const Error& error) {
    const bool not_there = error.sqlstate() == "42P01" || error.sqlstate() == "3F000";
    const bool gone = error.remedy() == Remedy::reconnect || error.exit() == Exit::unreachable;
    if (gone) session_.reset();
    if (not_there || gone) return "";
    throw;
  }
}

std::string PlanView::state() {
  return ask("SELECT state FROM switchback.plan");
}
std::string PlanView::hold_kind() {
  return ask("SELECT hold->>'kind' FROM switchback.plan");
}
std::string PlanView::hold_reason() {
  return ask(
      "SELECT coalesce(NULLIF((SELECT string_agg(r, E'\\n') FROM jsonb_array_elements_text(hold->'reasons') r), ''), "
      "hold->>'reason') FROM switchback.plan");
}
std::string PlanView::hold_since() {
  return ask("SELECT hold->>'since' FROM switchback.plan");
}
std::int64_t PlanView::rows_done() {
  const std::string rows = ask("SELECT sum(rows_done) FROM switchback.checkpoint WHERE step LIKE 'backfill %'");
  return rows.empty() ? 0 : std::stoll(rows);
}
std::int64_t PlanView::epoch() {
  const std::string epoch = ask("SELECT epoch FROM switchback.runner");
  return epoch.empty() ? 0 : std::stoll(epoch);
}
std::int64_t PlanView::events() {
  const std::string events = ask("SELECT count(*) FROM switchback.event");
  return events.empty() ? 0 : std::stoll(events);
}
std::string PlanView::kinds() {
  return ask("SELECT string_agg(kind, ' ' ORDER BY id) FROM switchback.event");
}
std::string PlanView::states() {
  return ask("SELECT string_agg(to_state, ' ' ORDER BY id) FROM switchback.event WHERE kind = 'state'");
}
std::string PlanView::now() {
  return ask("SELECT clock_timestamp()::text");
}
double PlanView::seconds_since(const std::string& from, const std::string& to) {
  const std::string seconds = ask("SELECT extract(epoch FROM " + quote_literal(to) + "::timestamptz - " +
                                  quote_literal(from) + "::timestamptz)");
  return seconds.empty() ? 0 : std::stod(seconds);
}

}  // namespace switchback::tests
