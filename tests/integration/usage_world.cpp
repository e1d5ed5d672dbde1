#include "usage_world.hpp"

#include <algorithm>

#include "switchback/engine/journal_schema.hpp"
#include "switchback/postgres/session.hpp"
#include "switchback/postgres/usage.hpp"

namespace switchback::tests {

UsageWorld::UsageWorld() : uri(server().fresh_database()), usage(postgres::make_usage_source()) {
  session = connect("switchback test");
  run("CREATE EXTENSION pg_stat_statements SCHEMA public");
  engine::ensure_journal(*session);
  run("CREATE TABLE public.users (id bigint PRIMARY KEY, full_name text, first_name text, last_name text);"
      "INSERT INTO public.users SELECT g, 'Ada ' || g FROM generate_series(1, 100) g");
  request.plan = session
                     ->exec(
                         "INSERT INTO switchback.plan (name, hash, text, long_form, file, environment, takes_away, "
                         "system_identifier, "
                         "timeline) VALUES ('split', 'h', 't', 't', 'f', 'development', true, '1', 1) RETURNING id")
                     .integer(0, 0);
  request.structures = {{Structure::Kind::column, {"public", "users"}, "full_name"}};
  request.without_queries = {{"replica", "a test of something else"}};
}

std::unique_ptr<ports::Session> UsageWorld::connect(const std::string& name, const std::string& other) const {
  postgres::ConnectOptions options;
  options.database = other.empty() ? uri : other;
  options.application_name = name;
  return postgres::connect(options);
}

void UsageWorld::application(const std::string& sql, const std::string& name) const {
  const auto own = connect(name);
  own->exec("SET search_path = public");
  own->exec(sql);
}

Judgement UsageWorld::verdict(std::chrono::seconds window) {
  const StructureEvidence evidence = gather();
  const auto clock = session->exec("SELECT (EXTRACT(epoch FROM clock_timestamp())::numeric * 1000)::bigint");
  return judge(evidence, Instant{std::chrono::milliseconds{clock.integer(0, 0)}}, window, ports::required_sources);
}

std::vector<std::string> against(const StructureEvidence& evidence, const std::string& source) {
  std::vector<std::string> lines;
  for (const Observation& one : evidence.observations)
    if (one.source == source && one.finding != Finding::clear)
      lines.push_back(std::string(name(one.finding)) + ": " + one.detail + " -> " + one.remedy);
  return lines;
}

bool has(const std::vector<std::string>& lines, const std::string& part) {
  return std::any_of(lines.begin(), lines.end(),
                     [&](const std::string& line) { return line.find(part) != std::string::npos; });
}

bool has_reason(const Judgement& judgement, const std::string& part) {
  return has(judgement.reasons, part);
}

}  // namespace switchback::tests
