#include "usage_sample.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "switchback/core/error.hpp"
#include "switchback/postgres/pgbouncer.hpp"
#include "switchback/postgres/statement_judge.hpp"
#include "usage_counters.hpp"
#include "usage_coverage.hpp"
#include "usage_probe.hpp"
#include "usage_reading.hpp"
#include "usage_standbys.hpp"

namespace switchback::postgres {
namespace {

using nlohmann::json;
using ports::Rows;
using ports::Session;
using ports::Transaction;

class Sampler {
 public:
  /// `family`: by structure, the relations that it is part of.
  Sampler(CoverageJournal& coverage, std::set<std::string> names, std::map<std::string, std::set<TableName>> family)
      : coverage_(coverage),
        journal_(coverage.journal()),
        plan_(coverage.plan()),
        names_(std::move(names)),
        family_(std::move(family)) {}

  void statements(Session& server, const std::string& name) {
    const std::string now = coverage_.clock();
    const Recorded before = coverage_.recorded("statements", name);
    const StatementReading reading = read_statements(server);
    // The keys are kept: what was there before and is there after shows whether the counters bridge it.
    if (reading.blind) return coverage_.blind("statements", name, before, reading.blind);
    const json family = family_so_far(before);
    for (const json& relations : family)
      for (const json& one : relations) names_.insert(one.at(1).get<std::string>());
    json marks{{"names", names_},
               {"family", family},
               {"dealloc", reading.marks.dealloc},
               {"reset", reading.marks.reset},
               {"server_reset", reading.marks.server_reset},
               {"server_start", reading.marks.server_start}};
    const auto differing = differences(server, name, reading, before.looked && forgets_irrelevant(before));
    if (!differing)
      return coverage_.blind("statements", name, before,
                             {"statements of other roles are hidden", "GRANT pg_read_all_stats to switchback's role"});
    std::vector<std::string> cuts = moved(before, reading.marks);
    for (std::string& cut : count(server, name, reading, *differing, before.looked)) cuts.push_back(std::move(cut));
    coverage_.seen("statements", name, now, before, std::move(marks), std::move(cuts));
  }

  /// And which standbys follow it that nobody samples: they can have come and gone between looks as sessions can.
  /// `sampled` as with_unsampled() takes it.
  void sessions(Session& server, const std::string& name, std::vector<std::string>& sampled) {
    const std::string now = coverage_.clock();
    std::set<SessionSeen> seen;
    for (SessionSeen& one : read_sessions(server)) seen.insert(std::move(one));
    const json kept = coverage_.recorded("sessions", name).marks.value("standbys", json::array());
    connected("sessions", name, now, seen,
              json{{"standbys", with_unsampled(kept, standbys_of(server), sampled, coverage_.at())}});
  }

  /// Clients of a pooler, which the server does not know by their names.
  void clients(const ports::SampledPooler& pooler, const std::string& database) {
    const std::string now = coverage_.clock();
    std::set<SessionSeen> seen;
    for (const PoolerClient& one : pooler_clients(pooler.connection, database, std::chrono::seconds(3)))
      seen.insert({one.role, one.application});
    connected("pgbouncer", pooler.name, now, seen);
  }

 private:
  /// Partitions come and go; what read one of them is a use of the whole also when it is gone.
  json family_so_far(const Recorded& before) const {
    json all = before.marks.value("family", json::object());
    for (const auto& [structure, relations] : family_) {
      json& known = *all.emplace(structure, json::array()).first;
      for (const TableName& one : relations)
        if (const json pair{one.schema, one.name}; std::find(known.begin(), known.end(), pair) == known.end())
          known.push_back(pair);
    }
    return all;
  }

  static std::vector<std::string> moved(const Recorded& before, const CounterMarks& now) {
    std::vector<std::string> cuts;
    if (before.marks.contains("blind") || !before.looked) return cuts;
    const auto differs = [&](const char* mark, const std::string& value) {
      return before.marks.value(mark, "") != value;
    };
    if (differs("dealloc", now.dealloc))
      cuts.push_back("pg_stat_statements evicted entries: raise pg_stat_statements.max");
    if (differs("reset", now.reset)) cuts.push_back("pg_stat_statements was reset");
    if (differs("server_reset", now.server_reset)) cuts.push_back("the server's statistics were reset, or it crashed");
    if (differs("server_start", now.server_start) && !now.kept_over_restart)
      cuts.push_back("the server was restarted, and pg_stat_statements.save is off");
    return cuts;
  }

