#include "switchback/engine/history.hpp"

#include <nlohmann/json.hpp>

#include "switchback/core/error.hpp"

namespace switchback::engine {
namespace {

using nlohmann::json;

/// Everything that an event says, as one text; the same on every server and in every time zone.
std::string words_of(const std::string& row) {
  std::string words = "pg_catalog.jsonb_build_array(";
  for (const char* column : {"id", "plan_id", "plan"}) words += row + "." + column + ", ";
  words += "pg_catalog.to_char(" + row + ".at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), ";
  for (const char* column :
       {"kind", "from_state", "to_state", "role", "os_user", "host", "reason", "lsn::text", "detail", "pipeline"})
    words += row + "." + column + ", ";
  return words + row + ".previous)::text";
}

/// In a database in SQL_ASCII nothing is known of its bytes: they are taken as they are.
std::string hash_of(const std::string& words) {
  return "pg_catalog.encode(pg_catalog.sha256(CASE WHEN pg_catalog.getdatabaseencoding() = 'SQL_ASCII' THEN "
         "pg_catalog.convert_to(" +
         words + ", 'SQL_ASCII') ELSE pg_catalog.convert_to(" + words + ", 'UTF8') END), 'hex')";
}

std::vector<ChainLink> links_from(const ports::Rows& rows) {
  std::vector<ChainLink> links;
  for (std::size_t i = 0; i < rows.size(); ++i)
    links.push_back({rows.integer(i, 0), rows.text(i, 1), rows.text(i, 2),
                     json::parse(rows.text(i, 3)).get<std::vector<std::string>>()});
  return links;
}

[[noreturn]] void refuse_import(const std::string& why) {
  throw Error(Exit::invalid, Remedy::person, "this is not a journal that can be imported: " + why,
              "take what `switchback journal export` wrote, as it wrote it");
}

/// Its events' ids, hashes and texts, with what their hashes are now.
constexpr const char* exported_sql = R"sql(
SELECT (x.event::jsonb->>0)::bigint, x.hash, %, x.event::jsonb->14
FROM pg_catalog.jsonb_to_recordset($1::jsonb) AS x(hash text, event text) ORDER BY 1)sql";

std::string with(std::string sql, const std::string& expression) {
  return sql.replace(sql.find('%'), 1, expression);
}

json parsed_export(std::string_view document) {
  json all = json::parse(document, nullptr, false);
  if (!all.is_object() || all.value("format", "") != "switchback journal") refuse_import("it is no export");
  if (all.value("schema_version", 0) != 1) refuse_import("a newer switchback wrote it");
  return all;
}

}  // namespace

std::string history_chain_ddl() {
  // Nobody waits for anybody: who writes at the same time follows the same events, and the next one follows them all.
  // Only the first of all is waited for.
  return R"sql(
CREATE FUNCTION switchback.chain_event() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
  FOR attempt IN 1 .. 2 LOOP
    NEW.previous := ARRAY(
      SELECT e.hash FROM (SELECT id, hash FROM switchback.event ORDER BY id DESC LIMIT 100) e
      WHERE e.hash NOT IN (
        SELECT pg_catalog.unnest(f.previous) FROM (SELECT previous FROM switchback.event ORDER BY id DESC LIMIT 100) f)
      ORDER BY e.id);
    EXIT WHEN NEW.previous <> '{}';
    PERFORM pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('switchback history', 0));
  END LOOP;
  NEW.hash := )sql" +
         hash_of(words_of("NEW")) + R"sql(;
  RETURN NEW;
END $body$;
CREATE TRIGGER chained BEFORE INSERT ON switchback.event FOR EACH ROW EXECUTE FUNCTION switchback.chain_event();
ALTER TABLE switchback.event ENABLE ALWAYS TRIGGER chained)sql";
}

std::vector<ChainLink> chain_links(ports::Session& session) {
  return links_from(session.exec("SELECT e.id, e.hash, " + hash_of(words_of("e")) +
                                 ", pg_catalog.to_jsonb(e.previous) FROM switchback.event e ORDER BY e.id"));
}

