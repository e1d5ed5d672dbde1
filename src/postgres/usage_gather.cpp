#include <algorithm>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>

#include "replay.hpp"
#include "switchback/core/excerpt.hpp"
#include "switchback/postgres/closure.hpp"
#include "switchback/postgres/usage.hpp"
#include "usage_brownout.hpp"
#include "usage_counters.hpp"
#include "usage_external.hpp"
#include "usage_judging.hpp"
#include "usage_probe.hpp"
#include "usage_reach.hpp"
#include "usage_reading.hpp"
#include "usage_sample.hpp"
#include "usage_standbys.hpp"

namespace switchback::postgres {
namespace {

using nlohmann::json;
using ports::Rows;
using ports::Session;
using ports::UsageRequest;

const std::string tolerated = "tolerated: ";

constexpr const char* milliseconds_of = "(EXTRACT(epoch FROM %)::numeric * 1000)::bigint";

std::string milliseconds_sql(const std::string& column) {
  std::string sql = milliseconds_of;
  return sql.replace(sql.find('%'), 1, column);
}

std::optional<Instant> instant(const Rows& rows, std::size_t row, std::size_t column) {
  if (!rows.at(row, column)) return std::nullopt;
  return Instant{std::chrono::milliseconds{rows.integer(row, column)}};
}

/// FNV-1a: the same in every process, so that a judgement kept in the journal is known to be of this question.
std::string fingerprint(const JudgeTarget& target) {
  std::uint64_t hash = 14695981039346656037ULL;
  const auto take = [&](std::string_view text) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    hash = (hash ^ 0xffU) * 1099511628211ULL;
  };
  take(name(target.kind));
  take(target.name);
  for (const auto* group :
       {&target.relations, &target.views, &target.functions, &target.all_relations, &target.with_column}) {
    for (const TableName& one : *group) {
      take(one.schema);
      take(one.name);
    }
    take("");
  }
  for (const std::string& one : target.own_columns) take(one);
  take("");
  for (const UniqueKey& key : target.keys) {
    take(key.name);
    for (const std::string& one : key.columns) take(one);
    take(key.primary ? "primary" : "");
  }
  take(target.object.schema);
  take(target.object.name);
  take(target.namesakes ? "namesakes" : "");
  take(target.takes_row ? "row" : "");
  take(target.by_place ? "place" : "");
  return std::to_string(hash);
}

struct Ran {
  std::string server, key, role, text;
  std::optional<Instant> at;
  json judged;

  /// Run by a function (pg_stat_statements.toplevel, 14 and newer): what no FROM explains is a variable of it. NEW and
  /// OLD among them: the bodies of the table's trigger functions are judged by themselves.
  bool nested() const { return key.ends_with("/f"); }
};

/// The statements that name the table and ran since sampling began.
std::vector<Ran> statements_that_ran(Session& session, const UsageRequest& request) {
  const Rows rows = session.exec("SELECT server, key, role, text, " + milliseconds_sql("calls_rose_at") +
                                     ", judged FROM switchback.usage_statement "
                                     "WHERE plan_id = $1::bigint AND text IS NOT NULL AND calls_rose_at IS NOT NULL "
                                     "ORDER BY calls_rose_at DESC, server, key",
                                 {std::to_string(request.plan)});
  std::vector<Ran> ran;
  for (std::size_t i = 0; i < rows.size(); ++i)
    ran.push_back({rows.text(i, 0), rows.text(i, 1), rows.text(i, 2), rows.text(i, 3), instant(rows, i, 4),
                   json::parse(rows.text(i, 5))});
  return ran;
}

struct SessionRow {
  std::string source, server, role, application;
  std::optional<Instant> last_seen;
};

std::vector<SessionRow> sessions_seen(Session& session, const UsageRequest& request) {
  const Rows rows = session.exec("SELECT source, server, role, application, " + milliseconds_sql("last_seen") +
                                     " FROM switchback.usage_session WHERE plan_id = $1::bigint "
                                     "ORDER BY last_seen DESC, source, server, role, application",
                                 {std::to_string(request.plan)});
  std::vector<SessionRow> seen;
  for (std::size_t i = 0; i < rows.size(); ++i)
    seen.push_back({rows.text(i, 0), rows.text(i, 1), rows.text(i, 2), rows.text(i, 3), instant(rows, i, 4)});
  return seen;
}

/// By structure, the relations that sampling found it part of, gone ones among them.
std::map<std::string, std::set<TableName>> family_seen(Session& session, const UsageRequest& request) {
  const Rows rows = session.exec(
      "SELECT marks->'family' FROM switchback.usage_coverage WHERE plan_id = $1::bigint AND source = 'statements' AND "
      "marks ? 'family'",
      {std::to_string(request.plan)});
  std::map<std::string, std::set<TableName>> seen;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const json all = json::parse(rows.text(i, 0));
    for (const auto& [structure, relations] : all.items())
      for (const auto& [schema, relation] : relations.get<std::vector<std::pair<std::string, std::string>>>())
        seen[structure].insert({schema, relation});
  }
  return seen;
}

