#include "switchback/engine/linting.hpp"

#include <algorithm>

#include "linting_parts.hpp"
#include "overlap.hpp"
#include "published.hpp"
#include "switchback/engine/images.hpp"
#include "switchback/engine/journal_schema.hpp"
#include "switchback/engine/steps.hpp"

namespace switchback::engine {
namespace {

std::vector<std::string> names_in(const ports::Rows& rows) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < rows.size(); ++i) names.push_back(rows.text(i, 0));
  return names;
}

void read_server(ports::Session& session, LintServer& server) {
  server.version = session.server_version();
  const auto row = session.exec(
      "SELECT pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('archive_mode'), "
      "pg_catalog.current_setting('autovacuum')::boolean, EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = "
      "'pg_stat_statements'), pg_catalog.current_setting('pg_stat_statements.track', true), (SELECT CASE WHEN setting "
      "= "
      "'-1' THEN -1 ELSE setting::bigint * 1048576 END FROM pg_catalog.pg_settings WHERE name = "
      "'max_slot_wal_keep_size')");
  server.standby = row.boolean(0, 0);
  server.archive_mode = row.text(0, 1);
  server.autovacuum = row.boolean(0, 2);
  server.statements = row.boolean(0, 3);
  server.track = row.text(0, 4);
  server.max_slot_wal = row.integer(0, 5);
  server.slots = names_in(session.exec("SELECT slot_name FROM pg_catalog.pg_replication_slots ORDER BY 1"));
  server.logical_slots = logical_slots(session);
  server.standbys = names_in(session.exec(
      "SELECT DISTINCT application_name FROM pg_catalog.pg_stat_replication r WHERE application_name NOT IN "
      "('pg_basebackup', 'pg_receivewal', 'pg_receivexlog') AND NOT EXISTS (SELECT FROM "
      "pg_catalog.pg_replication_slots s WHERE s.active_pid = r.pid AND s.slot_type = 'logical') ORDER BY 1"));
}

/// Open for a minute and more. Where the role may not see when a session's transaction began, it is left out.
void read_transactions(ports::Session& session, const LintFacts& facts, std::vector<LintTransaction>& out) {
  const auto rows = session.exec(R"sql(
SELECT 'process ' || a.pid || ' (' || coalesce(nullif(a.application_name, ''), 'no name') || ', role ' || coalesce(a.usename, '?') || ')',
  extract(epoch FROM pg_catalog.clock_timestamp() - a.xact_start)::bigint, 'pid', a.pid::text
FROM pg_catalog.pg_stat_activity a WHERE a.xact_start < pg_catalog.clock_timestamp() - interval '1 minute' AND a.backend_type = 'client backend'
  AND a.datname = pg_catalog.current_database() AND a.pid <> pg_catalog.pg_backend_pid() AND NOT pg_catalog.starts_with(a.application_name, 'switchback')
UNION ALL SELECT 'prepared transaction ' || p.gid, extract(epoch FROM pg_catalog.clock_timestamp() - p.prepared)::bigint, 'xid', p.transaction::text
FROM pg_catalog.pg_prepared_xacts p WHERE p.database = pg_catalog.current_database() AND p.prepared < pg_catalog.clock_timestamp() - interval '1 minute'
ORDER BY 2 DESC LIMIT 20)sql");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    LintTransaction one{rows.text(i, 0), std::chrono::seconds(rows.integer(i, 1)), {}};
    const bool prepared = rows.text(i, 2) == "xid";
    for (const auto& [name, table] : facts.tables)
      if (!session
               .exec(std::string("SELECT 1 FROM pg_catalog.pg_locks l WHERE l.granted AND l.locktype = 'relation' AND "
                                 "l.relation = $1::oid AND ") +
                         (prepared ? "l.virtualtransaction = '-1/' || $2" : "l.pid = $2::int") + " LIMIT 1",
                     {std::to_string(table.facts.oid), rows.text(i, 3)})
               .empty())
        one.locks.push_back(name);
    out.push_back(std::move(one));
  }
}

void read_index(ports::Session& session, LintTaken& taken) {
  const auto row = session.exec(
      "SELECT coalesce(s.idx_scan, 0), (SELECT k.conname FROM pg_catalog.pg_constraint k WHERE k.conindid = c.oid AND "
      "k.contype IN ('p', 'u', 'x') LIMIT 1) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = "
      "c.relnamespace LEFT JOIN pg_catalog.pg_stat_all_indexes s ON s.indexrelid = c.oid WHERE n.nspname = $1 AND "
      "c.relname = $2",
      {taken.structure.table.schema, taken.structure.name});
  if (row.empty()) return;
  taken.scans = row.integer(0, 0);
  taken.constraint = row.at(0, 1);
}

