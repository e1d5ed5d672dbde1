#include "switchback/core/evidence_sources.hpp"

#include <algorithm>
#include <array>

namespace switchback {
namespace {

constexpr std::array sources = {
    EvidenceSource{"catalog",
                   "views, constraints, indexes, policies, triggers, publications that the catalog ties to it", "",
                   "bodies of functions", ""},
    EvidenceSource{"functions", "bodies in SQL and PL/pgSQL", "",
                   "names that are put together at run time; other languages are unknown when they name the table", ""},
    EvidenceSource{
        "statements", "every statement that ran, with its role, on the primary and on standbys",
        "a reset or eviction of pg_stat_statements, counts that fell, a crash, a setting or a role that hides "
        "statements, a clock that was set",
        "statements of a session that switched tracking off by itself; those that failed or were cancelled; those that "
        "share role and shape with one of switchback's own; those of a transaction that still runs",
        "pg_stat_statements with track = all; GRANT pg_read_all_stats; a connection to each standby"},
    EvidenceSource{"sessions", "who is connected, on the primary and on standbys: application_name and role",
                   "no look for 5 minutes, a clock that was set",
                   "sessions that came and went between two looks; what a pooler's clients are called",
                   "one application_name or role an image (images: { live: … }); a connection to each standby"},
    EvidenceSource{"pgbouncer", "the clients of a pooler: application_name and role",
                   "no look for 5 minutes, a clock that "
                   "was set",
                   "clients that came and went between two looks; what poolers before 1.18 do not tell",
                   "images: { pgbouncer: [\"host=pool port=6432 user=stats\"] }, the user in stats_users"},
    EvidenceSource{"write_probe", "which role and application assigns the column, by triggers while it is observed",
                   "a trigger that was dropped or disabled, a clock that was set",
                   "an INSERT that gives a column its default; writes aimed at a partition itself; writes in "
                   "transactions that still run or wait prepared; transactions that were rolled back",
                   ""},
    EvidenceSource{
        "counters",
        "scans of an index; scans of a table and rows written to it: by the server's counters, on the primary "
        "and on standbys",
        "a reset, a crash, counters that fell, a clock that was set",
        "what enforces, identifies or is inferred without a scan; TABLESAMPLE and reads by ctid; scans in the "
        "day after a tolerated read; transactions that still run. The planner's own looks at an index count, "
        "too, and of a table pg_dump, CREATE INDEX, CLUSTER and another plan's backfill; ANALYZE and "
        "autovacuum do not",
        "a connection to each standby"},
    EvidenceSource{"brownout", "who complains while nobody may use the column: the server's log, the application", "",
                   "whom it does not stop: superusers, members of pg_read_all_data or pg_write_all_data; who comes at "
                   "other times",
                   "contract: { brownout: on }, and brownout.log or an http source of alerts"},
    EvidenceSource{"external", "logical slots, publications, subscriptions, foreign servers, pg_cron jobs", "",
                   "what they read: each is unknown until the plan names it as checked",
                   "external: { checked: […] } in the plan"},
};

}  // namespace

std::span<const EvidenceSource> evidence_sources() {
  return sources;
}

const EvidenceSource* evidence_source(std::string_view name) {
  const auto found = std::ranges::find(sources, name, &EvidenceSource::name);
  return found == sources.end() ? nullptr : &*found;
}

}  // namespace switchback
