#include "switchback/engine/tightening.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "switchback/core/error.hpp"
#include "switchback/core/step_sql.hpp"
#include "switchback/core/units.hpp"
#include "switchback/engine/expanding.hpp"
#include "switchback/engine/hiding.hpp"
#include "switchback/engine/steps.hpp"
#include "switchback/engine/walk.hpp"

namespace switchback::engine {
namespace {

using nlohmann::json;

const RuleFacts& facts_of(Workbench& bench, int number) {
  return bench.resolved().rules.at(static_cast<std::size_t>(number - 1));
}

const Fix& fix_step(const Workbench& bench, int number) {
  for (const Step& step : bench.plan().migrate)
    if (const auto* fix = std::get_if<Fix>(&step.action); fix && --number == 0) return *fix;
  throw Error(Exit::failed, Remedy::bug, "there is no such fix step");
}

/// Waiting for a writer's row lock is given up well before deadlock_timeout, so that never an application's statement
/// is the one that a deadlock ends.
void prepare(ports::Session& session, const RuleFacts& facts, const Settings& settings) {
  session.exec("SET LOCAL search_path = " + rule_search_path(facts));
  session.exec(
      "SELECT pg_catalog.set_config('lock_timeout', (setting::int / 3)::text || 'ms', true) FROM "
      "pg_catalog.pg_settings "
      "WHERE name = 'deadlock_timeout'");
  if (!settings.synchronous_commit) session.exec("SET LOCAL synchronous_commit = off");
}

std::string fix_sql(const ResolvedFix& fix, const TableName& leaf, const std::string& rows) {
  std::string set;
  for (const auto& [column, expression] : fix.set)
    set += (set.empty() ? "" : ", ") + quote_identifier(column) + " = (" + expression.in("t") + ")";
  if (set.empty()) return "DELETE FROM ONLY " + quoted(leaf) + " AS t WHERE " + rows;
  return "UPDATE ONLY " + quoted(leaf) + " AS t SET " + set + " WHERE " + rows;
}

/// The rows are locked first and judged again by a statement that begins when they are. In one statement a row that an
/// image was just writing would be judged by what was there before it: PostgreSQL looks again at the new row alone, not
/// at those that a NOT EXISTS asks for, and what the image wrote would be lost.
WalkCost mend(ports::Session& session, const ResolvedFix& fix, const TableName& leaf, const std::string& rows) {
  const auto locked = session.exec("SELECT t.ctid::pg_catalog.text FROM ONLY " + quoted(leaf) + " AS t WHERE " + rows +
                                   (fix.set.empty() ? " FOR UPDATE" : " FOR NO KEY UPDATE"));
  if (locked.empty()) return {};
  std::string places;
  for (std::size_t i = 0; i < locked.size(); ++i) places += (i == 0 ? "\"" : ",\"") + locked.text(i, 0) + "\"";
  return run_counted(session, fix_sql(fix, leaf,
                                      rows + " AND t.ctid OPERATOR(pg_catalog.=) ANY (" +
                                          quote_literal("{" + places + "}") + "::pg_catalog.tid[])"));
}

/// A row at a time, so that the one that cannot be mended has a name.
WalkCost fix_one_by_one(ports::Session& session, const ResolvedFix& fix, const Fix& step, const WalkBatch& batch,
                        const std::string& offends) {
  const KeyFacts& key = *fix.facts.key;
  const auto rows = session.exec("SELECT " + key_object(key, "t") + "::pg_catalog.text FROM ONLY " +
                                 quoted(batch.leaf) + " AS t WHERE " + batch.range + " AND " + offends);
  WalkCost sum;
  for (std::size_t i = 0; i < rows.size(); ++i) try {
      const WalkCost one =
          mend(session, fix, batch.leaf,
               key_is(key, "t", quote_literal(rows.text(i, 0)) + "::pg_catalog.jsonb") + " AND " + offends);
      sum.wal_bytes += one.wal_bytes;
      sum.rows_bad += one.rows_bad;
    } catch (const Error& error) {
      if (error.remedy() != Remedy::data) throw;
      throw Error(error.exit(), error.remedy(),
                  "the row " + rows.text(i, 0) + " of " + shown(step.table) + " cannot be mended: " + error.what(),
                  error.hint(), error.sqlstate());
    }
  return sum;
}

Stop held(std::string reason) {
  return Stop::held({HoldKind::violation, std::move(reason), "the rows are mended, then switchback run again", {}});
}

Stop forget(Workbench& bench, const std::string& step) {
  return bench.in_transaction([&](ports::Session& session) { forget_walk(session, bench.fence().plan, step); });
}

std::string fix_name(int number) {
  return "fix #" + std::to_string(number);
}

/// Rows that break a rule; keys of a few.
struct Broken {
  std::int64_t rows = 0;
  std::vector<std::string> samples;
};

std::string broken_sql(const RuleFacts& facts, const TableName& leaf, const std::string& rows) {
  return "SELECT pg_catalog.count(*), (pg_catalog.array_agg(" +
         (facts.key ? key_object(*facts.key, "t") + "::pg_catalog.text" : "t.ctid::pg_catalog.text") +
         "))[1] FROM ONLY " + quoted(leaf) + " AS t WHERE " + rows;
}

void add(Broken& sum, const ports::Rows& found) {
  sum.rows += found.integer(0, 0);
  if (found.at(0, 1) && sum.samples.size() < 5) sum.samples.push_back(found.text(0, 1));
}

/// Without a key: each leaf in one statement, which holds no lock that anybody waits for.
Stop look_at_once(Workbench& bench, const Rule& rule, const RuleFacts& facts, Broken& found) {
  return bench.in_transaction([&](ports::Session& session) {
    found = {};
    const auto table = bench.catalog().table(session, table_of(rule));
    if (!table) throw Error(Exit::drift, Remedy::person, "the table " + shown(table_of(rule)) + " is gone");
    session.exec("SET LOCAL search_path = " + rule_search_path(facts));
    for (const TableName& leaf : table->leaves)
      add(found, session.exec(broken_sql(facts, leaf, offends_sql(rule, facts, "t"))));
  });
}

Stop look_for_broken(Workbench& bench, const Rule& rule, const RuleFacts& facts, int number, Broken& found) {
  if (!facts.key) return look_at_once(bench, rule, facts, found);
  const std::string step = "check " + shown(rule) + " #" + std::to_string(number);
  Stop stop = bench.in_transaction([&](ports::Session& session) {
    if (!walk_is_recent(session, bench.fence().plan, step)) forget_walk(session, bench.fence().plan, step);
  });
  if (!stop.ok()) return stop;
  found = {};
  WalkOptions options{step, table_of(rule), *facts.key, {}, false, {}, {}};
  if (std::holds_alternative<AddUnique>(rule)) options.leaves = {table_of(rule)};
  stop = walk(bench, options, [&](ports::Session& session, const WalkBatch& batch) {
    session.exec("SET LOCAL search_path = " + rule_search_path(facts));
    Broken here;
    add(here, session.exec(broken_sql(facts, batch.leaf, batch.range + " AND " + offends_sql(rule, facts, "t"))));
    if (!here.samples.empty() && found.samples.size() < 5) found.samples.push_back(here.samples.front());
    return WalkCost{0, here.rows, {}};
  });
  if (!stop.ok()) return stop;
  return bench.in_transaction([&](ports::Session& session) {
    found.rows = walk_totals(session, bench.fence().plan, step).bad;
    forget_walk(session, bench.fence().plan, step);
  });
}

std::optional<int> fix_of(const Workbench& bench, const Rule& rule) {
  int number = 0;
  for (const Step& step : bench.plan().migrate)
    if (const auto* fix = std::get_if<Fix>(&step.action)) {
      ++number;
      if (shown(fix->rule) == shown(rule)) return number;
    }
  return std::nullopt;
}

/// Deletions that the key will take care of go on leaving such rows until it is there; a fix mends them after that.
bool cascades(const Rule& rule) {
  const auto* foreign = std::get_if<AddForeignKey>(&rule);
  return foreign && (foreign->on_delete != KeyAction::no_action && foreign->on_delete != KeyAction::restrict_);
}

/// An image that still writes what breaks the rule is no reason to stop before the contract does.
bool is_being_broken(Workbench& bench, int number) {
  return bench.session()
      .exec("SELECT EXISTS (SELECT FROM switchback.violation WHERE plan_id = $1 AND rule = $2)",
            {std::to_string(bench.fence().plan), std::to_string(number)})
      .boolean(0, 0);
}

struct ConstraintState {
  bool there = false;
  bool validated = false;
};

ConstraintState constraint_state(ports::Session& session, const Plan& plan, const Rule& rule) {
  const auto rows = session.exec(
      "SELECT convalidated FROM pg_catalog.pg_constraint WHERE conrelid = pg_catalog.to_regclass($1) AND conname = "
      "$2::pg_catalog.name",
      {quoted(table_of(rule)), constraint_name(plan.name, rule)});
  return rows.empty() ? ConstraintState{} : ConstraintState{true, rows.boolean(0, 0)};
}

}  // namespace

Stop fix_rows(Workbench& bench, int number) {
  const Fix& step = fix_step(bench, number);
  const ResolvedFix& fix = bench.resolved().fixes.at(static_cast<std::size_t>(number - 1));
  const std::string offends = offends_sql(step.rule, fix.facts, "t");
  WalkOptions options{fix_name(number), step.table, *fix.facts.key, step.batch, true, {}, {}};
  if (std::holds_alternative<AddUnique>(step.rule)) options.leaves = {step.table};
  Stop stop;
  try {
    stop = walk(bench, options, [&](ports::Session& session, const WalkBatch& batch) {
      prepare(session, fix.facts, bench.settings());
      return batch.careful ? fix_one_by_one(session, fix, step, batch, offends)
                           : mend(session, fix, batch.leaf, batch.range + " AND " + offends);
    });
  } catch (const Error& error) {
    if (error.remedy() != Remedy::data) throw;
    return held(error.what());
  }
  if (!stop.ok()) return stop;
  return bench.in_transaction([&](ports::Session& session) {
    const WalkTotals totals = walk_totals(session, bench.fence().plan, options.step);
    bench.note("fixed", show_rows(totals.bad) + " that broke " + shown(step.rule) +
                            (totals.bad == 1 ? " was " : " were ") + (step.remove ? "deleted" : "mended"));
    forget_walk(session, bench.fence().plan, options.step);
  });
}

Stop settle_rule(Workbench& bench, int number, bool strict) {
  const Rule rule = rules_of(bench.plan()).at(static_cast<std::size_t>(number - 1));
  const auto fix = fix_of(bench, rule);
  Broken found;
  for (int round = 0; round < 3; ++round) {
    Stop stop;
    try {
      stop = look_for_broken(bench, rule, facts_of(bench, number), number, found);
    } catch (const Error& error) {
      if (error.remedy() != Remedy::data) throw;
      return held(shown(rule) + " cannot be told of every row: " + error.what());
    }
    if (!stop.ok() || found.rows == 0) return stop;
    if (!fix) break;
    stop = forget(bench, fix_name(*fix));
    if (stop.ok()) stop = fix_rows(bench, *fix);
    if (!stop.ok()) return stop;
  }
  if (!strict && fix && (cascades(rule) || is_being_broken(bench, number)))
    return bench.in_transaction([&](ports::Session&) {
      bench.note("broken_again", show_rows(found.rows) + " of " + shown(table_of(rule)) + " broke " + shown(rule) +
                                     " while they were mended: an image still writes such; mended again before hiding");
    });
  std::string reason =
      show_rows(found.rows) + " of " + shown(table_of(rule)) + (found.rows == 1 ? " breaks " : " break ") + shown(rule);
  for (const std::string& sample : found.samples) reason += (sample == found.samples.front() ? ": " : ", ") + sample;
  return held(reason);
}

Stop settle_rules(Workbench& bench) {
  const std::vector<Rule> rules = rules_of(bench.plan());
  for (int number = 1; number <= static_cast<int>(rules.size()); ++number)
    if (const Stop stop = settle_rule(bench, number, !cascades(rules[static_cast<std::size_t>(number - 1)]));
        !stop.ok())
      return stop;
  return Stop::arrived();
}

Stop build_unique_indexes(Workbench& bench) {
  int number = 0;
  for (const Rule& rule : rules_of(bench.plan())) {
    ++number;
    const auto* unique = std::get_if<AddUnique>(&rule);
    if (!unique || constraint_state(bench.session(), bench.plan(), rule).there) continue;
    const CreateIndex index = unique_index(*unique);
    const TableName name{unique->table.schema, *index.name};
    // Written before the build, so that an index found later is known to be ours.
    Stop stop = bench.in_transaction([&](ports::Session& session) {
      mark_step(session, bench.fence().plan, "contract", number, describe(action_of(rule)), "running",
                json{{"index", *index.name}}.dump());
    });
    if (!stop.ok()) return stop;
    try {
      stop = build_one(bench, name, create_index_sql(index, unique->table, *index.name));
    } catch (const Error& error) {
      if (error.remedy() != Remedy::data) throw;
      // What is left of it would go on refusing duplicates.
      stop = bench.outside_transaction(
          [&](ports::Session& session) { session.exec("DROP INDEX CONCURRENTLY IF EXISTS " + quoted(name)); });
      if (stop.ok()) stop = held(shown(rule) + ": " + error.what());
    }
    if (!stop.ok()) return stop;
  }
  return Stop::arrived();
}

void enforce_rules(ports::Session& session, PlanId plan_id, const Plan& plan, const std::vector<RuleFacts>& facts) {
  const std::vector<Rule> rules = rules_of(plan);
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (!std::holds_alternative<SetNotNull>(rules[i]) && !constraint_state(session, plan, rules[i]).there)
      session.exec(enforce_sql(plan.name, rules[i], facts.at(i)));
    if (std::holds_alternative<AddUnique>(rules[i]))  // its index is the table's like any other now
      mark_step(session, plan_id, "contract", static_cast<int>(i) + 1, describe(action_of(rules[i])), "done");
  }
}