class Gathering {
 public:
  Gathering(Session& session, const UsageRequest& request, ports::SchemaClone* clone)
      : session_(session),
        request_(request),
        judges_(session, clone),
        ran_(statements_that_ran(session, request)),
        seen_(sessions_seen(session, request)),
        family_(family_seen(session, request)),
        own_role_(session.exec("SELECT session_user").text(0, 0)) {
    servers_.insert("primary");
    for (const ports::SampledServer& replica : request.replicas) servers_.insert(replica.name);
    for (const ports::SampledPooler& pooler : request.poolers) poolers_.insert(pooler.name);
  }

  StructureEvidence evidence_of(const Structure& structure, Reached reach) {
    StructureEvidence evidence{reach.structure, std::move(reach.observations), {}, {}};
    for (const auto& broken : judges_.broken_functions(reach.doubted_functions, structure, reach.target)) {
      reach.target.functions.insert(broken.name);
      evidence.observations.push_back({"functions", "primary", Finding::used,
                                       "function " + broken.identity + " does not work without it: " + broken.complaint,
                                       std::nullopt, "change it so that it does without"});
    }
    add_coverage(evidence, structure);
    add_statements(evidence, structure, reach.target);
    if (auto remark = judges_.remark()) evidence.observations.push_back(std::move(*remark));
    if (!structure.by_place) add_sessions(evidence);  // an image from before the change names it, and goes on working
    // What is no table is in no stream of changes.
    const bool published = !is_moved(structure.kind) || structure.kind == Structure::Kind::table;
    for (Observation& one : external_readers(session_, reach.target.relations, request_.checked))
      if (published || one.detail.starts_with("foreign server") || one.detail.find("pg_cron") != std::string::npos)
        evidence.observations.push_back(std::move(one));
    for (Observation& one : brownouts_of(session_, request_.plan, evidence.structure))
      evidence.observations.push_back(std::move(one));
    add_unsampled(evidence);
    if (structure.kind == Structure::Kind::column && !structure.by_place) add_writers(evidence);
    add_counters(evidence);
    return evidence;
  }

