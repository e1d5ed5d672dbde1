#include "usage_sample.hpp"

#include <nlohmann/json.hpp>

#include "switchback/core/error.hpp"
#include "switchback/postgres/statement_judge.hpp"
#include "usage_reach.hpp"
#include "usage_reading.hpp"

namespace switchback::postgres {
namespace {

using nlohmann::json;
using ports::Rows;
using ports::Session;
using ports::Transaction;

std::string dumped(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// What the journal holds of one source on one server.
struct Recorded {
  bool looked = false;  ///< at least once something could be seen
  json marks = json::object();
  bool long_gap = false;  ///< more than 5 minutes since the last look
};

class Sampler {
 public:
  Sampler(Session& journal, std::int64_t plan, std::set<std::string> names)
      : journal_(journal), plan_(std::to_string(plan)), names_(std::move(names)) {}

  /// Two samplers of one plan at once would each count from a state the other has moved on from.
  void begin() {
    journal_.exec("SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('switchback usage ' || $1, 0))",
                  {plan_});
  }

  void statements(Session& server, const std::string& name) {
    const std::string now = clock();
    const Recorded before = recorded("statements", name);
    const StatementReading reading = read_statements(server);
    json marks{{"names", names_}, {"looked", true}};
    if (reading.blind) {
      marks = before.marks;
      marks["blind"] = reading.blind.reason;
      marks["remedy"] = reading.blind.remedy;
      // The keys are kept: what was there before and is there after shows whether the counters bridge it.
      return cover("statements", name, now, marks, true, reading.blind.reason);
    }
    marks.update(json{{"dealloc", reading.marks.dealloc},
                      {"reset", reading.marks.reset},
                      {"server_reset", reading.marks.server_reset},
                      {"server_start", reading.marks.server_start}});
    std::vector<std::string> cuts = moved(before, reading.marks);
    if (count(server, name, reading, before)) cuts.push_back("entries of pg_stat_statements were evicted or reset");
    std::string cut_by;
    for (const std::string& cut : cuts) cut_by += (cut_by.empty() ? "" : "; ") + cut;
    cover("statements", name, now, marks, !cuts.empty(), cut_by);
  }

  void sessions(Session& server, const std::string& name) {
    const std::string now = clock();
    const Recorded before = recorded("sessions", name);
    json seen = json::array();
    for (const SessionSeen& one : read_sessions(server))
      seen.push_back({{"role", one.role}, {"application", one.application}});
    journal_.exec(R"sql(
INSERT INTO switchback.usage_session (plan_id, server, role, application, first_seen, last_seen)
SELECT $1::bigint, $2, x.role, x.application, pg_catalog.clock_timestamp(), pg_catalog.clock_timestamp()
FROM pg_catalog.jsonb_to_recordset($3::jsonb) AS x(role text, application text)
ON CONFLICT (plan_id, server, role, application) DO UPDATE SET last_seen = excluded.last_seen)sql",
                  {plan_, name, dumped(seen)});
    cover("sessions", name, now, json::object(), before.long_gap, "nobody looked for more than 5 minutes");
  }

 private:
  std::string clock() { return journal_.exec("SELECT pg_catalog.clock_timestamp()").text(0, 0); }

  Recorded recorded(const std::string& source, const std::string& server) {
    const Rows rows = journal_.exec(
        "SELECT marks, pg_catalog.clock_timestamp() - until > interval '5 minutes' FROM switchback.usage_coverage "
        "WHERE plan_id = $1::bigint AND source = $2 AND server = $3",
        {plan_, source, server});
    if (rows.empty()) return {};
    json marks = json::parse(rows.text(0, 0));
    const bool looked = source == "sessions" || marks.value("looked", false);
    return {looked, std::move(marks), rows.boolean(0, 1)};
  }

  static std::vector<std::string> moved(const Recorded& before, const CounterMarks& now) {
    std::vector<std::string> cuts;
    if (before.marks.contains("blind")) {
      cuts.push_back("before, " + before.marks["blind"].get<std::string>());
      return cuts;
    }
    if (!before.looked) return cuts;
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

  /// Brings usage_statement up to date. True: an entry that was there is gone, so others may have come and gone too.
  /// A statement ran since the last look when its count rose, fell (gone and back), or it is new; at the very first
  /// look nothing is known of when it ran.
  bool count(Session& server, const std::string& name, const StatementReading& reading, const Recorded& before) {
    const bool more_names = before.looked && forgets_irrelevant(before);
    std::map<std::string, std::pair<std::int64_t, bool>> known;  // key → calls, relevant
    const Rows rows = journal_.exec(
        "SELECT key, calls, text IS NOT NULL FROM switchback.usage_statement WHERE plan_id = $1::bigint AND server = "
        "$2",
        {plan_, name});
    for (std::size_t i = 0; i < rows.size(); ++i) known[rows.text(i, 0)] = {rows.integer(i, 1), rows.boolean(i, 2)};

    bool vanished = false;
    std::vector<std::string> gone, to_read;
    json changed = json::array();
    for (const auto& [key, was] : known) {
      const auto [calls, relevant] = was;
      const auto found = reading.counts.find(key);
      if (found == reading.counts.end()) {
        vanished |= calls >= 0;
        if (calls >= 0 || !relevant) gone.push_back(key);
      } else if (relevant && found->second.calls != calls) {
        changed.push_back({{"key", key}, {"calls", found->second.calls}});
      } else if (!relevant && more_names) {
        to_read.push_back(key);
      }
    }
    for (const auto& [key, statement] : reading.counts)
      if (!known.contains(key)) to_read.push_back(key);

    const auto texts = read_texts(server, reading, to_read);
    json fresh = json::array();
    for (const std::string& key : to_read) {
      const auto text = texts.find(key);
      if (text == texts.end()) continue;  // evicted this moment; dealloc tells at the next look
      const bool matters = text->second == lost_text ||
                           (text->second.find(own_mark) == std::string::npos && mentions_any(text->second, names_));
      json entry{{"key", key}, {"role", reading.counts.at(key).role}, {"calls", reading.counts.at(key).calls}};
      if (matters) entry["text"] = text->second;
      if (matters || !known.contains(key)) fresh.push_back(entry);
    }
    write(name, fresh, changed, gone, before.looked);
    return vanished && before.looked;
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

  void cover(const std::string& source, const std::string& server, const std::string& now, const json& marks, bool cut,
             const std::string& cut_by) {
    journal_.exec(R"sql(
INSERT INTO switchback.usage_coverage AS c (plan_id, source, server, since, until, marks, cut_by)
VALUES ($1::bigint, $2, $3, $4::timestamptz, $4::timestamptz, $5::jsonb, CASE WHEN $6 = 't' THEN $7 END)
ON CONFLICT (plan_id, source, server) DO UPDATE
SET since = CASE WHEN $6 = 't' THEN excluded.since ELSE c.since END, until = excluded.until, marks = excluded.marks,
    cut_by = CASE WHEN $6 = 't' THEN $7 ELSE c.cut_by END)sql",
                  {plan_, source, server, now, dumped(marks), cut ? "t" : "f", cut_by});
  }

  Session& journal_;
  std::string plan_;
  std::set<std::string> names_;
};

}  // namespace

void sample(Session& session, const ports::UsageRequest& request) {
  std::set<std::string> names;
  for (const Structure& structure : request.structures) names.merge(reached(session, structure, {}).target.watched());
  Transaction transaction(session);
  Sampler sampler(session, request.plan, names);
  sampler.begin();
  sampler.statements(session, "primary");
  sampler.sessions(session, "primary");
  for (const ports::SampledServer& replica : request.replicas) {
    if (!replica.session) continue;
    transaction.exec("SAVEPOINT one_server");
    try {
      sampler.statements(*replica.session, replica.name);
      sampler.sessions(*replica.session, replica.name);
      transaction.exec("RELEASE SAVEPOINT one_server");
    } catch (const Error&) {
      // Its coverage does not go on: the verdict says when it was last sampled. If the journal's own session broke,
      // this throws again.
      transaction.exec("ROLLBACK TO SAVEPOINT one_server");
    }
  }
  transaction.commit();
}

}  // namespace switchback::postgres
