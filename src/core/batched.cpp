#include "switchback/core/batched.hpp"

namespace switchback {
namespace {

std::string with_rows(std::string_view statement, const std::string& rows) {
  std::string sql(statement);
  if (const auto at = sql.find(batch_rows); at != std::string::npos) sql.replace(at, batch_rows.size(), rows);
  return sql;
}

}  // namespace

std::string batched_sql(std::string_view statement, const std::string& range, const TableName& leaf) {
  // A statement on a partitioned table reaches all of its leaves, and each leaf is walked by itself.
  return with_rows(statement,
                   "(" + range + " AND t.tableoid = " + quote_literal(quoted(leaf)) + "::pg_catalog.regclass)");
}

std::string batched_sketch(std::string_view statement) {
  return with_rows(statement, "(t.tableoid = 0 AND false)");
}

StepSql sql_batched_step(const SqlBatched& step, const std::string& batch_time) {
  StepSql out;
  out.step = describe(step);
  out.sql.push_back(with_rows(step.run, "(a range of the key of t)"));
  if (step.undo) out.undo.push_back(with_rows(*step.undo, "(a range of the key of t)"));
  if (step.irreversible) out.no_undo = *step.irreversible;
  out.lock = "as the statement takes: of the rows ROW EXCLUSIVE";
  out.held = "row locks for one batch, about " + batch_time +
             "; each row is visited once, in one transaction with how far it got; rows that are inserted behind that "
             "are not visited";
  out.scans = true;
  return out;
}

}  // namespace switchback