 private:
  void add_coverage(StructureEvidence& evidence, const Structure& structure) {
    const Rows rows = session_.exec(
        "SELECT source, server, " + milliseconds_sql("since") + ", " + milliseconds_sql("until") +
            ", cut_by, marks->>'blind', marks->>'unread', marks->>'remedy' FROM switchback.usage_coverage "
            "WHERE plan_id = $1::bigint ORDER BY source, server",
        {std::to_string(request_.plan)});
    std::set<std::pair<std::string, std::string>> there;
    std::set<std::string> unread;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (!(rows.text(i, 0) == "pgbouncer" ? poolers_ : servers_).contains(rows.text(i, 1))) continue;
      if (rows.text(i, 0) == "write_probe" && (structure.kind != Structure::Kind::column || structure.by_place))
        continue;
      there.emplace(rows.text(i, 0), rows.text(i, 1));
      evidence.coverage.push_back(
          {rows.text(i, 0), rows.text(i, 1), instant(rows, i, 2), instant(rows, i, 3), rows.text(i, 4)});
      if (rows.at(i, 5))
        evidence.observations.push_back(
            {rows.text(i, 0), rows.text(i, 1), Finding::unknown, rows.text(i, 5), std::nullopt, rows.text(i, 7)});
      if (rows.at(i, 6) && unread.insert(rows.text(i, 1)).second)
        evidence.observations.push_back({rows.text(i, 0), rows.text(i, 1), Finding::unknown,
                                         "cannot be read now: " + rows.text(i, 6), std::nullopt, rows.text(i, 7)});
    }
    for (const std::string& server : servers_)
      for (const std::string& source : ports::required_sources)
        if (!there.contains({source, server}))
          evidence.coverage.push_back({source, server, std::nullopt, std::nullopt, ""});
    for (const std::string& pooler : poolers_)
      if (!there.contains({"pgbouncer", pooler}))
        evidence.coverage.push_back({"pgbouncer", pooler, std::nullopt, std::nullopt, ""});
    if (!poolers_.empty()) evidence.required.emplace_back("pgbouncer");
  }

  static std::map<std::string, Instant> tolerated_reads(const StructureEvidence& evidence) {
    std::map<std::string, Instant> last;
    for (const Observation& one : evidence.observations) {
      if (!one.last_seen || !one.detail.starts_with(tolerated)) continue;
      Instant& at = last.try_emplace(one.server, *one.last_seen).first->second;
      at = std::max(at, *one.last_seen);
    }
    return last;
  }

  /// They must cover the window on every server, as statements must.
  void add_counters(StructureEvidence& evidence) {
    std::vector<Observation> seen = counters(session_, request_.plan, evidence.structure, tolerated_reads(evidence));
    std::erase_if(evidence.coverage, [&](const Coverage& one) { return one.source == "counters" && seen.empty(); });
    if (seen.empty()) return;
    evidence.required.emplace_back("counters");
    for (const std::string& server : servers_)
      if (std::ranges::none_of(evidence.coverage,
                               [&](const Coverage& one) { return one.source == "counters" && one.server == server; }))
        evidence.coverage.push_back({"counters", server, std::nullopt, std::nullopt, ""});
    for (Observation& one : seen) evidence.observations.push_back(std::move(one));
  }

  void add_writers(StructureEvidence& evidence) const {
    std::vector<Observation> seen = writers(session_, request_.plan, evidence.structure);
    if (seen.empty()) return;
    evidence.required.emplace_back("write_probe");
    for (Observation& one : seen) evidence.observations.push_back(std::move(one));
  }

  /// Also those that are gone: what they ran while they were there nobody has seen.
  void add_unsampled(StructureEvidence& evidence) const {
    const Rows rows = session_.exec(
        "SELECT server, marks->'standbys' FROM switchback.usage_coverage WHERE plan_id = $1::bigint AND source = "
        "'sessions' AND marks ? 'standbys' ORDER BY server <> 'primary', server",
        {std::to_string(request_.plan)});
    for (std::size_t i = 0; i < rows.size(); ++i)
      for (Observation& one :
           unsampled_standbys(rows.text(i, 0), json::parse(rows.text(i, 1)), request_.without_queries)) {
        if (servers_.contains(one.server)) one.remedy.clear();  // it has a connection since
        evidence.observations.push_back(std::move(one));
      }
  }

  void add_statements(StructureEvidence& evidence, const Structure& structure, const JudgeTarget& target) {
    judge_all(evidence.structure, structure, target);
    std::map<std::string, std::size_t> cleared;
    const std::set<TableName> gone = what_is_gone(evidence.structure, target);
    for (const Ran& statement : ran_) {
      const json& judged = statement.judged.at(evidence.structure);
      const std::string use = judged.value("use", "unparsed");
      if (use == name(StatementUse::does_not)) {
        if (add_gone(evidence, statement, target, gone)) continue;
        ++cleared[statement.server];
        continue;
      }
      const bool certain = use == name(StatementUse::uses);
      const std::string detail = detail_of(statement, judged, use);
      if (certain && judged.value("reads", "") == name(RowRead::lock) && statement.role == own_role_)
        evidence.observations.push_back({"statements", statement.server, Finding::clear,
                                         "as switchback's own pg_dump: " + detail, statement.at, ""});
      else if (certain && bears_it(judged) && is_tolerant(statement))
        evidence.observations.push_back(
            {"statements", statement.server, Finding::clear, tolerated + detail, statement.at, ""});
      else
        evidence.observations.push_back({"statements", statement.server, certain ? Finding::used : Finding::unknown,
                                         detail, statement.at, remedy_of(statement, judged, certain)});
    }
    for (const std::string& server : servers_)
      evidence.observations.push_back(
          {"statements", server, Finding::clear,
           std::to_string(cleared[server]) + " statements that name the table ran and do without it", std::nullopt,
           ""});
  }

  /// Relations that sampling found to be part of it and that have been dropped since.
  std::set<TableName> what_is_gone(const std::string& shown, const JudgeTarget& target) const {
    const auto seen = family_.find(shown);
    if (seen == family_.end()) return {};
    std::set<TableName> gone;
    std::ranges::set_difference(seen->second, target.all_relations, std::inserter(gone, gone.end()));
    return gone;
  }

  /// Judges a statement that names one of them as it was while they were there.
  static bool add_gone(StructureEvidence& evidence, const Ran& statement, JudgeTarget target,
                       const std::set<TableName>& gone) {
    const auto named = [&](const TableName& one) { return mentions(statement.text, one.name); };
    if (std::ranges::none_of(gone, named)) return false;
    for (auto* relations : {&target.relations, &target.all_relations, &target.with_column})
      relations->insert(gone.begin(), gone.end());
    const StatementJudgement judged = judge_statement(statement.text, target, {statement.nested(), {}});
    if (judged.use == StatementUse::does_not) return false;
    const bool certain = judged.use == StatementUse::uses;
    evidence.observations.push_back({"statements", statement.server, certain ? Finding::used : Finding::unknown,
                                     excerpt(statement.text) + " by role " + statement.role +
                                         " (of what has been dropped since: " + judged.why + ")",
                                     statement.at, ""});
    return true;
  }

  /// Each text is judged once a question; the journal keeps the answer.
  void judge_all(const std::string& shown, const Structure& structure, const JudgeTarget& target) {
    const std::string question = judges_.question() + "/" + fingerprint(target);
    std::vector<Ran*> open;
    std::vector<Suspect> suspects;
    for (Ran& statement : ran_) {
      const json& judged = statement.judged[shown];
      const bool tolerant = is_tolerant(statement);
      const bool known = judged.is_object() && judged.value("question", "") == question;
      // Whether it works without is asked only of what somebody tolerates.
      const bool unanswered = tolerant && judged.is_object() && judged.value("reads", "") == name(RowRead::star) &&
                              !judged.contains("works_without");
      if (known && !unanswered) continue;
      open.push_back(&statement);
      suspects.push_back({statement.text, statement.role, tolerant, statement.nested()});
    }
    const std::vector<Sentence> sentences = judges_.judge(suspects, structure, target);
    json fresh = json::array();
    for (std::size_t i = 0; i < open.size(); ++i) {
      const Sentence& sentence = sentences[i];
      json judged{{"question", question}, {"use", name(sentence.judged.use)}, {"why", sentence.judged.why}};
      if (sentence.reads != RowRead::no) judged["reads"] = name(sentence.reads);
      if (sentence.works_without) judged["works_without"] = *sentence.works_without;
      if (sentence.lasting)
        fresh.push_back({{"server", open[i]->server}, {"key", open[i]->key}, {"judged", {{shown, judged}}}});
      open[i]->judged[shown] = std::move(judged);
    }
    remember(fresh);
  }

  /// Shown by replay, or a dump: the next one names the columns that are there then.
  static bool bears_it(const json& judged) {
    const std::string reads = judged.value("reads", "");
    return reads == name(RowRead::dump) || reads == name(RowRead::lock) ||
           (reads == name(RowRead::star) && judged.value("works_without", false));
  }

  /// Statements do not say their application: it is the one of every session seen of their role, or unknown.
  bool is_tolerant(const Ran& statement) const {
    return std::any_of(request_.readers.begin(), request_.readers.end(), [&](const TolerantReader& reader) {
      if (reader.role) return *reader.role == statement.role;
      const auto of_role = [&](const SessionRow& row) {
        return (row.server == statement.server || row.source == "pgbouncer") && row.role == statement.role;
      };
      return std::any_of(seen_.begin(), seen_.end(), of_role) &&
             std::all_of(seen_.begin(), seen_.end(), [&](const SessionRow& row) {
               return !of_role(row) || row.application == reader.application->substr(0, 63);
             });
    });
  }

  std::string remedy_of(const Ran& statement, const json& judged, bool certain) const {
    if (!certain) return "say that it does without with --despite usage --reason …";
    const std::string reads = judged.value("reads", "");
    if (reads.empty()) return "";
    if (is_tolerant(statement))
      return judged.contains("works_without") ? "it does not work without, so it is not tolerated"
                                              : "it is not tolerated: no schema clone shows that it works without";
    return std::string(reads != name(RowRead::star) ? "if this is a dump" : "if this reader bears a column less") +
           ", say so in the plan: readers: [ { role: " + shown(std::string_view(statement.role)) +
           ", star: tolerated } ]";
  }

  void remember(const json& fresh) {
    if (fresh.empty()) return;
    session_.exec(R"sql(
UPDATE switchback.usage_statement s SET judged = s.judged || x.judged
FROM pg_catalog.jsonb_to_recordset($2::jsonb) AS x(server text, key text, judged jsonb)
WHERE s.plan_id = $1::bigint AND s.server = x.server AND s.key = x.key)sql",
                  {std::to_string(request_.plan), fresh.dump(-1, ' ', false, json::error_handler_t::replace)});
  }

  std::string detail_of(const Ran& statement, const json& judged, const std::string& use) const {
    std::string detail = excerpt(statement.text) + " by role " + statement.role;
    std::string applications;
    for (const SessionRow& row : seen_)
      if ((row.server == statement.server || row.source == "pgbouncer") && row.role == statement.role &&
          !row.application.empty() && row.last_seen && statement.at &&
          *row.last_seen + std::chrono::minutes{5} >= *statement.at)
        applications += (applications.empty() ? "" : ", ") + row.application;
    if (!applications.empty()) detail += ", whose sessions are " + applications;
    const std::string why = judged.value("why", "");
    if (use == name(StatementUse::unparsed)) return detail + " (cannot be parsed: " + why + ")";
    return why.empty() ? detail : detail + " (" + why + ")";
  }

  bool is_of_image_before(const SessionRow& row) const {
    // The server keeps 63 bytes of an application_name, and of a role.
    const std::string application = request_.image_before.value_or("").substr(0, 63);
    const std::string role = request_.role_before.value_or("").substr(0, 63);
    return (!application.empty() && row.application == application) || (!role.empty() && row.role == role);
  }

  void add_sessions(StructureEvidence& evidence) const {
    std::map<std::pair<std::string, std::string>, std::string> others;
    for (const SessionRow& row : seen_) {
      const std::string application = row.application.empty() ? "unnamed" : row.application;
      if (is_of_image_before(row)) {
        evidence.observations.push_back({row.source, row.server, Finding::used,
                                         "session of " + application + ", role " + row.role, row.last_seen,
                                         "take the image before out of service"});
        continue;
      }
      std::string& names = others[{row.source, row.server}];
      names += (names.empty() ? "" : ", ") + application + " as " + row.role;
    }
    for (const auto& [where, names] : others)
      evidence.observations.push_back(
          {where.first, where.second, Finding::clear, "other sessions: " + excerpt(names), std::nullopt, ""});
  }

  Session& session_;
  const UsageRequest& request_;
  Judges judges_;
  std::vector<Ran> ran_;
  std::vector<SessionRow> seen_;
  std::map<std::string, std::set<TableName>> family_;
  std::string own_role_;  ///< as which pg_dump makes the schema clone: its LOCK TABLE bears no mark
  std::set<std::string> poolers_;
  std::set<std::string> servers_;  ///< that must be covered; what was seen on others counts as well
};