void read_taken(ports::Session& session, ports::UsageSource& usage, const Plan& plan, std::vector<LintTaken>& out) {
  ports::UsageRequest request;
  request.structures = structures_of(plan.contract.steps);
  request.allow_silent = plan.contract.allow_silent;
  request.checked = plan.external_checked;
  for (const Structure& structure : request.structures) {
    LintTaken taken{structure, {}, 0, {}};
    try {
      for (const ports::Dependent& dependent : usage.closure(session, structure).dependents)
        if (dependent.effect != ports::Dependent::Effect::row)
          taken.dependents.push_back({dependent.kind, dependent.name, dependent.identity,
                                      dependent.effect == ports::Dependent::Effect::silent,
                                      is_named(dependent, request)});
    } catch (const Error& error) {
      if (error.exit() != Exit::drift && error.exit() != Exit::invalid) throw;
      continue;  // it is not there: try_plan says so
    }
    if (structure.kind == Structure::Kind::index) read_index(session, taken);
    out.push_back(std::move(taken));
  }
}

void read_journal(ports::Session& session, const Settings& settings, LintFacts& facts) {
  if (!journal_version_in(session)) return;
  const auto plans = session.exec("SELECT name, state FROM switchback.plan");
  for (std::size_t i = 0; i < plans.size(); ++i) facts.plans[plans.text(i, 0)] = plans.text(i, 1);
  const HorizonFacts known = horizon_facts(session);
  const auto wanted = horizon(known, horizon_rules(settings), server_now(session));
  for (const RegisteredImage& image : known.images)
    if (std::ranges::find(wanted, image.name, &HorizonImage::name) != wanted.end())
      facts.images.push_back({image.name, image.footprint});
}

/// What this role may not read stays unknown, and the rules that look at it silent.
template <class Read>
void as_far_as_allowed(ports::Session& session, Read read) {
  session.exec("SAVEPOINT look");
  try {
    read();
  } catch (const Error& error) {
    if (error.sqlstate() != "42501") throw;
    session.exec("ROLLBACK TO SAVEPOINT look");
  }
}

/// Whoever copied a whole table of the plan out, as pg_dump does.
void read_dumpers(ports::Session& session, LintFacts& facts) {
  const auto where = session.exec(
      "SELECT n.nspname FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE "
      "e.extname = 'pg_stat_statements'");
  if (where.empty() || facts.taken.empty()) return;
  const auto rows = session.exec(
      "SELECT DISTINCT pg_catalog.pg_get_userbyid(s.userid), s.query FROM " + quote_identifier(where.text(0, 0)) +
      ".pg_stat_statements s WHERE s.dbid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = "
      "pg_catalog.current_database()) AND s.query ~* '^(/[*].*[*]/ *)?COPY .* TO stdout' LIMIT 1000");
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (const auto& [name, table] : facts.tables) {
      const std::string& role = rows.text(i, 0);
      const bool of_table = rows.text(i, 1).find(" " + name.schema + "." + name.name + " ") != std::string::npos;
      if (of_table && std::ranges::find(facts.dumpers, role) == facts.dumpers.end()) facts.dumpers.push_back(role);
    }
}

}  // namespace

LintFacts::Refusal refusal_of(const Plan& plan, const Error& error, Place otherwise) {
  LintFacts::Refusal refusal{otherwise, error.what(), error.hint()};
  const std::string prefix = plan.file + ":";
  if (!refusal.message.starts_with(prefix)) return refusal;
  int line = 0;
  int column = 0;
  int length = 0;
  if (std::sscanf(refusal.message.c_str() + prefix.size(), "%d:%d: %n", &line, &column, &length) == 2 && length > 0) {
    refusal.place = {line, column};
    refusal.message.erase(0, prefix.size() + static_cast<std::size_t>(length));
  }
  return refusal;
}

LintFacts lint_facts(ports::Session& session, ports::Catalog& catalog, ports::UsageSource& usage, const Plan& plan,
                     const Settings& settings, const LintGrammar& grammar) {
  LintFacts facts;
  {
    ports::Transaction reading(session, "ISOLATION LEVEL REPEATABLE READ READ ONLY");
    read_server(session, facts.server);
    read_lint_tables(session, catalog, plan, facts);
    read_taken(session, usage, plan, facts.taken);
    read_transactions(session, facts, facts.transactions);
    as_far_as_allowed(session, [&] { read_journal(session, settings, facts); });
    as_far_as_allowed(session, [&] { read_dumpers(session, facts); });
  }
  try_plan(session, catalog, plan, settings, grammar, facts);
  return facts;
}

}  // namespace switchback::engine