  /// A statement that the journal and the server do not say the same of.
  struct Differing {
    std::string key;
    std::optional<std::int64_t> now;  ///< calls; empty: its entry is gone
    std::optional<std::int64_t> was;  ///< empty: it is new. -1: it was gone
    bool relevant = false;
  };

  /// Compared where the journal is, so that what has not moved does not travel. Of statements that are of no interest
  /// only those that fell, or `with_irrelevant` all. Empty: some are hidden from the role.
  std::optional<std::vector<Differing>> differences(Session& server, const std::string& name,
                                                    const StatementReading& reading, bool with_irrelevant) {
    std::string counts = reading.counts;
    std::vector<ports::Value> params{plan_, name, with_irrelevant ? "t" : "f"};
    if (&server != &journal_) {
      const Rows rows = server.exec(reading.counts);
      std::vector<std::string> keys, calls;
      for (std::size_t i = 0; i < rows.size(); ++i) {
        if (!rows.at(i, 0)) return std::nullopt;
        keys.push_back(rows.text(i, 0));
        calls.push_back(rows.text(i, 1));
      }
      counts =
          "SELECT x.key, x.calls FROM ROWS FROM (pg_catalog.unnest($4::text[]), pg_catalog.unnest($5::bigint[])) "
          "AS x(key, calls)";
      params.emplace_back(array_literal(keys));
      params.emplace_back(array_literal(calls));
    }
    const Rows rows = journal_.exec("WITH n AS (" + counts + R"sql(),
k AS (SELECT key, calls, text IS NOT NULL AS relevant FROM switchback.usage_statement WHERE plan_id = $1::bigint AND server = $2)
SELECT COALESCE(n.key, k.key), n.calls, k.calls, COALESCE(k.relevant, false) FROM n FULL JOIN k ON k.key = n.key
WHERE n.key IS NULL OR k.key IS NULL OR n.calls <> k.calls AND (k.relevant OR n.calls < k.calls)
   OR $3::boolean AND NOT k.relevant)sql",
                                    params);
    std::vector<Differing> differing;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (!rows.at(i, 0)) return std::nullopt;
      Differing& one = differing.emplace_back();
      one.key = rows.text(i, 0);
      if (rows.at(i, 1)) one.now = rows.integer(i, 1);
      if (rows.at(i, 2)) one.was = rows.integer(i, 2);
      one.relevant = rows.boolean(i, 3);
    }
    return differing;
  }

  /// Brings usage_statement up to date, and says why others may have come and gone unseen: an entry that was there is
  /// gone, or counts less than it did.
  /// A statement ran since the last look when its count rose, fell (gone and back), or it is new; at the very first
  /// look nothing is known of when it ran.
  std::vector<std::string> count(Session& server, const std::string& name, const StatementReading& reading,
                                 const std::vector<Differing>& differing, bool looked) {
    bool vanished = false;
    bool fell = false;
    std::vector<std::string> gone, to_read;
    std::map<std::string, const Differing*> by_key;
    json changed = json::array();
    for (const Differing& one : differing) {
      by_key[one.key] = &one;
      if (!one.now) {
        vanished |= *one.was >= 0;
        if (*one.was >= 0 || !one.relevant) gone.push_back(one.key);
        continue;
      }
      fell |= one.was && *one.now < *one.was;
      if (one.was && one.now != one.was && (one.relevant || *one.now < *one.was))
        changed.push_back({{"key", one.key}, {"calls", *one.now}});
      else if (!one.was || !one.relevant)
        to_read.push_back(one.key);
    }

    const auto texts = read_texts(server, reading, to_read);
    json fresh = json::array();
    for (const std::string& key : to_read) {
      const auto text = texts.find(key);
      if (text == texts.end()) continue;  // evicted this moment; dealloc tells at the next look
      const std::string& words = text->second.text;
      const bool matters =
          words == lost_text || (words.find(own_mark) == std::string::npos && mentions_any(words, names_));
      const Differing& statement = *by_key.at(key);
      json entry{{"key", key}, {"role", text->second.role}, {"calls", *statement.now}};
      if (matters) entry["text"] = words;
      if (matters || !statement.was) fresh.push_back(entry);
    }
    write(name, fresh, changed, gone, looked);
    std::vector<std::string> cuts;
    if (vanished && looked) cuts.push_back("entries of pg_stat_statements were evicted or reset");
    if (fell && looked) cuts.push_back("counts of pg_stat_statements fell: entries were evicted or reset");
    return cuts;
  }