class PostgresUsage final : public ports::UsageSource {
 public:
  explicit PostgresUsage(ports::SchemaClone* clone) : clone_(clone), replayer_(clone) {}

  void sample(Session& session, const UsageRequest& request) override {
    postgres::sample(session, request, reached(session, request));
  }

  ports::UsageLook look(Session& session, const UsageRequest& request) override {
    std::vector<Reached> reach = reached(session, request);
    postgres::sample(session, request, reach);
    const Instant at = *instant(session.exec("SELECT " + milliseconds_sql("pg_catalog.clock_timestamp()")), 0, 0);
    return {at, evidence(session, request, std::move(reach))};
  }

  std::vector<StructureEvidence> gather(Session& session, const UsageRequest& request) override {
    return evidence(session, request, reached(session, request));
  }

  ports::Replay replay(Session& session, const UsageRequest& request,
                       const std::vector<ports::ReplayText>& texts) override {
    return replayer_.replay(session, request, texts);
  }

  ports::Closure closure(Session& session, const Structure& structure) override {
    return postgres::closure(session, structure);
  }

 private:
  std::vector<StructureEvidence> evidence(Session& session, const UsageRequest& request, std::vector<Reached> reach) {
    Gathering gathering(session, request, clone_);
    std::vector<StructureEvidence> all;
    for (std::size_t i = 0; i < reach.size(); ++i)
      all.push_back(gathering.evidence_of(request.structures[i], std::move(reach[i])));
    return all;
  }

  ports::SchemaClone* clone_;
  Replayer replayer_;
};

}  // namespace

std::unique_ptr<ports::UsageSource> make_usage_source(ports::SchemaClone* clone) {
  return std::make_unique<PostgresUsage>(clone);
}

}  // namespace switchback::postgres
