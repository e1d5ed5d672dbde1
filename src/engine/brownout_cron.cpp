#include "brownout_cron.hpp"

#include "switchback/core/sql.hpp"

namespace switchback::engine {
namespace {

std::string undo_block(std::int64_t id, const std::string& job, const std::vector<std::string>& statements) {
  const std::string number = std::to_string(id);
  std::string body =
      "\nBEGIN\n  PERFORM 1 FROM switchback.brownout WHERE id = " + number +
      " AND undone_at IS NULL AND deadline < pg_catalog.clock_timestamp() FOR UPDATE;\n  IF FOUND THEN\n";
  for (const std::string& statement : statements) body += "    " + statement + ";\n";
  body +=
      "    UPDATE switchback.brownout SET undone_at = pg_catalog.clock_timestamp(), undone_by = 'pg_cron' WHERE id = " +
      number +
      ";\n    INSERT INTO switchback.event (plan_id, plan, kind, from_state, to_state, os_user, host, reason, lsn) "
      "SELECT p.id, p.name, 'brownout_undone', p.state, p.state, 'pg_cron', '', 'by pg_cron: its time was over', "
      "pg_catalog.pg_current_wal_lsn() FROM switchback.brownout b JOIN switchback.plan p ON p.id = b.plan_id WHERE "
      "b.id = " +
      number + ";\n  END IF;\n  PERFORM 1 FROM switchback.brownout WHERE id = " + number +
      " AND undone_at IS NULL;\n  IF NOT FOUND THEN\n    PERFORM cron.unschedule(jobid) FROM cron.job WHERE jobname "
      "= " +
      quote_literal(job) + ";\n  END IF;\nEND\n";
  return "DO " + dollar_quote(body);
}

}  // namespace

bool schedule_undo(ports::Session& session, std::int64_t id, const std::vector<std::string>& statements) {
  const auto there = session.exec(
      "SELECT pg_catalog.string_to_array(pg_catalog.substring(extversion, '^[0-9]+[.][0-9]+'), '.')::int[] >= '{1,5}' "
      "FROM pg_catalog.pg_extension WHERE extname "
      "= 'pg_cron'");
  if (there.empty() || !session
                            .exec("SELECT pg_catalog.has_schema_privilege('cron', 'USAGE') AND "
                                  "pg_catalog.has_function_privilege('cron.schedule(text,text,text)', 'EXECUTE')")
                            .boolean(0, 0))
    return false;
  const std::string job = "switchback brownout " + std::to_string(id);
  session.exec("SELECT cron.schedule($1, $2, $3)",
               {job, there.boolean(0, 0) ? "5 seconds" : "* * * * *", undo_block(id, job, statements)});
  return true;
}

}  // namespace switchback::engine
