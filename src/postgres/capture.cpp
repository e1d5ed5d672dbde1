#include "switchback/postgres/capture.hpp"

#include <algorithm>

#include "statement_kinds.hpp"
#include "switchback/core/error.hpp"
#include "switchback/core/sql.hpp"
#include "switchback/postgres/statement_reads.hpp"
#include "usage_reading.hpp"

namespace switchback::postgres {
namespace {

using ports::Rows;

constexpr const char* run_again = "run it again while nobody resets the server's statistics";

/// "10/-123/f": user, query, whether a client sent it.
std::string user_of(const std::string& key) {
  return key.substr(0, key.find('/'));
}
bool is_inside(const std::string& key) {
  return key.ends_with("/f");
}

CaptureGap moved(const CounterMarks& then, const CounterMarks& now) {
  if (then.reset != now.reset) return {"pg_stat_statements was reset meanwhile", run_again};
  if (then.dealloc != now.dealloc)
    return {"pg_stat_statements has evicted entries meanwhile: some statements were not seen",
            "raise pg_stat_statements.max and restart the server, or capture while less else runs"};
  if (then.server_start != now.server_start) return {"the server was restarted meanwhile", "run it again"};
  if (then.server_reset != now.server_reset)
    return {"the server's statistics were reset meanwhile, or it crashed", run_again};
  return {};
}

std::string role_id(ports::Session& session, const std::string& role) {
  const Rows rows = session.exec("SELECT oid FROM pg_catalog.pg_roles WHERE rolname = $1", {role});
  if (rows.empty())
    throw Error(
        Exit::invalid, Remedy::person, "there is no role '" + role + "' on this server",
        "make one that may do what the image's own may: CREATE ROLE " + quote_identifier(role) + " LOGIN IN ROLE …");
  return rows.text(0, 0);
}

std::map<std::string, std::string> owners_of_definers(ports::Session& session) {
  const Rows rows = session.exec(R"sql(
SELECT DISTINCT p.proowner, r.rolname FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_roles r ON r.oid = p.proowner
WHERE p.prosecdef AND n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('information_schema', 'switchback')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
    AND d.objid = p.oid AND d.deptype = 'e'))sql");
  std::map<std::string, std::string> owners;
  for (std::size_t i = 0; i < rows.size(); ++i) owners[rows.text(i, 0)] = rows.text(i, 1);
  return owners;
}

}  // namespace

struct StatementCapture::Look {
  StatementReading reading;
  std::map<std::string, std::int64_t> calls;  ///< of what counts for us, by key
};

StatementCapture::StatementCapture(ports::Session& session, const std::string& role)
    : session_(session), role_id_(role_id(session, role)) {
  began_ = session_.exec("SELECT pg_catalog.clock_timestamp()").text(0, 0);
  definers_ = owners_of_definers(session_);
  definers_.erase(role_id_);
  last_ = std::make_unique<Look>(counts());
  if (!gap_.reason.empty())
    throw Error(Exit::refused, Remedy::person, "not every statement of " + role + " would be seen: " + gap_.reason,
                gap_.remedy);
  at_first_ = calls_by_database();
}

StatementCapture::~StatementCapture() = default;

bool StatementCapture::counts_for_us(const std::string& key) const {
  const std::string user = user_of(key);
  if (user == role_id_) return true;
  return definers_.contains(user) && (is_inside(key) || session_.server_version() < 140000);
}

void StatementCapture::miss(const std::string& reason, const std::string& remedy) {
  if (gap_.reason.empty()) gap_ = {reason, remedy};
}

StatementCapture::Look StatementCapture::counts() {
  Look look;
  look.reading = read_statements(session_);
  if (look.reading.blind) {
    miss(look.reading.blind.reason, look.reading.blind.remedy);
    return look;
  }
  const Rows rows = session_.exec(look.reading.counts);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!rows.at(i, 0)) {
      miss("statements of other roles are hidden", "GRANT pg_read_all_stats to switchback's role");
      return look;
    }
    const std::string key = rows.text(i, 0);
    if (counts_for_us(key)) look.calls[key] = rows.integer(i, 1);
  }
  return look;
}