  /// A view or function that reads the table now and did not before: texts put aside as of no interest may name it.
  bool forgets_irrelevant(const Recorded& before) const {
    std::set<std::string> then;
    if (before.marks.contains("names")) before.marks["names"].get_to(then);
    return !std::includes(then.begin(), then.end(), names_.begin(), names_.end());
  }

  void write(const std::string& name, const json& fresh, const json& changed, const std::vector<std::string>& gone,
             bool ran) {
    if (!fresh.empty())
      journal_.exec(R"sql(
INSERT INTO switchback.usage_statement (plan_id, server, key, role, text, calls, calls_rose_at, first_seen)
SELECT $1::bigint, $2, x.key, x.role, x.text, x.calls,
       CASE WHEN $4 = 't' AND x.text IS NOT NULL THEN pg_catalog.clock_timestamp() END, pg_catalog.clock_timestamp()
FROM pg_catalog.jsonb_to_recordset($3::jsonb) AS x(key text, role text, text text, calls bigint)
ON CONFLICT (plan_id, server, key) DO UPDATE
SET text = excluded.text, calls = excluded.calls, calls_rose_at = excluded.calls_rose_at, judged = '{}')sql",
                    {plan_, name, dumped(fresh), ran ? "t" : "f"});
    if (!changed.empty())
      journal_.exec(R"sql(
UPDATE switchback.usage_statement s SET calls = x.calls, calls_rose_at = pg_catalog.clock_timestamp()
FROM pg_catalog.jsonb_to_recordset($3::jsonb) AS x(key text, calls bigint)
WHERE s.plan_id = $1::bigint AND s.server = $2 AND s.key = x.key)sql",
                    {plan_, name, dumped(changed)});
    if (gone.empty()) return;
    // One that matters keeps its text and when it ran; -1: whatever its count is when it is back, it ran.
    journal_.exec(
        "UPDATE switchback.usage_statement SET calls = -1 WHERE plan_id = $1::bigint AND server = $2 "
        "AND key = ANY ($3::text[]) AND text IS NOT NULL",
        {plan_, name, array_literal(gone)});
    journal_.exec(
        "DELETE FROM switchback.usage_statement WHERE plan_id = $1::bigint AND server = $2 "
        "AND key = ANY ($3::text[]) AND text IS NULL",
        {plan_, name, array_literal(gone)});
  }

  void connected(const std::string& source, const std::string& server, const std::string& now,
                 const std::set<SessionSeen>& all, json marks = json::object()) {
    const Recorded before = coverage_.recorded(source, server);
    json seen = json::array();
    for (const SessionSeen& one : all) seen.push_back({{"role", one.role}, {"application", one.application}});
    journal_.exec(R"sql(
INSERT INTO switchback.usage_session (plan_id, source, server, role, application, first_seen, last_seen)
SELECT $1::bigint, $2, $3, x.role, x.application, pg_catalog.clock_timestamp(), pg_catalog.clock_timestamp()
FROM pg_catalog.jsonb_to_recordset($4::jsonb) AS x(role text, application text)
ON CONFLICT (plan_id, source, server, role, application) DO UPDATE SET last_seen = excluded.last_seen)sql",
                  {plan_, source, server, dumped(seen)});
    coverage_.seen(source, server, now, before, std::move(marks),
                   before.gap.empty() ? std::vector<std::string>{} : std::vector{before.gap});
  }

  CoverageJournal& coverage_;
  Session& journal_;
  const std::string& plan_;
  std::set<std::string> names_;
  std::map<std::string, std::set<TableName>> family_;
};

/// What tells one running server from another.
struct Identity {
  std::string cluster, database, started;
  bool standby = false;
};

