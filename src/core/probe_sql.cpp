#include "switchback/core/probe_sql.hpp"

#include <algorithm>

#include "switchback/core/pair.hpp"
#include "sync_text.hpp"

namespace switchback {
namespace {

/// Names are looked up when the trigger is made, by a session whose search_path is the server's own.
std::string guard(const std::string& setting, const std::string& period) {
  return "pg_catalog.concat_ws('/', session_user, pg_catalog.current_setting('role', true), "
         "pg_catalog.current_setting('application_name'), pg_catalog.floor(pg_catalog.date_part('epoch', "
         "pg_catalog.statement_timestamp()) / " +
         period + "::float8))" +
         (setting.empty() ? "" : " IS DISTINCT FROM pg_catalog.current_setting(" + setting + ", true)");
}

std::string setting_of(const ProbedColumn& column) {
  return "switchback.probe_" + std::to_string(column.oid) + "_" + std::to_string(column.column.number);
}

std::string supplied(const ProbedColumn& column) {
  const std::string value = "NEW." + quote_identifier(column.column.name);
  std::string sql =
      column.column.default_value
          ? differs_sql(column.column, value,
                        "CAST((" + *column.column.default_value + ") AS " + qualified_type(column.column.type) + ")")
          : "(" + value + " IS DISTINCT FROM NULL)";
  if (column.marker) sql += " AND NEW." + quote_identifier(*column.marker) + " IS NULL";
  return sql;
}

}  // namespace

std::string probe_trigger_name(const ProbedColumn& column, char event) {
  return "~switchback_0_" + std::to_string(column.plan_id) + "_" + std::to_string(column.column.number) + "_" + event;
}

std::string probe_function_name(std::int64_t plan_id) {
  return "switchback." + quote_identifier("probe_" + std::to_string(plan_id));
}

std::string probe_function_sql(std::int64_t plan_id) {
  // TG_ARGV: the structure, the setting that remembers the note, the period. The exception block undoes both together.
  const std::string body = R"(
BEGIN
  BEGIN
    PERFORM pg_catalog.set_config(TG_ARGV[1], )" +
                           guard("", "TG_ARGV[2]") + R"(, false);
    INSERT INTO switchback.usage_write (plan_id, structure, how, role, application, at)
    VALUES ()" + std::to_string(plan_id) +
                           R"(, TG_ARGV[0], pg_catalog.lower(TG_OP),
      CASE pg_catalog.current_setting('role', true) WHEN 'none' THEN session_user ELSE COALESCE(pg_catalog.current_setting('role', true), session_user) END,
      pg_catalog.current_setting('application_name'), pg_catalog.clock_timestamp());
  EXCEPTION WHEN OTHERS THEN NULL;  -- a note is not worth the application's statement
  END;
  IF TG_LEVEL OPERATOR(pg_catalog.=) 'ROW' THEN RETURN NEW; END IF;
  RETURN NULL;
END
)";
  return "CREATE OR REPLACE FUNCTION " + probe_function_name(plan_id) +
         "() RETURNS pg_catalog.trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET "
         "lock_timeout = '5ms' AS " +
         dollar_quote(body) + ";\n";
}

std::string probe_triggers_sql(const ProbedColumn& column) {
  const std::string on = " ON " + quoted(column.table);
  const std::string period = std::to_string(column.period.count());
  const std::string run = " EXECUTE FUNCTION " + probe_function_name(column.plan_id) + "(" +
                          quote_literal(column.structure) + ", " + quote_literal(setting_of(column)) + ", " +
                          quote_literal(period) + ");\n";
  const std::string first_time =
      "NOT pg_catalog.starts_with(pg_catalog.current_setting('application_name'), "
      "'switchback') AND pg_catalog.current_setting(" +
      quote_literal(pair_setting) + ", true) IS DISTINCT FROM 'on' AND " +
      guard(quote_literal(setting_of(column)), period);
  const auto enabled = [&](const std::string& name) {
    return "ALTER TABLE " + quoted(column.table) + " ENABLE ALWAYS TRIGGER " + name + ";\n";
  };
  const std::string update = quote_identifier(probe_trigger_name(column, 'u'));
  const std::string insert = quote_identifier(probe_trigger_name(column, 'i'));
  std::string sql = "DROP TRIGGER IF EXISTS " + update + on + ";\nDROP TRIGGER IF EXISTS " + insert + on +
                    ";\nCREATE TRIGGER " + update + " AFTER UPDATE OF " + quote_identifier(column.column.name) + on +
                    " FOR EACH STATEMENT WHEN (" + first_time + ")" + run + enabled(update);
  if (!column.can_tell_inserts) return sql;
  return sql + "CREATE TRIGGER " + insert + " BEFORE INSERT" + on + " FOR EACH ROW WHEN (" + supplied(column) +
         " AND " + first_time + ")" + run + enabled(insert);
}

std::chrono::seconds probe_period(std::chrono::seconds window) {
  return std::clamp(window / 20, std::chrono::seconds(1), std::chrono::seconds(300));
}

}  // namespace switchback
