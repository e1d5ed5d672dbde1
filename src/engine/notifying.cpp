#include "switchback/engine/notifying.hpp"

#include <nlohmann/json.hpp>

namespace switchback::engine {
namespace {

using nlohmann::json;

// What occasion_of() knows; a little of the past more than is patiently tried, so that the last can still be given up.
// The order is that of the numbers: of two transactions at once the one that commits later may come after the other.
const std::string untold_sql = R"sql(
SELECT e.id, pg_catalog.to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), coalesce(e.plan, p.name), e.kind, e.from_state, e.to_state,
       e.reason, e.role, e.os_user, e.host, e.pipeline, e.lsn::text, e.detail->>'kind', e.detail->>'ends_when', pg_catalog.current_database()
FROM switchback.event e JOIN switchback.notify_target t ON t.target = $1
LEFT JOIN switchback.plan p ON p.id = e.plan_id
LEFT JOIN switchback.notification n ON n.target = t.target AND n.event_id = e.id
WHERE e.kind IN ('state', 'hold', 'turned_back', 'verified', 'despite', 'horizon_overridden') AND e.at >= t.since
  AND e.at > pg_catalog.clock_timestamp() - interval '80 hours' AND n.settled IS NULL
ORDER BY e.id)sql";

Told told_from(const ports::Rows& rows, std::size_t row) {
  Told told;
  told.id = rows.integer(row, 0);
  std::string* const texts[] = {&told.at,     &told.plan,      &told.kind,      &told.from,    &told.to,
                                &told.reason, &told.role,      &told.os_user,   &told.host,    &told.pipeline,
                                &told.lsn,    &told.hold_kind, &told.ends_when, &told.database};
  for (std::size_t column = 1; std::string* const text : texts) *text = rows.text(row, column++);
  return told;
}

/// In their order.
std::vector<Told> untold(ports::Session& session, const NotifyTarget& target) {
  const auto rows = session.exec(untold_sql, {target.name});
  std::vector<Told> wanted;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    Told told = told_from(rows, row);
    const auto occasion = occasion_of(told);
    if (occasion && wants(target, *occasion)) wanted.push_back(std::move(told));
  }
  return wanted;
}

}  // namespace

void enrol_targets(ports::Session& session, const std::vector<NotifyTarget>& targets) {
  for (const NotifyTarget& target : targets)
    session.exec("INSERT INTO switchback.notify_target (target) VALUES ($1) ON CONFLICT DO NOTHING", {target.name});
}

std::optional<Delivery> claim_delivery(ports::Session& session, const NotifyTarget& target) {
  std::vector<Told> waiting = untold(session, target);
  if (waiting.empty()) return std::nullopt;
  const auto claimed = session.exec(
      "INSERT INTO switchback.notification AS n (target, event_id) VALUES ($1, $2::bigint) ON CONFLICT (target, "
      "event_id) DO UPDATE SET attempts = n.attempts + 1, next_at = pg_catalog.clock_timestamp() + interval '1 "
      "minute' WHERE n.settled IS NULL AND n.next_at <= pg_catalog.clock_timestamp() RETURNING n.attempts",
      {target.name, std::to_string(waiting.front().id)});
  if (claimed.empty()) return std::nullopt;
  return Delivery{std::move(waiting.front()), static_cast<int>(claimed.integer(0, 0))};
}

void record_delivered(ports::Session& session, const NotifyTarget& target, std::int64_t event) {
  session.exec(
      "UPDATE switchback.notification SET settled = 'delivered', settled_at = pg_catalog.clock_timestamp() WHERE "
      "target = $1 AND event_id = $2::bigint",
      {target.name, std::to_string(event)});
}

void record_undelivered(ports::Session& session, const NotifyTarget& target, const Delivery& delivery,
                        const std::string& why, bool again) {
  session.exec(
      "UPDATE switchback.notification n SET last_error = $3, next_at = pg_catalog.clock_timestamp() + "
      "pg_catalog.make_interval(secs => $4::float8), settled = CASE WHEN NOT $5::boolean OR e.at < "
      "pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => $6::float8) THEN 'given_up' END, settled_at = "
      "pg_catalog.clock_timestamp() FROM switchback.event e WHERE e.id = n.event_id AND n.target = $1 AND n.event_id = "
      "$2::bigint",
      {target.name, std::to_string(delivery.event.id), why, std::to_string(notify_pause(delivery.attempts).count()),
       again ? "t" : "f", std::to_string(std::chrono::seconds(notify_patience).count())});
}

std::vector<OutboxLine> outbox(ports::Session& session, const std::vector<NotifyTarget>& targets) {
  std::vector<OutboxLine> lines;
  for (const NotifyTarget& target : targets) {
    const auto rows = session.exec(
        "SELECT count(*) FILTER (WHERE settled = 'delivered'), count(*) FILTER (WHERE settled = 'given_up'), "
        "coalesce((SELECT last_error FROM switchback.notification l WHERE l.target = $1 AND l.last_error IS NOT NULL "
        "AND "
        "l.settled IS DISTINCT FROM 'delivered' ORDER BY l.event_id DESC LIMIT 1), ''), "
        "coalesce(pg_catalog.to_char(max(settled_at) FILTER (WHERE settled = 'delivered') AT TIME ZONE 'UTC', "
        "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), '') FROM switchback.notification WHERE target = $1",
        {target.name});
    lines.push_back({target.name, static_cast<std::int64_t>(untold(session, target).size()), rows.integer(0, 0),
                     rows.integer(0, 1), rows.text(0, 2), rows.text(0, 3)});
  }
  return lines;
}

std::string message_of(const Told& event) {
  const auto or_null = [](const std::string& text) { return text.empty() ? json() : json(text); };
  const auto occasion = occasion_of(event);
  json message{{"schema_version", 1},
               {"id", event.id},
               {"occasion", occasion ? json(*occasion) : json()},
               {"text", sentence_of(event)},
               {"at", event.at},
               {"database", event.database},
               {"plan", or_null(event.plan)},
               {"kind", event.kind},
               {"from", or_null(event.from)},
               {"to", or_null(event.to)},
               {"reason", or_null(event.reason)},
               {"actor", {{"role", event.role}, {"os_user", event.os_user}, {"host", event.host}}},
               {"pipeline", or_null(event.pipeline)},
               {"lsn", or_null(event.lsn)}};
  if (event.kind == "hold") message["hold"] = {{"kind", event.hold_kind}, {"ends_when", event.ends_when}};
  return message.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace switchback::engine