void release_rules(ports::Session& session, PlanId plan_id, const Plan& plan) {
  int number = 0;
  for (const Rule& rule : rules_of(plan)) {
    ++number;
    session.exec(release_sql(plan.name, rule));
    const auto* unique = std::get_if<AddUnique>(&rule);
    if (!unique) continue;
    // Built, and not yet the constraint's.
    session.exec("DROP INDEX IF EXISTS " + quoted({unique->table.schema, *unique_index(*unique).name}));
    mark_step(session, plan_id, "contract", number, describe(action_of(rule)), "undone");
  }
}

namespace {

/// `refused`: what the server said of a row in the way.
Stop validate_rule(Workbench& bench, const Rule& rule, std::optional<std::string>& refused) {
  refused.reset();
  try {
    return bench.in_transaction([&](ports::Session& session) {
      if (const auto* strict = std::get_if<SetNotNull>(&rule))
        validate(session, bench.plan(), *strict);
      else if (!constraint_state(session, bench.plan(), rule).validated)
        session.exec(validate_sql(bench.plan().name, rule));
      record_shapes(bench);  // a validated constraint reads differently
    });
  } catch (const Error& error) {
    if (error.remedy() != Remedy::data) throw;
    refused = error.what();
    return Stop::arrived();
  }
}

}  // namespace

Stop validate_rules(Workbench& bench) {
  const std::vector<Rule> rules = rules_of(bench.plan());
  for (std::size_t i = 0; i < rules.size(); ++i) {
    std::optional<std::string> refused;
    Stop stop = validate_rule(bench, rules[i], refused);
    if (stop.ok() && refused) {  // rows that a fix mends, or that are listed
      stop = settle_rule(bench, static_cast<int>(i) + 1, true);
      if (stop.ok()) stop = validate_rule(bench, rules[i], refused);
      if (stop.ok() && refused) stop = held(*refused);
    }
    if (!stop.ok()) return stop;
  }
  return Stop::arrived();
}

std::vector<std::string> rule_objections(ports::Session& session, const Plan& plan) {
  std::vector<std::string> objections;
  for (const Rule& rule : rules_of(plan)) {
    if (std::holds_alternative<SetNotNull>(rule)) continue;
    const ConstraintState now = constraint_state(session, plan, rule);
    if (!now.there || !now.validated)
      objections.push_back(shown(rule) +
                           (now.there ? " is not validated" : " is not enforced any more: it was dropped"));
  }
  return objections;
}

}  // namespace switchback::engine
