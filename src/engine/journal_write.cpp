#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "journal_json.hpp"
#include "switchback/core/error.hpp"
#include "switchback/core/units.hpp"
#include "switchback/engine/journal.hpp"

namespace switchback::engine {
namespace {

using nlohmann::json;

ports::Value or_null(std::string_view text) {
  return text.empty() ? ports::Value() : ports::Value(std::string(text));
}

std::string dumped(const json& object) {
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// A reason without its readings: words that begin with a digit, and the unit of time behind them. "replica r2 lag 3.4
/// s over 1 s" stays one reason while the lag goes up and down.
std::string without_readings(const std::string& reason) {
  static const std::set<std::string> units{"ms", "s"};
  std::istringstream in(reason);
  std::string words;
  bool after_reading = false;
  for (std::string word; std::getline(in, word, ' ');) {
    const bool reading = !word.empty() && word.front() >= '0' && word.front() <= '9';
    if (!reading && !(after_reading && units.contains(word))) words += word;
    words += ' ';
    after_reading = reading;
  }
  return words;
}

/// Wakes a runner that listens; one that does not polls.
void notify(ports::Session& session, const PlanRecord& plan) {
  session.exec("SELECT pg_catalog.pg_notify('switchback', $1::text)", {plan.name});
}

void record_request(ports::Session& session, const Actor& actor, const PlanRecord& plan, std::string_view kind,
                    std::string_view reason) {
  session.exec(
      "INSERT INTO switchback.request (plan_id, kind, reason, os_user, host) VALUES ($1::bigint, $2::text, $3::text,"
      " $4::text, $5::text)",
      {std::to_string(plan.id), std::string(kind), or_null(reason), actor.os_user, actor.host});
  const std::string state(name(plan.state));
  add_event(session, actor, plan.id, kind, state, state, reason);
  notify(session, plan);
}

}  // namespace

void add_event(ports::Session& session, const Actor& actor, std::optional<PlanId> plan, std::string_view kind,
               std::string_view from, std::string_view to, std::string_view reason, std::string_view detail) {
  session.exec(
      "INSERT INTO switchback.event (plan_id, plan, kind, from_state, to_state, os_user, host, reason, lsn, detail,"
      " pipeline) VALUES ($1::bigint, (SELECT p.name FROM switchback.plan p WHERE p.id = $1::bigint), $2::text,"
      " $3::text, $4::text, $5::text, $6::text, $7::text, pg_catalog.pg_current_wal_lsn(), $8::jsonb, $9::text)",
      {plan ? ports::Value(std::to_string(*plan)) : ports::Value(), std::string(kind), or_null(from), or_null(to),
       actor.os_user, actor.host, or_null(reason), std::string(detail.empty() ? "{}" : detail),
       or_null(actor.pipeline)});
}

void set_live(ports::Session& session, const Actor& actor, PlanId plan, std::string_view key, std::string_view value,
              std::optional<std::chrono::seconds> for_time) {
  const auto rows = session.exec(
      "INSERT INTO switchback.setting (plan_id, key, value, until) VALUES ($1::bigint, $2::text, $3::text,"
      " pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => $4::double precision))"
      " ON CONFLICT (plan_id, key) DO UPDATE SET value = excluded.value, until = excluded.until,"
      " role = session_user, at = pg_catalog.clock_timestamp() RETURNING " +
          iso("until"),
      {std::to_string(plan), std::string(key), std::string(value),
       for_time ? ports::Value(std::to_string(for_time->count())) : ports::Value()});
  const json detail{{"key", key}, {"value", value}, {"until", rows.at(0, 0) ? json(rows.text(0, 0)) : json()}};
  add_event(session, actor, plan, "set", "", "", "", dumped(detail));
}

void record_pause(ports::Session& session, const Actor& actor, const PlanRecord& plan, std::string_view reason) {
  session.exec(
      "UPDATE switchback.plan SET paused = pg_catalog.jsonb_build_object('role', session_user::text, 'os_user',"
      " $2::text, 'reason', $3::text, 'at', " +
          iso("pg_catalog.clock_timestamp()") + ") WHERE id = $1::bigint",
      {std::to_string(plan.id), actor.os_user, std::string(reason)});
  record_request(session, actor, plan, "pause", reason);
}

void request_pause(ports::Session& session, const Actor& actor, const PlanRecord& plan, std::string_view reason) {
  ports::Transaction transaction(session);
  record_pause(session, actor, plan, reason);
  transaction.commit();
}

void request_resume(ports::Session& session, const Actor& actor, const PlanRecord& plan, std::string_view reason) {
  ports::Transaction transaction(session);
  transaction.exec("UPDATE switchback.plan SET paused = NULL WHERE id = $1::bigint", {std::to_string(plan.id)});
  record_request(session, actor, plan, "resume", reason);
  transaction.commit();
}

void add_approval(ports::Session& session, const Actor& actor, const PlanRecord& plan, std::string_view phase,
                  std::optional<std::string> despite, std::string_view reason) {
  session.exec(
      "INSERT INTO switchback.approval (plan_id, phase, hash, os_user, host, despite, reason) VALUES ($1::bigint,"
      " $2::text, $3::text, $4::text, $5::text, $6::text, $7::text)",
      {std::to_string(plan.id), std::string(phase), plan.hash, actor.os_user, actor.host, despite, or_null(reason)});
  const json detail{{"phase", phase}, {"hash", plan.hash}, {"despite", despite ? json(*despite) : json()}};
  add_event(session, actor, plan.id, "approve", "", "", reason, dumped(detail));
}

void store_progress(ports::Session& session, PlanId plan, const Progress& progress) {
  session.exec("UPDATE switchback.plan SET progress = $2::jsonb WHERE id = $1::bigint",
               {std::to_string(plan), progress_to_json(progress)});
}

void store_hold(ports::Session& session, const Actor& actor, const PlanRecord& plan, const std::optional<Hold>& hold) {
  // The row is asked, not the record: the record may be from before the last hold was written.
  const auto rows = session.exec("SELECT hold, state, " + iso("pg_catalog.clock_timestamp()") +
                                     " FROM switchback.plan WHERE id = $1::bigint FOR UPDATE",
                                 {std::to_string(plan.id)});
  if (rows.empty()) throw Error(Exit::failed, Remedy::bug, "plan " + plan.name + " is not in the journal any more");
  const auto there = hold_from_json(rows.at(0, 0));
  const std::string state = rows.text(0, 1);
  if (!hold) {
    if (!there) return;
    session.exec("UPDATE switchback.plan SET hold = NULL WHERE id = $1::bigint", {std::to_string(plan.id)});
    const json detail{{"kind", name(there->hold.kind)}, {"since", there->since}};
    add_event(session, actor, plan.id, "hold_ended", state, state, there->hold.reason, dumped(detail));
    return;
  }
  if (there && there->hold == *hold) return;
  const bool same_kind = there && there->hold.kind == hold->kind;
  session.exec("UPDATE switchback.plan SET hold = $2::jsonb WHERE id = $1::bigint",
               {std::to_string(plan.id), hold_to_json(*hold, same_kind ? there->since : rows.text(0, 2))});
  if (same_kind && without_readings(there->hold.reason) == without_readings(hold->reason)) return;
  json detail{{"kind", name(hold->kind)}, {"ends_when", hold->ends_when}};
  if (!hold->reasons.empty()) detail["reasons"] = hold->reasons;
  add_event(session, actor, plan.id, "hold", state, state, hold->reason, dumped(detail));
}

std::int64_t accept_quarantined(ports::Session& session, const Actor& actor, const PlanRecord& plan,
                                const std::vector<std::string>& keys, std::string_view reason) {
  std::int64_t accepted = 0;
  for (const std::string& key : keys) {
    const json parsed = json::parse(key, nullptr, false);
    if (!parsed.is_object() && !parsed.is_number_unsigned())
      throw Error(Exit::invalid, Remedy::person, "'" + key + "' is neither a key as JSON nor a row's number",
                  "switchback quarantine " + plan.name + " list shows both");
    const auto rows = session.exec(
        "UPDATE switchback.quarantine SET status = 'accepted', settled_by = session_user, settled_at ="
        " pg_catalog.clock_timestamp(), reason = $3::text WHERE plan_id = $1::bigint AND status = 'open' AND " +
            std::string(parsed.is_object() ? "key = $2::jsonb" : "id = $2::bigint") + " RETURNING id",
        {std::to_string(plan.id), key, std::string(reason)});
    if (rows.empty())
      throw Error(Exit::invalid, Remedy::person, "no open row of " + plan.name + " in quarantine has the key " + key,
                  "switchback quarantine " + plan.name + " list shows those there are");
    accepted += static_cast<std::int64_t>(rows.size());
    const std::string state(name(plan.state));
    add_event(session, actor, plan.id, "accept", state, state, reason, dumped(json{{"key", parsed}}));
  }
  return accepted;
}

}  // namespace switchback::engine
