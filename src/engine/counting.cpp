#include "switchback/engine/counting.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "switchback/core/change.hpp"
#include "switchback/core/counter_sql.hpp"
#include "switchback/core/error.hpp"
#include "switchback/core/probe_sql.hpp"
#include "switchback/core/step_sql.hpp"
#include "switchback/core/units.hpp"
#include "switchback/engine/expanding.hpp"
#include "switchback/engine/guard.hpp"
#include "switchback/engine/steps.hpp"

namespace switchback::engine {
namespace {

using nlohmann::json;

std::string number_of(int number) {
  return std::to_string(number);
}

/// As a regular expression: those of one counter, or of all.
std::string functions_of(PlanId plan, int number) {
  return "^" + (number > 0 ? counter_function(plan, number) : "count_" + std::to_string(plan) + "_[0-9]+") + "(_|$)";
}

/// The triggers of a counter that are there and fire, as switchback.counter keeps them.
json triggers_there(ports::Session& session, PlanId plan, int number) {
  const auto rows = session.exec(R"(
SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.concat(t.tgrelid, ' ', t.tgname) ORDER BY t.tgrelid, t.tgname), '[]')
FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
WHERE p.pronamespace = 'switchback'::pg_catalog.regnamespace AND p.proname ~ $1 AND t.tgparentid = 0 AND t.tgenabled = 'A')",
                                 {functions_of(plan, number)});
  return json::parse(rows.text(0, 0));
}

bool is_as_made(ports::Session& session, PlanId plan, int number) {
  const auto made = session.exec("SELECT triggers FROM switchback.counter WHERE plan_id = $1 AND rule = $2",
                                 {std::to_string(plan), number_of(number)});
  return !made.empty() && json::parse(made.text(0, 0)) == triggers_there(session, plan, number);
}

std::vector<TableName> writes_on(Workbench& bench, ports::Session& session, const Rule& rule) {
  const auto table = bench.catalog().table(session, table_of(rule));
  if (!table)
    throw Error(Exit::drift, Remedy::person, "the table " + shown(table_of(rule)) + " is gone", "see history");
  const bool of_one_table = std::holds_alternative<AddForeignKey>(rule) || std::holds_alternative<AddUnique>(rule);
  return table->kind == 'p' || of_one_table ? std::vector<TableName>{table->name} : table->leaves;
}

std::string who(const ports::Rows& rows, std::size_t i) {
  const std::string application = rows.text(i, 1);
  return (application.empty() ? "role " + rows.text(i, 0) : application + " (role " + rows.text(i, 0) + ")");
}

/// A note stands for its whole period.
std::string window_seconds(Workbench& bench) {
  const auto window = observe_window(bench);
  return std::to_string((window + probe_period(window)).count());
}

void add_violations(Workbench& bench, const Rule& rule, int number, std::vector<std::string>& reasons) {
  const auto seen = bench.session().exec(
      "SELECT role, application, pg_catalog.sum(writes)::int8, pg_catalog.to_char(pg_catalog.max(at) AT TIME ZONE "
      "'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), (pg_catalog.array_agg(how || ' ' || relation ORDER BY id DESC))[1], "
      "(pg_catalog.array_agg(key::text ORDER BY id DESC))[1], pg_catalog.max(failure) FROM switchback.violation WHERE "
      "plan_id = $1 AND rule = $2 AND at > pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => $3::float8) "
      "GROUP BY role, application ORDER BY 3 DESC LIMIT 5",
      {std::to_string(bench.fence().plan), number_of(number), window_seconds(bench)});
  for (std::size_t i = 0; i < seen.size(); ++i) {
    const std::string row = seen.text(i, 5) == "{}" ? "" : " " + seen.text(i, 5);
    std::string reason = shown(rule) + ": " + show_count(seen.integer(i, 2)) +
                         (seen.integer(i, 2) == 1 ? " write" : " writes") + " of " + who(seen, i) +
                         " would be refused, the last at " + seen.text(i, 3) + ": " + seen.text(i, 4) + row;
    if (seen.at(i, 6)) reason += "; whether it would be could not be told: " + seen.text(i, 6);
    reasons.push_back(std::move(reason));
  }
}

std::optional<Hold> hold_of(HoldKind kind, std::vector<std::string> reasons, const std::string& ends_when) {
  if (reasons.empty()) return std::nullopt;
  Hold hold{kind, reasons.front(), ends_when, {}};
  if (reasons.size() > 1) hold.reasons = std::move(reasons);
  return hold;
}

}  // namespace

void install_counter(Workbench& bench, ports::Session& session, int number) {
  const PlanId plan = bench.fence().plan;
  const Rule rule = rules_of(bench.plan()).at(static_cast<std::size_t>(number - 1));
  const Counter counter{plan,
                        number,
                        rule,
                        bench.resolved().rules.at(static_cast<std::size_t>(number - 1)),
                        writes_on(bench, session, rule),
                        probe_period(observe_window(bench))};
  remove_counters(session, plan, number);
  for (const std::string& sql : counter_sql(counter)) session.exec(sql);
  session.exec("INSERT INTO switchback.counter (plan_id, rule, name, triggers) VALUES ($1, $2, $3, $4::jsonb)",
               {std::to_string(plan), number_of(number), shown(rule), triggers_there(session, plan, number).dump()});
}

