#include "switchback/engine/workbench.hpp"

#include <algorithm>

#include "switchback/core/error.hpp"
#include "switchback/core/units.hpp"

namespace switchback::engine {
namespace {

using std::chrono::milliseconds;

}  // namespace

Workbench::Workbench(Surroundings surroundings, std::unique_ptr<ports::Session> session, Fence fence, Plan plan)
    : outside_(std::move(surroundings)),
      session_(outside_.connect, std::move(session), fence, outside_.control),
      fence_(fence),
      plan_(std::move(plan)) {
  reload();
  settings();
}

ports::Session& Workbench::session() {
  return session_.get();
}

void Workbench::reload() {
  record_ = require_plan(session(), plan_.name);
  resolved_ = resolved_from_json(record_.resolved);
}

const Settings& Workbench::settings() {
  const auto now = std::chrono::steady_clock::now();
  if (settings_read_ != std::chrono::steady_clock::time_point{} && now - settings_read_ < milliseconds(1000))
    return settings_;
  std::vector<SettingValue> values = outside_.settings;
  for (const auto& [key, value] : plan_.settings) values.push_back({key, value, Origin::plan, plan_.file});
  // Flags and environment are narrower than the plan: the order of Origin says who wins.
  for (SettingValue& live : live_settings(session(), fence_.plan)) values.push_back(std::move(live));
  std::stable_sort(values.begin(), values.end(),
                   [](const SettingValue& a, const SettingValue& b) { return a.origin < b.origin; });
  settings_ = resolve(values);
  settings_read_ = now;
  outside_.control.apply(settings_);
  return settings_;
}

void Workbench::report() {
  if (outside_.on_progress) outside_.on_progress(record_);
}

/// While commits wait for a synchronous standby, just that must be seen.
void Workbench::show_at_once() {
  session().exec("SET LOCAL synchronous_commit = off");
}

void Workbench::show_hold(const std::optional<Hold>& hold) {
  if (record_.hold == hold) return;
  try {
    begin_fenced(session(), fence_);
    show_at_once();
    store_hold(session(), outside_.actor, record_, hold);
    session().commit();
  } catch (const Error& error) {
    if (error.exit() == Exit::busy) throw;
    session_.rollback();
    if (!passes(error)) throw;  // a hold that cannot be written now is still shown by this process
  }
  record_.hold = hold;
  report();
}

void Workbench::show_progress(const Progress& progress) {
  try {
    begin_fenced(session(), fence_);
    show_at_once();
    store_progress(session(), fence_.plan, progress);
    session().commit();
  } catch (const Error& error) {
    if (error.exit() == Exit::busy) throw;
    session_.rollback();
    if (!passes(error)) throw;  // what cannot be shown now is shown a second later
    if (error.remedy() != Remedy::retry) session_.drop();
  }
  record_.progress = progress;
  report();
}

Hold Workbench::hold_for(const Error& error, int attempt, milliseconds pause) const {
  const std::string when = "tried again in " + show_duration(pause) + " (attempt " + std::to_string(attempt + 2) + ")";
  if (error.sqlstate() == "55P03") {
    const auto in_the_way = outside_.control.blockers();
    Hold hold{HoldKind::lock,
              in_the_way.empty() ? "a lock could not be had within " + show_duration(settings_.lock_timeout)
                                 : in_the_way.front(),
              "the lock is given up; " + when,
              {}};
    if (in_the_way.size() > 1) hold.reasons = in_the_way;
    return hold;
  }
  return {HoldKind::failure,
          std::string(error.what()) + (error.sqlstate().empty() ? "" : " (SQLSTATE " + error.sqlstate() + ")"),
          when,
          {}};
}

Stop Workbench::attempts(const std::function<void(ports::Session&)>& work, bool transactional) {
  const Trying trying{[this](const Error& error, int attempt, milliseconds pause) {
                        const Hold hold = hold_for(error, attempt, pause);
                        if (session_.connected()) return show_hold(hold);
                        record_.hold = hold;
                        report();
                      },
                      [this] { show_hold(std::nullopt); }, false};
  return session_.attempts(work, transactional, trying) ? Stop::arrived() : Stop::signalled();
}

Stop Workbench::in_transaction(const std::function<void(ports::Session&)>& work) {
  return attempts(work, true);
}
Stop Workbench::outside_transaction(const std::function<void(ports::Session&)>& work) {
  return attempts(work, false);
}

std::optional<Hold> Workbench::standing_hold(bool heed_health) {
  const auto paused = session().exec(
      "SELECT paused->>'role', paused->>'reason' FROM switchback.plan WHERE id = $1 AND paused IS NOT NULL",
      {std::to_string(fence_.plan)});
  if (!paused.empty())
    return Hold{HoldKind::operator_,
                "paused by " + paused.text(0, 0) + (paused.text(0, 1).empty() ? "" : ": " + paused.text(0, 1)),
                "switchback resume " + plan_.name,
                {}};
  settings();
  if (!heed_health) return std::nullopt;
  if (auto hold = hours_hold()) return hold;
  return outside_.control.health();
}

bool Workbench::is_paused(ports::Session& session) const {
  return session.exec("SELECT paused IS NOT NULL FROM switchback.plan WHERE id = $1", {std::to_string(fence_.plan)})
      .boolean(0, 0);
}

std::optional<Hold> Workbench::hours_hold() {
  if (settings_.hours.empty()) return std::nullopt;
  std::string all;
  for (const Hours& hours : settings_.hours) {
    const auto now = session().exec(
        "SELECT extract(hour FROM t)::int * 60 + extract(minute FROM t)::int FROM (SELECT pg_catalog.timezone(coalesce("
        "nullif($1, ''), pg_catalog.current_setting('TimeZone')), pg_catalog.clock_timestamp())) s(t)",
        {hours.zone});
    if (within(hours, static_cast<int>(now.integer(0, 0)))) return std::nullopt;
    all += (all.empty() ? "" : ", ") + shown(hours);
  }
  return Hold{HoldKind::hours, "outside the hours in which it may run", "the time is within " + all, {}};
}

Stop Workbench::look_for_hold(bool heed_health, std::optional<Hold>& hold) {
  return attempts([&](ports::Session&) { hold = standing_hold(heed_health); }, false);
}

Stop Workbench::pause_point(bool heed_health) {
  if (auto fired = fired_conditions(); !fired.empty()) return Stop::fired(std::move(fired));
  std::optional<Hold> hold;
  const Stop looked = look_for_hold(heed_health, hold);
  if (!looked.ok()) return looked;
  if (!hold) {
    if (record_.hold) show_hold(std::nullopt);
    return Stop::arrived();
  }
  return hold_until(*hold, milliseconds(100), [&] { return standing_hold(heed_health); });
}

Stop Workbench::hold_until(const Hold& hold, milliseconds every, const std::function<std::optional<Hold>()>& look) {
  std::optional<Hold> now = hold;
  while (now) {
    show_hold(now);
    if (auto fired = fired_conditions(); !fired.empty()) return Stop::fired(std::move(fired));
    if (!outside_.wait && !waits_by_default(now->kind)) return Stop::held(*now);
    outside_.control.wait(every);
    if (outside_.control.stopping()) return Stop::signalled();
    const Stop looked = attempts(
        [&](ports::Session&) {
          now = look();
          if (!now) now = standing_hold(false);  // paused meanwhile
        },
        false);
    if (!looked.ok()) return looked;
  }
  show_hold(std::nullopt);
  return Stop::arrived();
}

std::vector<std::string> Workbench::fired_conditions() {
  const State state = record_.state;
  if (!outside_.conditions || (state != State::hidden && state != State::contracting)) return {};
  return conditions_.met(outside_.conditions());
}

std::optional<std::string> Workbench::despite(std::string_view what) {
  for (const auto& [given, reason] : outside_.despite)
    if (given == what) return reason;
  for (const ApprovalRecord& approval : approvals(session(), record_))
    if (approval.despite && *approval.despite == what) return approval.reason;
  return std::nullopt;
}

void Workbench::note(std::string_view kind, std::string_view reason, std::string_view detail) {
  add_event(session(), outside_.actor, fence_.plan, kind, "", "", reason, detail);
}

bool Workbench::advance(State from, Event on, std::string_view reason) {
  const auto to = next_state(from, on);
  if (!to)
    throw Error(Exit::failed, Remedy::bug,
                "no transition from " + std::string(name(from)) + " on " + std::string(name(on)));
  const auto rows =
      session().exec("SELECT state FROM switchback.plan WHERE id = $1 FOR UPDATE", {std::to_string(fence_.plan)});
  if (rows.text(0, 0) == name(*to)) return false;
  if (rows.text(0, 0) != name(from))
    throw Error(Exit::failed, Remedy::bug,
                "the plan is " + rows.text(0, 0) + ", not " + std::string(name(from)) + " as this runner believed");
  const std::string stamp = *to == State::migrated     ? ", migrated_at = pg_catalog.clock_timestamp()"
                            : *to == State::hidden     ? ", hidden_at = pg_catalog.clock_timestamp()"
                            : *to == State::contracted ? ", contracted_at = pg_catalog.clock_timestamp()"
                                                       : "";
  session().exec(
      "UPDATE switchback.plan SET state = $2, state_since = pg_catalog.clock_timestamp(), hold = NULL, progress = "
      "NULL" +
          stamp + " WHERE id = $1",
      {std::to_string(fence_.plan), std::string(name(*to))});
  add_event(session(), outside_.actor, fence_.plan, "state", name(from), name(*to), reason);
  record_.state = *to;  // for what is shown; what is decided reads the journal again
  record_.hold.reset();
  record_.progress.reset();
  return true;
}

void use_own_search_path(ports::Session& session, bool local) {
  session.exec("SELECT pg_catalog.set_config('search_path', reset_val, " + std::string(local ? "true" : "false") +
               ") FROM pg_catalog.pg_settings WHERE name = 'search_path'");
}

void use_safe_search_path(ports::Session& session) {
  session.exec("SET search_path = pg_catalog, pg_temp");
}

}  // namespace switchback::engine