Identity identity_of(Session& session) {
  const Rows rows = session.exec(
      "SELECT s.system_identifier, pg_catalog.current_database(), pg_catalog.pg_postmaster_start_time(), "
      "pg_catalog.pg_is_in_recovery() FROM pg_catalog.pg_control_system() s");
  return {rows.text(0, 0), rows.text(0, 1), rows.text(0, 2), rows.boolean(0, 3)};
}

/// Why what a connection reaches is not the standby it was configured for. `others`: what was sampled already.
std::string why_not_it(const Identity& one, const std::map<std::string, Identity>& others) {
  const Identity& primary = others.at("primary");
  if (one.cluster != primary.cluster) return "its connection reaches another database cluster";
  for (const auto& [name, other] : others)
    if (other.started == one.started) return "its connection reaches the same server as that of " + name;
  if (!one.standby) return "its connection reaches a server that is no standby";
  if (one.database != primary.database)
    return "its connection reaches the database " + one.database + ", not " + primary.database;
  return "";
}

std::vector<const char*> sources_of(const std::vector<Counted>& counted) {
  std::vector<const char*> sources{"statements", "sessions"};
  if (!counted.empty()) sources.push_back("counters");
  return sources;
}

constexpr const char* mend_connection = "mend its entry under health: { replicas: … } in the configuration";

/// Throws when the standby cannot be read.
void sample_standby(Sampler& sampler, CoverageJournal& coverage, const ports::SampledServer& replica,
                    const std::vector<Counted>& counted, std::map<std::string, Identity>& servers,
                    std::vector<std::string>& sampled) {
  const Identity identity = identity_of(*replica.session);
  if (const std::string why = why_not_it(identity, servers); !why.empty()) {
    for (const char* source : sources_of(counted))
      coverage.blind(source, replica.name, coverage.recorded(source, replica.name), {why, mend_connection});
    return;
  }
  servers.emplace(replica.name, identity);
  sampler.statements(*replica.session, replica.name);
  sampler.sessions(*replica.session, replica.name, sampled);
  sample_counters(coverage, *replica.session, replica.name, counted);
}

void unread(CoverageJournal& coverage, const std::string& server, const std::vector<Counted>& counted,
            const std::string& why) {
  for (const char* source : sources_of(counted))
    coverage.unread(source, server, {why, "bring it back, or take it out of health: { replicas: … }"});
}

}  // namespace

void sample(Session& session, const ports::UsageRequest& request, const std::vector<Reached>& reach) {
  std::set<std::string> names;
  std::map<std::string, std::set<TableName>> family;
  for (const Reached& one : reach) {
    names.merge(one.target.watched());
    family[one.structure] = one.target.relations;
  }
  Transaction transaction(session);
  CoverageJournal coverage(session, request.plan);
  coverage.begin();
  Sampler sampler(coverage, std::move(names), std::move(family));
  std::vector<std::string> sampled;
  for (const ports::SampledServer& replica : request.replicas) sampled.push_back(replica.name);
  sampler.statements(session, "primary");
  sampler.sessions(session, "primary", sampled);
  sample_probe(coverage);
  const std::vector<Counted> counters_of = counted(session, request.structures);
  sample_counters(coverage, session, "primary", counters_of);
  std::map<std::string, Identity> servers{{"primary", identity_of(session)}};
  for (const ports::SampledServer& replica : request.replicas) {
    if (!replica.session) {
      unread(coverage, replica.name, counters_of, replica.unreachable);
      continue;
    }
    transaction.exec("SAVEPOINT one_server");
    try {
      sample_standby(sampler, coverage, replica, counters_of, servers, sampled);
      transaction.exec("RELEASE SAVEPOINT one_server");
    } catch (const Error& error) {
      // If the journal's own session broke, this throws again.
      transaction.exec("ROLLBACK TO SAVEPOINT one_server");
      unread(coverage, replica.name, counters_of, error.what());
    }
  }
  for (const ports::SampledPooler& pooler : request.poolers) {
    transaction.exec("SAVEPOINT one_server");
    try {
      sampler.clients(pooler, servers.at("primary").database);
      transaction.exec("RELEASE SAVEPOINT one_server");
    } catch (const Error& error) {
      transaction.exec("ROLLBACK TO SAVEPOINT one_server");
      coverage.unread("pgbouncer", pooler.name, {error.what(), error.hint()});
    }
  }
  transaction.commit();
}

}  // namespace switchback::postgres
