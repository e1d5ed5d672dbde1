#include "switchback/engine/quarantine.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "switchback/core/error.hpp"
#include "switchback/core/keyset.hpp"
#include "switchback/core/sync.hpp"
#include "switchback/core/units.hpp"
#include "switchback/engine/backfill.hpp"
#include "switchback/engine/walk.hpp"

namespace switchback::engine {
namespace {

using nlohmann::json;

/// The plan's share of the table's sync under the names that its columns have now.
ResolvedSync sync_now(ports::Session& session, const PlanRecord& plan, const std::string& relation) {
  for (ResolvedSync sync : resolved_from_json(plan.resolved).sync) {
    if (shown(sync.table) != relation) continue;
    const auto now =
        session.exec("SELECT document FROM switchback.sync WHERE plan_id = $1 AND relation = $2 AND NOT restoring",
                     {std::to_string(plan.id), std::to_string(sync.oid)});
    if (now.empty()) break;
    sync.sync = sync_from_json(now.text(0, 0));
    return sync;
  }
  throw Error(Exit::refused, Remedy::person, relation + " has no sync of plan " + plan.name + " now",
              "rows are tried again between expanded and the drop");
}

bool is_named(const QuarantinedRow& row, const std::vector<std::string>& keys) {
  return keys.empty() || std::ranges::any_of(keys, [&](const std::string& key) {
           return key == std::to_string(row.id) || json::parse(key, nullptr, false) == json::parse(row.key);
         });
}

void settle(ports::Session& session, const QuarantinedRow& row) {
  session.exec(
      "UPDATE switchback.quarantine SET status = 'mended', settled_by = session_user, settled_at = "
      "pg_catalog.clock_timestamp(), reason = 'tried again' WHERE id = $1",
      {std::to_string(row.id)});
}

/// The row is locked, so that nobody else writes it meanwhile; sync leaves what comes with a new marker as it is.
void convert(ports::Session& session, const ResolvedSync& sync, const QuarantinedRow& row) {
  const std::string path = key_search_path(session, sync.table, sync.key, "LOCAL");
  session.exec("SELECT pg_catalog.set_config('switchback.engine', 'on', true)");
  if (!path.empty()) session.exec(path);
  const std::string marker = "t." + quote_identifier(sync.sync.marker);
  const std::string here = " WHERE " + key_is(sync.key, "t", "(" + quote_literal(row.key) + "::pg_catalog.jsonb)");
  const auto there =
      session.exec("SELECT " + marker + " FROM " + quoted(sync.table) + " AS t" + here + " FOR NO KEY UPDATE");
  const std::string mark = there.empty() ? "" : there.text(0, 0);
  const bool forward = mark == std::string(1, sync.sync.forward_failed);
  if (!forward && mark != std::string(1, sync.sync.reverse_failed)) return;  // the application was faster
  session.exec("UPDATE " + quoted(sync.table) + " AS t SET " +
               (forward ? fill_set_sql(sync.sync, "t") : refill_old_set_sql(sync.sync, "t")) + here);
}

bool retry_row(ports::Session& session, const Actor& actor, const PlanRecord& plan, const QuarantinedRow& row) {
  const ResolvedSync sync = sync_now(session, plan, row.relation);
  try {
    ports::Transaction transaction(session);
    convert(session, sync, row);
    settle(session, row);
    const std::string state(name(plan.state));
    add_event(session, actor, plan.id, "mended", state, state, "tried again",
              json{{"relation", row.relation}, {"key", json::parse(row.key)}}.dump());
    transaction.commit();
    return true;
  } catch (const Error& error) {
    if (error.remedy() != Remedy::data) throw;
    session.exec(
        "UPDATE switchback.quarantine SET sqlstate = $2, message = $3, at = pg_catalog.clock_timestamp() WHERE id = $1",
        {std::to_string(row.id), error.sqlstate(), std::string(error.what())});
    return false;
  }
}

}  // namespace

void settle_mended(ports::Session& session, PlanId plan, const ResolvedSync& sync) {
  const std::string path = key_search_path(session, sync.table, sync.key, "SESSION");
  if (!path.empty()) session.exec(path);
  session.exec(
      "UPDATE switchback.quarantine q SET status = 'mended', settled_at = pg_catalog.clock_timestamp(), settled_by = "
      "'the application', reason = 'written or deleted since' WHERE q.plan_id = $1 AND q.relation = $2 AND q.status = "
      "'open' AND NOT EXISTS (SELECT FROM " +
          quoted(sync.table) + " AS t WHERE " + key_is(sync.key, "t", "q.key") + " AND t." +
          quote_identifier(sync.sync.marker) + " IN ('f', 'r'))",
      {std::to_string(plan), shown(sync.table)});
  if (!path.empty()) use_safe_search_path(session);
}

void note_marked(ports::Session& session, PlanId plan, const ResolvedSync& sync, const TableName& leaf,
                 const std::string& range) {
  const std::string marker = "t." + quote_identifier(sync.sync.marker);
  session.exec(
      "INSERT INTO switchback.quarantine AS q (plan_id, step, relation, key, sqlstate, message) SELECT $1, $2, $3, " +
          key_object(sync.key, "t") + ", '22000', CASE " + marker +
          " WHEN 'f' THEN 'the forward expression failed' ELSE 'the reverse expression failed' END || ' when the "
          "application wrote the row' FROM " +
          quoted(leaf) + " AS t WHERE " + range + " AND " + marker +
          " IN ('f', 'r') ON CONFLICT (plan_id, step, relation, key) DO UPDATE SET status = 'open', at = "
          "pg_catalog.clock_timestamp() WHERE q.status = 'mended'",
      {std::to_string(plan), backfill_step(sync.table), shown(sync.table)});
}

std::optional<Hold> quarantine_hold(Workbench& bench) {
  ports::Session& session = bench.session();
  std::int64_t unconverted = 0;
  const std::string plan = std::to_string(bench.fence().plan);
  for (const ResolvedSync& sync : bench.resolved().sync) {
    settle_mended(session, bench.fence().plan, sync);
    note_marked(session, bench.fence().plan, sync, sync.table, "true");
    unconverted += session
                       .exec(
                           "SELECT pg_catalog.count(*) FROM switchback.quarantine WHERE plan_id = $1 AND relation = $2 "
                           "AND status = 'open'",
                           {plan, shown(sync.table)})
                       .integer(0, 0);
  }
  if (unconverted == 0) return std::nullopt;
  return Hold{HoldKind::quarantine,
              show_rows(unconverted) + " could not be converted",
              "they are mended or accepted: switchback quarantine " + bench.plan().name + " list",
              {}};
}

std::optional<Hold> over_budget(const Settings& settings, const Plan& plan, const TableName& table, std::int64_t bad,
                                double rows_estimate) {
  const auto share = static_cast<std::int64_t>(std::ceil(settings.quarantine_share * std::max(rows_estimate, 1.0)));
  // Beyond 100 rows or 0.1 %, whichever is less, something is wrong with the expression and not with the rows.
  const std::int64_t allowed = std::max<std::int64_t>(1, std::min(settings.quarantine_rows, share));
  if (bad <= allowed) return std::nullopt;
  return Hold{
      HoldKind::quarantine,
      show_rows(bad) + " of " + shown(table) + " could not be converted, over the budget of " + show_count(allowed),
      "the rows are mended or accepted (switchback quarantine " + plan.name +
          " list), or the budget is raised: switchback set " + plan.name +
          " backfill.quarantine.rows=N backfill.quarantine.share=P% (the smaller counts)",
      {}};
}

std::int64_t open_rows(ports::Session& session, PlanId plan) {
  return session
      .exec("SELECT pg_catalog.count(*) FROM switchback.quarantine WHERE plan_id = $1 AND status = 'open'",
            {std::to_string(plan)})
      .integer(0, 0);
}

Retried retry_quarantined(ports::Session& session, const Actor& actor, const PlanRecord& plan,
                          const std::vector<std::string>& keys) {
  Retried result;
  for (const QuarantinedRow& row : quarantined(session, plan.id)) {
    if (row.status != "open" || !is_named(row, keys)) continue;
    ++(retry_row(session, actor, plan, row) ? result.mended : result.failed);
  }
  if (!keys.empty() && result.mended + result.failed == 0)
    throw Error(Exit::invalid, Remedy::person, "no open row of " + plan.name + " in quarantine has such a key",
                "switchback quarantine " + plan.name + " list shows those there are");
  return result;
}

std::int64_t accept_quarantined_where(ports::Session& session, ports::Catalog& catalog, const Actor& actor,
                                      const PlanRecord& plan, const std::string& condition, std::string_view reason) {
  std::int64_t accepted = 0;
  std::optional<Error> misfit;
  bool fits = false;
  for (const ResolvedSync& sync : resolved_from_json(plan.resolved).sync) {
    const auto table = catalog.table(session, sync.table);
    if (!table) continue;
    ResolvedExpression resolved;
    try {
      resolved = catalog.resolve(session, *table, condition);
    } catch (const Error& error) {
      if (!misfit) misfit = error;
      continue;
    }
    fits = true;
    ports::Transaction transaction(session);
    if (const std::string path = key_search_path(session, sync.table, sync.key, "LOCAL"); !path.empty())
      session.exec(path);
    const auto rows = session.exec(
        "UPDATE switchback.quarantine q SET status = 'accepted', settled_by = session_user, settled_at = "
        "pg_catalog.clock_timestamp(), reason = $3 FROM " +
            quoted(sync.table) + " AS t WHERE q.plan_id = $1 AND q.relation = $2 AND q.status = 'open' AND " +
            key_is(sync.key, "t", "q.key") + " AND (" + resolved.in("t") + ") RETURNING q.key",
        {std::to_string(plan.id), shown(sync.table), std::string(reason)});
    const std::string state(name(plan.state));
    for (std::size_t i = 0; i < rows.size(); ++i)
      add_event(session, actor, plan.id, "accept", state, state, reason,
                json{{"key", json::parse(rows.text(i, 0))}, {"where", condition}}.dump());
    transaction.commit();
    accepted += static_cast<std::int64_t>(rows.size());
  }
  if (!fits && misfit) throw *misfit;
  return accepted;
}

}  // namespace switchback::engine