void StatementCapture::look() {
  Look now = counts();
  if (!gap_.reason.empty()) return;
  if (const CaptureGap gap = moved(last_->reading.marks, now.reading.marks); !gap.reason.empty())
    return miss(gap.reason, gap.remedy);
  for (const auto& [key, calls] : last_->calls)
    if (const auto found = now.calls.find(key); found == now.calls.end() || found->second < calls)
      return miss("entries of pg_stat_statements were reset or evicted meanwhile", run_again);
  std::vector<std::string> to_read;
  for (const auto& [key, calls] : now.calls) {
    const auto before = last_->calls.find(key);
    if (before != last_->calls.end() && before->second == calls) continue;
    if (!texts_.contains(key)) to_read.push_back(key);
  }
  const auto texts = read_texts(session_, now.reading, to_read);
  for (const std::string& key : to_read) {
    const auto text = texts.find(key);
    if (text == texts.end() || text->second.text == lost_text)
      return miss("the server has lost the text of a statement", run_again);
    texts_[key] = text->second.text;
  }
  *last_ = std::move(now);
}

CapturedStatements StatementCapture::statements() const {
  std::set<std::string> sent, inside;
  for (const auto& [key, text] : texts_)
    if (text.find(own_mark) == std::string::npos)
      (is_inside(key) || user_of(key) != role_id_ ? inside : sent).insert(text);
  return {{sent.begin(), sent.end()}, {inside.begin(), inside.end()}, session_.server_version() < 140000};
}

std::int64_t StatementCapture::sessions_since() {
  return session_
      .exec(
          "SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE usesysid = $1::oid AND datname = "
          "pg_catalog.current_database() AND pid <> pg_catalog.pg_backend_pid() AND backend_start > $2::timestamptz",
          {role_id_, began_})
      .integer(0, 0);
}

std::int64_t StatementCapture::sessions_at_work() {
  return session_
      .exec(
          "SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE usesysid = $1::oid AND datname = "
          "pg_catalog.current_database() AND pid <> pg_catalog.pg_backend_pid() AND state <> 'idle'",
          {role_id_})
      .integer(0, 0);
}

std::map<std::string, std::int64_t> StatementCapture::calls_by_database() {
  const Rows rows = session_.exec(
      "SELECT d.datname, sum(s.calls)::bigint FROM " + quote_identifier(last_->reading.schema) +
          ".pg_stat_statements(false) s JOIN pg_catalog.pg_database d ON d.oid = s.dbid WHERE s.userid = $1::oid AND "
          "d.datname <> pg_catalog.current_database() GROUP BY d.datname ORDER BY d.datname",
      {role_id_});
  std::map<std::string, std::int64_t> calls;
  for (std::size_t i = 0; i < rows.size(); ++i) calls[rows.text(i, 0)] = rows.integer(i, 1);
  return calls;
}

std::vector<std::string> StatementCapture::elsewhere() {
  std::vector<std::string> databases;
  for (const auto& [database, calls] : calls_by_database())
    if (const auto before = at_first_.find(database); before == at_first_.end() || before->second != calls)
      databases.push_back(database);
  return databases;
}

Footprint footprint_of(const CapturedStatements& captured, const KnownColumns& known) {
  std::vector<std::string> all = captured.sent;
  all.insert(all.end(), captured.inside.begin(), captured.inside.end());
  KnownColumns with_temporary = known;
  for (const std::string& name : temporary_tables_in(all)) with_temporary[{"pg_temp", name}];
  const StatementPlace place = captured.mixed ? StatementPlace::in_function : StatementPlace::client;
  std::vector<std::string> kept;
  for (const std::string& text : captured.sent) {
    if (is_of_session(text) || runs_others(text)) continue;  // what others ran was captured by itself
    Footprint alone;
    add_statements(alone, {text}, with_temporary, place);
    if (!alone.tables.empty() || !alone.unclear.empty() || !preparable(text).empty()) kept.push_back(text);
  }
  Footprint footprint;
  add_statements(footprint, kept, with_temporary, place);
  Footprint inside;
  add_statements(inside, captured.inside, with_temporary, StatementPlace::in_function);
  inside.statements.clear();
  return merged(std::move(footprint), inside);
}

}  // namespace switchback::postgres