Stop build_twin_index(Workbench& bench, const AddUnique& rule, int number) {
  std::optional<TableFacts> table;
  const Stop stop =
      bench.outside_transaction([&](ports::Session& session) { table = bench.catalog().table(session, rule.table); });
  if (!stop.ok() || !table || finds_by(*table, rule.columns)) return stop;
  const CreateIndex index =
      twin_index(bench.plan().name, rule, bench.resolved().rules.at(static_cast<std::size_t>(number - 1)));
  return build_one(bench, {rule.table.schema, *index.name}, create_index_sql(index, rule.table, *index.name));
}

Stop repair_counters(Workbench& bench) {
  const std::vector<Rule> rules = rules_of(bench.plan());
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const int number = static_cast<int>(i) + 1;
    bool there = false;
    Stop stop = bench.outside_transaction(
        [&](ports::Session& session) { there = is_as_made(session, bench.fence().plan, number); });
    if (stop.ok() && there) continue;
    if (const auto* unique = std::get_if<AddUnique>(&rules[i]); unique && stop.ok())
      stop = build_twin_index(bench, *unique, number);
    if (!stop.ok()) return stop;
    stop = bench.in_transaction([&](ports::Session& session) {
      if (is_as_made(session, bench.fence().plan, number)) return;
      install_counter(bench, session, number);
      record_shapes(bench);
      bench.note("counting", "writes that " + shown(rules[i]) + " would refuse are counted from now on");
    });
    if (!stop.ok()) return stop;
  }
  return Stop::arrived();
}

void remove_counters(ports::Session& session, PlanId plan, int number) {
  const std::string pattern = functions_of(plan, number);
  const auto triggers = session.exec(R"(
SELECT n.nspname, c.relname, t.tgname, EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhparent = c.oid)
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid) FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE p.pronamespace = 'switchback'::pg_catalog.regnamespace AND p.proname ~ $1 AND t.tgparentid = 0 ORDER BY 1, 2, 3)",
                                     {pattern});
  // From above, as statements lock them: a part that is locked first is a deadlock with whoever has the rest.
  for (std::size_t i = 0; i < triggers.size(); ++i)
    if (triggers.boolean(i, 3))
      session.exec("LOCK TABLE " + quoted(TableName{triggers.text(i, 0), triggers.text(i, 1)}) +
                   " IN ACCESS EXCLUSIVE MODE");
  for (std::size_t i = 0; i < triggers.size(); ++i)
    session.exec("DROP TRIGGER IF EXISTS " + quote_identifier(triggers.text(i, 2)) + " ON " +
                 quoted(TableName{triggers.text(i, 0), triggers.text(i, 1)}));
  const auto functions = session.exec(
      "SELECT p.oid::pg_catalog.regprocedure::text FROM pg_catalog.pg_proc p WHERE p.pronamespace = "
      "'switchback'::pg_catalog.regnamespace AND p.proname ~ $1",
      {pattern});
  for (std::size_t i = 0; i < functions.size(); ++i) session.exec("DROP FUNCTION " + functions.text(i, 0));
  for (const char* table : {"switchback.counter", "switchback.violation"})
    session.exec("DELETE FROM " + std::string(table) + " WHERE plan_id = $1 AND ($2 = 0 OR rule = $2)",
                 {std::to_string(plan), number_of(number)});
}

void remove_twin_index(ports::Session& session, const Plan& plan, const Rule& rule) {
  if (const auto* unique = std::get_if<AddUnique>(&rule))
    session.exec("DROP INDEX IF EXISTS " + quoted({unique->table.schema, twin_index_name(plan.name, *unique)}));
}

std::optional<Hold> violation_hold(Workbench& bench) {
  std::vector<std::string> broken;
  std::vector<std::string> young;
  const std::vector<Rule> rules = rules_of(bench.plan());
  const std::string window = show_duration(observe_window(bench));
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const int number = static_cast<int>(i) + 1;
    add_violations(bench, rules[i], number, broken);
    const auto since = bench.session().exec(
        "SELECT pg_catalog.to_char(since AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') FROM switchback.counter "
        "WHERE plan_id = $1 AND rule = $2 AND since > pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => "
        "$3::float8)",
        {std::to_string(bench.fence().plan), number_of(number), std::to_string(observe_window(bench).count())});
    if (!since.empty())
      young.push_back(shown(rules[i]) + " unknown: what would break it is counted since " + since.text(0, 0) +
                      ", not for " + window + " yet");
    if (!is_as_made(bench.session(), bench.fence().plan, number))
      young.push_back(shown(rules[i]) +
                      " unknown: the triggers that count what would break it were dropped or "
                      "disabled; switchback run makes them again");
  }
  if (auto hold = hold_of(HoldKind::violation, std::move(broken),
                          "no write breaks it for " + window + ": the image that makes them is mended or retired"))
    return hold;
  return hold_of(HoldKind::usage, std::move(young), "it has been counted for " + window);
}

}  // namespace switchback::engine
