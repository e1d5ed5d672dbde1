// What the server is like, what happens on it now, and what it would refuse.
#include "lint_rules.hpp"
#include "switchback/core/units.hpp"

namespace switchback::linting {
namespace {

bool takes(const Looking& looking) {
  return !structures_of(looking.plan().contract.steps).empty();
}

void cannot_run(Looking& looking) {
  for (const LintFacts::Refusal& refusal : looking.facts()->refusals)
    looking.say(refusal.place.line > 0 ? refusal.place : looking.at("plan"), refusal.message, refusal.hint);
}

void not_resolved(Looking& looking) {
  if (!looking.facts()->unresolved.empty())
    looking.say(looking.at("plan"),
                "the server could not be asked about the plan's expressions: " + looking.facts()->unresolved +
                    "; whether `run` would refuse them is not known",
                "lint against the primary, as a role that may make temporary tables");
}

void unknown_requirement(Looking& looking) {
  const auto& plans = looking.facts()->plans;
  for (const std::string& name : looking.plan().requires_plans)
    if (!plans.contains(name))
      looking.say(looking.at("requires"),
                  "this database's journal has no plan " + name + ": `run` waits until that one is migrated",
                  "run it first, or mend the name");
}

void long_transaction(Looking& looking) {
  for (const LintTransaction& one : looking.facts()->transactions) {
    std::vector<std::string> locked;
    for (const TableName& table : one.locks) locked.push_back(shown(table));
    const std::string since = one.who + " has been open for " + show_duration(one.age);
    if (!locked.empty())
      looking.say(looking.at("plan"),
                  since + " and has locks on " + listed(locked) + ": a step that changes the table waits " +
                      format_duration(looking.settings().lock_timeout) +
                      " at a time until it ends, with others behind it",
                  "let it end first, or end it");
    else if (!filled_tables(looking.plan()).empty())
      looking.say(looking.at("plan"),
                  since +
                      ": the versions that a backfill leaves behind cannot be removed meanwhile, and the table "
                      "grows as with one plain UPDATE",
                  "let it end before migrate begins");
  }
}

void no_statement_statistics(Looking& looking) {
  const LintServer& server = looking.facts()->server;
  if (!takes(looking) || (server.statements && (server.track.empty() || server.track == "all"))) return;
  looking.say(looking.at_contract("steps"),
              server.statements
                  ? "pg_stat_statements.track is " + server.track +
                        ": statements inside functions are not seen, and the evidence that nothing uses the old side "
                        "is never complete"
                  : "pg_stat_statements is not in this database: which statements use the old side cannot be known, "
                    "and the contract holds (usage)",
              server.statements ? "ALTER SYSTEM SET pg_stat_statements.track = 'all'; SELECT pg_reload_conf();"
                                : "shared_preload_libraries = 'pg_stat_statements', then CREATE EXTENSION "
                                  "pg_stat_statements; the observation begins with it");
}

void wal_not_archived(Looking& looking) {
  if (!takes(looking) || !looking.production() || looking.settings().backup_none ||
      looking.facts()->server.archive_mode != "off")
    return;
  looking.say(looking.at_contract("steps"),
              "archive_mode is off: the restore point before the drop cannot be reached from a backup, and after the "
              "archive's time nothing has what was dropped",
              "archive_mode = on with an archive_command (a restart), or backup: { none: reason }");
}

void standby_not_sampled(Looking& looking) {
  if (!takes(looking)) return;
  for (const std::string& name : looking.facts()->server.standbys) {
    const Settings& settings = looking.settings();
    if (settings.replica_connect.contains(name) || settings.replica_queries_none.contains(name)) continue;
    looking.say(
        looking.at_contract("steps"),
        "the standby " + name + " is not asked: what queries on it use is unknown, and the contract holds (usage)",
        "health: { replicas: [ { name: " + name + ", connect: \"host=…\" } ] }, or queries: { none: reason }");
  }
}

constexpr Check checks[] = {
    {{"cannot-run", LintSeverity::error, "`run` would refuse the plan", true, false}, cannot_run},
    {{"not-resolved", LintSeverity::note, "the server could not be asked about the plan's expressions", true},
     not_resolved},
    {{"unknown-requirement", LintSeverity::warning, "a plan that is required is not known in this database", true},
     unknown_requirement},
    {{"long-transaction", LintSeverity::warning, "a transaction has been open for long", true}, long_transaction},
    {{"no-statement-statistics", LintSeverity::warning, "nothing says which statements use the old side", true},
     no_statement_statistics},
    {{"wal-not-archived", LintSeverity::warning, "no backup can be brought up to the drop", true}, wal_not_archived},
    {{"standby-not-sampled", LintSeverity::warning, "a standby is not asked who uses the old side", true},
     standby_not_sampled},
};

}  // namespace

std::span<const Check> server_checks() {
  return checks;
}

}  // namespace switchback::linting