std::string export_journal(ports::Session& session) {
  ports::Transaction transaction(session);
  transaction.exec("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY");
  const auto where = transaction.exec(
      "SELECT s.system_identifier::text, pg_catalog.current_database() FROM pg_catalog.pg_control_system() s");
  json all{{"format", "switchback journal"}, {"schema_version", 1},        {"system_identifier", where.text(0, 0)},
           {"database", where.text(0, 1)},   {"forbidden", json::array()}, {"events", json::array()}};
  const auto forbidden = transaction.exec("SELECT hash, plan, reason FROM switchback.forbidden ORDER BY at, hash");
  for (std::size_t i = 0; i < forbidden.size(); ++i)
    all["forbidden"].push_back({{"hash", forbidden.text(i, 0)},
                                {"plan", forbidden.at(i, 1) ? json(forbidden.text(i, 1)) : json()},
                                {"reason", forbidden.text(i, 2)}});
  const auto events = transaction.exec("SELECT e.hash, " + words_of("e") + " FROM switchback.event e ORDER BY e.id");
  for (std::size_t i = 0; i < events.size(); ++i)
    all["events"].push_back({{"hash", events.text(i, 0)}, {"event", events.text(i, 1)}});
  return all.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

ImportedJournal import_journal(ports::Session& session, const Actor& actor, std::string_view document) {
  ImportedJournal result;
  ports::Transaction transaction(session);
  try {
    const json all = parsed_export(document);
    const auto system = all.at("system_identifier").get<std::string>();
    result.from = all.at("database").get<std::string>();
    const std::string events = all.at("events").dump();
    const auto links = links_from(transaction.exec(with(exported_sql, hash_of("x.event")), {events}));
    const ChainReport report = check_chain(links, "");
    if (!report.breaks.empty())
      refuse_import("its event " + std::to_string(report.breaks.front().id) + " " + report.breaks.front().what);
    result.events = links.size();
    result.new_events =
        transaction
            .exec(
                "INSERT INTO switchback.imported_event (system_identifier, database, id, line) SELECT $1::text, "
                "$2::text, (x.event::jsonb->>0)::bigint, x.event::jsonb || pg_catalog.to_jsonb(x.hash) FROM "
                "pg_catalog.jsonb_to_recordset($3::jsonb) AS x(hash text, event text) ON CONFLICT DO NOTHING "
                "RETURNING id",
                {system, result.from, events})
            .size();
    const std::string forbidden = all.at("forbidden").dump();
    result.forbidden = all.at("forbidden").size();
    result.new_forbidden =
        transaction
            .exec(
                "INSERT INTO switchback.forbidden (hash, plan, reason, origin) SELECT x.hash, x.plan, x.reason, "
                "$1::text FROM pg_catalog.jsonb_to_recordset($2::jsonb) AS x(hash text, plan text, reason text) ON "
                "CONFLICT DO NOTHING RETURNING hash",
                {result.from, forbidden})
            .size();
  } catch (const json::exception&) {
    refuse_import("something is missing or of another kind");
  } catch (const Error& error) {
    if (error.remedy() != Remedy::data) throw;
    refuse_import(error.what());
  }
  add_event(session, actor, std::nullopt, "imported", "", "", "the journal of " + result.from,
            json{{"forbidden", result.new_forbidden}, {"events", result.new_events}}.dump());
  transaction.commit();
  return result;
}

std::vector<EventRecord> imported_events(ports::Session& session) {
  const auto rows = session.exec(
      "SELECT database, line FROM switchback.imported_event ORDER BY database, "
      "system_identifier, id");
  std::vector<EventRecord> events;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const json line = json::parse(rows.text(i, 1));
    const auto text = [&](std::size_t place) {
      return line.at(place).is_string() ? line.at(place).get<std::string>() : std::string();
    };
    EventRecord& event = events.emplace_back();
    event.id = line.at(0).get<std::int64_t>();
    event.plan = text(2).empty() ? rows.text(i, 0) : rows.text(i, 0) + ": " + text(2);
    std::string* const fields[] = {&event.at,      &event.kind, &event.from,   &event.to, &event.role,
                                   &event.os_user, &event.host, &event.reason, &event.lsn};
    for (std::size_t place = 0; place < std::size(fields); ++place) *fields[place] = text(place + 3);
    event.detail = line.at(12).dump();
    event.pipeline = text(13);
    event.previous = line.at(14).get<std::vector<std::string>>();
    event.hash = text(15);
  }
  return events;
}

}  // namespace switchback::engine
