#include "usage_probe.hpp"

#include "switchback/core/sql.hpp"

namespace switchback::postgres {
namespace {

using nlohmann::json;
using ports::Rows;

/// A note stands for what its session does until its period is over. One that was made before the last look and is
/// seen only now comes from a transaction that ended since.
constexpr const char* sum_up = R"sql(
WITH gone AS (
  DELETE FROM switchback.usage_write WHERE plan_id = $1::bigint RETURNING structure, how, role, application, at),
noted AS (
  SELECT g.structure, g.how, g.role, g.application, min(g.at) AS first_seen,
         max(CASE WHEN g.at < c.until THEN pg_catalog.clock_timestamp()
                  ELSE g.at + (c.marks->>'period')::pg_catalog.float8 * interval '1 second' END) AS last_seen
  FROM gone g JOIN switchback.usage_coverage c ON c.plan_id = $1::bigint AND c.source = 'write_probe'
  GROUP BY g.structure, g.how, g.role, g.application)
INSERT INTO switchback.usage_writer AS w (plan_id, structure, how, role, application, first_seen, last_seen)
SELECT $1::bigint, structure, how, role, application, first_seen, last_seen FROM noted
ON CONFLICT (plan_id, structure, how, role, application) DO UPDATE
SET last_seen = GREATEST(w.last_seen, excluded.last_seen))sql";

std::string why_blind(ports::Session& session, const std::string& plan, const json& made) {
  const Rows there = session.exec(R"sql(
SELECT pg_catalog.concat(t.tgrelid, ' ', t.tgname) FROM pg_catalog.pg_trigger t
WHERE t.tgfoid = pg_catalog.to_regproc($1) AND t.tgparentid = 0 AND t.tgenabled = 'A')sql",
                                  {"switchback." + quote_identifier("probe_" + plan)});
  for (const json& trigger : made) {
    bool found = false;
    for (std::size_t i = 0; i < there.size(); ++i) found |= there.text(i, 0) == trigger.get<std::string>();
    if (found) continue;
    const std::string written = trigger.get<std::string>();
    const Rows table = session.exec("SELECT $1::bigint::pg_catalog.oid::pg_catalog.regclass::text",
                                    {written.substr(0, written.find(' '))});
    return "a trigger of the write probe on " + table.text(0, 0) + " was dropped or disabled";
  }
  return "";
}

}  // namespace

void sample_probe(CoverageJournal& coverage) {
  const Recorded before = coverage.recorded("write_probe", "primary");
  if (!before.there) return;
  const std::string now = coverage.clock();
  coverage.journal().exec(sum_up, {coverage.plan()});
  const json made = before.marks.value("triggers", json::array());
  const std::string blind = why_blind(coverage.journal(), coverage.plan(), made);
  if (!blind.empty())
    return coverage.blind("write_probe", "primary", before, {blind, "switchback run PLAN --to hidden makes it again"});
  coverage.seen("write_probe", "primary", now, before,
                json{{"triggers", made}, {"period", before.marks.value("period", 300)}}, {});
}

std::vector<Observation> writers(ports::Session& session, std::int64_t plan, const std::string& structure) {
  const std::string id = std::to_string(plan);
  std::vector<Observation> observations;
  if (session
          .exec("SELECT 1 FROM switchback.usage_coverage WHERE plan_id = $1::bigint AND source = 'write_probe'", {id})
          .empty())
    return observations;
  const Rows rows = session.exec(
      "SELECT how, role, application, (EXTRACT(epoch FROM LEAST(last_seen, pg_catalog.clock_timestamp()))::numeric * "
      "1000)::bigint FROM switchback.usage_writer WHERE plan_id = $1::bigint AND structure = $2 ORDER BY last_seen "
      "DESC, how, role, application",
      {id, structure});
  for (std::size_t i = 0; i < rows.size(); ++i)
    observations.push_back({"write_probe", "primary", Finding::used,
                            (rows.text(i, 0) == "insert" ? "an INSERT gave it a value" : "an UPDATE assigned it") +
                                std::string(", by role ") + rows.text(i, 1) + ", application " +
                                (rows.text(i, 2).empty() ? "unnamed" : rows.text(i, 2)),
                            Instant{std::chrono::milliseconds{rows.integer(i, 3)}},
                            "stop what writes it, or move it to the new side"});
  observations.push_back({"write_probe", "primary", Finding::clear,
                          rows.empty() ? "no statement wrote it" : "other sessions did not write it", std::nullopt,
                          ""});
  return observations;
}

}  // namespace switchback::postgres
