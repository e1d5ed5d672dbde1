#include "switchback/engine/turning_over.hpp"

#include <algorithm>

#include "switchback/core/error.hpp"
#include "switchback/core/setting_sql.hpp"
#include "switchback/core/units.hpp"
#include "switchback/engine/hiding.hpp"

namespace switchback::engine {
namespace {

constexpr const char* query_cancelled = "57014";
constexpr std::chrono::minutes longest_look{10};

std::optional<std::string> default_now(ports::Session* session, const DropDefault& step) {
  if (session == nullptr) return std::nullopt;
  const auto rows = session->exec(
      "SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid) FROM pg_catalog.pg_attrdef d JOIN pg_catalog.pg_attribute a "
      "ON "
      "a.attrelid = d.adrelid AND a.attnum = d.adnum WHERE d.adrelid = pg_catalog.to_regclass($1) AND a.attname = $2 "
      "AND a.attgenerated = ''",
      {quoted(step.table), step.column});
  return rows.empty() ? std::nullopt : rows.at(0, 0);
}

void set_statement_timeout(ports::Session& session, const std::string& value) {
  session.exec("SELECT pg_catalog.set_config('statement_timeout', $1, true)", {value});
}

/// As the user wrote it, with the search_path that the role has.
void run_bounded(ports::Session& session, const AddExclusion& step, const std::string& sql) {
  const std::string before = session.exec("SHOW statement_timeout").text(0, 0);
  const std::string bound = session.exec("SHOW lock_timeout").text(0, 0);
  if (!step.lock) set_statement_timeout(session, bound);
  use_own_search_path(session, true);
  try {
    session.exec(sql);
  } catch (const Error& error) {
    if (error.sqlstate() != query_cancelled || step.lock) throw;
    throw Error(Exit::refused, Remedy::person,
                "the index of the exclusion constraint on " + shown(step.table) + " was not built within " + bound +
                    ", for which readers and writers were kept out: it was given up, nothing has changed",
                "say in the plan why they may wait longer: lock: REASON, and hide it when few are there; or raise "
                "lock_timeout");
  }
  session.exec("SET LOCAL search_path = pg_catalog, pg_temp");
  if (!step.lock) set_statement_timeout(session, before);
}

std::vector<const AddExclusion*> exclusions_of(const Plan& plan) {
  std::vector<const AddExclusion*> found;
  for (const Step& step : plan.contract.steps)
    if (const auto* exclusion = std::get_if<AddExclusion>(&step.action)) found.push_back(exclusion);
  return found;
}

}  // namespace

StepSql turned_over_sql(ports::Session* session, const Step& step) {
  const auto* drop = std::get_if<DropDefault>(&step.action);
  return turn_over_sql(step.action, drop ? default_now(session, *drop) : std::nullopt);
}

void add_exclusions(ports::Session& session, const Plan& plan) {
  for (const AddExclusion* exclusion : exclusions_of(plan))
    run_bounded(session, *exclusion, turn_over_sql(*exclusion, {}).sql.front());
}

void turn_over(ports::Session& session, const Plan& plan) {
  for (const Step& step : plan.contract.steps)
    if (is_turned_over(step.action) && !std::holds_alternative<AddExclusion>(step.action))
      for (const std::string& sql : turn_over_sql(step.action, {}).sql) session.exec(sql);
}

void turn_back_over(ports::Session& session, PlanId plan_id) {
  std::vector<StoredDefinition> all = definitions(session, plan_id);
  for (auto one = all.rbegin(); one != all.rend(); ++one)
    if (one->kind == "turned") session.exec(one->definition);
}

std::vector<std::string> turned_over_objections(ports::Session& session, const Plan& plan) {
  std::vector<std::string> objections;
  for (const AddExclusion* step : exclusions_of(plan))
    if (session
            .exec("SELECT FROM pg_catalog.pg_constraint WHERE conrelid = pg_catalog.to_regclass($1) AND conname = "
                  "$2::pg_catalog.name AND contype = 'x'",
                  {quoted(step->table), exclusion_name(*step)})
            .empty())
      objections.push_back(describe(*step) + " is not enforced any more: it was dropped");
  return objections;
}

Stop check_pairs(Workbench& bench, const AddExclusion& step) {
  std::int64_t rows = 0;
  try {
    const Stop stop = bench.in_transaction([&](ports::Session& session) {
      set_statement_timeout(session, std::to_string(std::chrono::milliseconds(longest_look).count()) + "ms");
      use_own_search_path(session, true);
      rows = session.exec(exclusion_broken_sql(step)).integer(0, 0);
      session.exec("SET LOCAL search_path = pg_catalog, pg_temp");
    });
    if (!stop.ok()) return stop;
  } catch (const Error& error) {
    if (error.sqlstate() != query_cancelled) throw;
    return Stop::held({HoldKind::violation,
                       "whether two rows of " + shown(step.table) + " are in the way of " + describe(step) +
                           " is not known: looking took longer than " + show_duration(longest_look),
                       "an index finds them: create_index with method: " + step.method +
                           " over the same elements, in migrate; then switchback run again",
                       {}});
  }
  if (rows == 0) return Stop::arrived();
  return Stop::held({HoldKind::violation,
                     show_rows(rows) + " of " + shown(step.table) + (rows == 1 ? " is" : " are") +
                         " in the way of another one, for " + describe(step),
                     "the rows are mended, then switchback run again",
                     {}});
}

Stop check_all_pairs(Workbench& bench) {
  for (const AddExclusion* step : exclusions_of(bench.plan()))
    if (const Stop stop = check_pairs(bench, *step); !stop.ok()) return stop;
  return Stop::arrived();
}

}  // namespace switchback::engine
