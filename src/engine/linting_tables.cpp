#include "linting_parts.hpp"
#include "published.hpp"
#include "switchback/engine/steps.hpp"

namespace switchback::engine {
namespace {

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\x1f', at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

// The table with everything that holds its rows. reltuples of a table that nobody has analysed: -1, before 14 0.
constexpr const char* table_sql = R"sql(
WITH RECURSIVE family(oid) AS (SELECT $1::oid UNION SELECT h.inhrelid FROM pg_catalog.pg_inherits h JOIN family f ON f.oid = h.inhparent),
leaf AS (SELECT c.* FROM family f JOIN pg_catalog.pg_class c ON c.oid = f.oid AND c.relkind = 'r')
SELECT coalesce(sum(pg_catalog.pg_total_relation_size(l.oid)), 0)::bigint,
  coalesce(bool_and(l.reltuples >= 0 AND (l.reltuples > 0 OR l.relpages = 0)), true),
  NOT coalesce(bool_or(EXISTS (SELECT FROM unnest(l.reloptions) o WHERE o ~* '^autovacuum_enabled=(f|false|off|no|n|0)$')), false),
  coalesce(bool_and((SELECT m.amname = 'heap' FROM pg_catalog.pg_am m WHERE m.oid = l.relam)), true),
  coalesce(max(pg_catalog.age(l.relfrozenxid)::float8 / pg_catalog.current_setting('autovacuum_freeze_max_age')::float8), 0),
  coalesce(bool_and(l.relreplident IN ('f', 'i') OR l.relreplident = 'd' AND EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = l.oid AND i.indisprimary)), true)
FROM leaf l)sql";

std::string publishing_sql(bool schemas) {
  return std::string(
             "WITH RECURSIVE down AS (SELECT $1::oid AS oid UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN "
             "down d ON d.oid = i.inhparent), up AS (SELECT $1::oid AS oid UNION SELECT i.inhparent FROM "
             "pg_catalog.pg_inherits i JOIN up u ON u.oid = i.inhrelid), family AS (SELECT oid FROM down UNION SELECT "
             "oid FROM up) SELECT p.pubname FROM pg_catalog.pg_publication p WHERE p.pubupdate AND (p.puballtables OR "
             "EXISTS (SELECT FROM pg_catalog.pg_publication_rel r JOIN family f ON f.oid = r.prrelid WHERE r.prpubid = "
             "p.oid)") +
         (schemas ? " OR EXISTS (SELECT FROM pg_catalog.pg_publication_namespace n JOIN pg_catalog.pg_class c ON "
                    "c.relnamespace = n.pnnspid JOIN family f ON f.oid = c.oid WHERE n.pnpubid = p.oid)"
                  : "") +
         ") ORDER BY 1";
}

// tgtype (pg_trigger.h): 1 row, 2 before, 16 update.
constexpr const char* triggers_sql = R"sql(
SELECT g.tgname, g.tgtype & 3 = 3,
  (SELECT pg_catalog.string_agg(a.attname, E'\x1f') FROM unnest(g.tgattr::int2[]) u(number) JOIN pg_catalog.pg_attribute a ON a.attrelid = g.tgrelid AND a.attnum = u.number),
  pg_catalog.format('%I.%I', n.nspname, p.proname), p.prosrc
FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_proc p ON p.oid = g.tgfoid JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE g.tgrelid = $1::oid AND NOT g.tgisinternal AND g.tgenabled <> 'D' AND g.tgname NOT LIKE '~switchback%' ORDER BY g.tgname)sql";

void read_details(ports::Session& session, LintTable& table) {
  const std::string oid = std::to_string(table.facts.oid);
  const auto row = session.exec(table_sql, {oid});
  table.total_bytes = row.integer(0, 0);
  table.analysed = row.boolean(0, 1);
  table.autovacuum = row.boolean(0, 2);
  table.heap = row.boolean(0, 3);
  table.frozen_share = row.number(0, 4);
  table.identified = row.boolean(0, 5);
  const auto publishing = session.exec(publishing_sql(session.server_version() >= 150000), {oid});
  for (std::size_t i = 0; i < publishing.size(); ++i) table.updates_published.push_back(publishing.text(i, 0));
  table.columns_published = widening_publications(session, table.facts.name);
  const auto triggers = session.exec(triggers_sql, {oid});
  for (std::size_t i = 0; i < triggers.size(); ++i)
    table.triggers.push_back({triggers.text(i, 0), triggers.boolean(i, 1), words_of(triggers.text(i, 2)),
                              triggers.text(i, 3), triggers.text(i, 4)});
  // Of a table with heirs there are two rows a column, and that of all of them counts.
  const auto shares = session.exec(
      "SELECT DISTINCT ON (attname) attname, null_frac FROM pg_catalog.pg_stats WHERE schemaname = $1 AND tablename = "
      "$2 ORDER BY attname, inherited DESC",
      {table.facts.name.schema, table.facts.name.name});
  for (std::size_t i = 0; i < shares.size(); ++i) table.null_share[shares.text(i, 0)] = shares.number(i, 1);
}

}  // namespace

void read_lint_tables(ports::Session& session, ports::Catalog& catalog, const Plan& plan, LintFacts& facts) {
  std::vector<TableName> names = tables_of(plan);
  for (const Step& step : plan.contract.steps)
    if (const auto* drop = std::get_if<DropTable>(&step.action)) names.push_back(drop->name);
  for (const TableName& name : names) {
    LintTable table;
    try {
      const auto found = catalog.table(session, name);
      if (!found) continue;  // try_plan says so
      table.facts = *found;
    } catch (const Error& error) {
      if (error.exit() != Exit::invalid) throw;
      continue;
    }
    read_details(session, table);
    facts.tables[name] = std::move(table);
  }
}

}  // namespace switchback::engine
