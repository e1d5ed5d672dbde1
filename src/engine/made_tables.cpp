#include "switchback/engine/made_tables.hpp"

#include "switchback/core/error.hpp"
#include "switchback/core/units.hpp"
#include "switchback/core/work.hpp"
#include "switchback/engine/steps.hpp"

namespace switchback::engine {
namespace {

bool is_there(ports::Session& session, const TableName& table) {
  return session.exec("SELECT pg_catalog.to_regclass($1) IS NOT NULL", {quoted(table)}).boolean(0, 0);
}

/// By whoever began this way back; a runner that takes it up later need not be told again.
bool loss_was_agreed(Workbench& bench, ports::Session& session) {
  if (bench.despite("loss")) return true;
  return session
      .exec(
          "SELECT EXISTS (SELECT FROM switchback.event d WHERE d.plan_id = $1 AND d.kind = 'despite' AND d.reason LIKE "
          "'loss: %' AND d.id > (SELECT max(e.id) FROM switchback.event e WHERE e.plan_id = $1 AND e.kind = 'state' "
          "AND e.to_state = 'rolling_back'))",
          {std::to_string(bench.fence().plan)})
      .boolean(0, 0);
}

/// What the table refers to is locked by its DROP too. First, as a DELETE there comes from there when it cascades; and
/// for less time than deadlock_timeout usually is, so that where somebody comes the other way it is the runner that
/// gives up.
void lock_with_referenced(ports::Session& session, const TableName& table) {
  session.exec(
      "SELECT pg_catalog.set_config('lock_timeout', '500ms', true) FROM pg_catalog.pg_settings WHERE name = "
      "'lock_timeout' AND setting::int NOT BETWEEN 1 AND 500");
  const auto referenced = session.exec(
      "SELECT DISTINCT n.nspname, c.relname FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = "
      "k.confrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE k.contype = 'f' AND k.conrelid = "
      "pg_catalog.to_regclass($1) AND k.confrelid <> k.conrelid ORDER BY 1, 2",
      {quoted(table)});
  for (std::size_t i = 0; i < referenced.size(); ++i)
    session.exec("LOCK TABLE " + quoted({referenced.text(i, 0), referenced.text(i, 1)}) + " IN ACCESS EXCLUSIVE MODE");
  session.exec("LOCK TABLE " + quoted(table) + " IN ACCESS EXCLUSIVE MODE");
}

}  // namespace

std::vector<std::string> made_table_losses(Workbench& bench) {
  std::vector<std::string> losses;
  for (const Work& work : expand_work(bench.plan())) {
    const auto* made = work.steps.empty() ? nullptr : std::get_if<CreateTable>(&work.steps.front()->action);
    if (made == nullptr || is_copy(bench.plan(), made->name)) continue;
    const auto status = step_status(bench.session(), bench.fence().plan, "expand", work.ordinal);
    if (!status || status->status != "done" || !is_there(bench.session(), made->name)) continue;
    const auto rows = bench.session().exec("SELECT pg_catalog.count(*) FROM " + quoted(made->name)).integer(0, 0);
    if (rows > 0) losses.push_back(show_rows(rows) + " of " + shown(made->name) + ", which goes as a whole");
  }
  return losses;
}

void lock_made_table(Workbench& bench, ports::Session& session, const CreateTable& table) {
  if (!is_there(session, table.name)) return;
  lock_with_referenced(session, table.name);
  if (is_copy(bench.plan(), table.name) || loss_was_agreed(bench, session)) return;
  if (!session.exec("SELECT EXISTS (SELECT FROM " + quoted(table.name) + ")").boolean(0, 0)) return;
  throw Error(Exit::refused, Remedy::person, "the table " + shown(table.name) + " holds rows that would be lost",
              "switchback rollback " + bench.plan().name + " --despite loss --reason …");
}

}  // namespace switchback::engine
