#include "switchback/engine/brownout.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "brownout_cron.hpp"
#include "switchback/core/error.hpp"
#include "switchback/core/structure.hpp"
#include "switchback/core/units.hpp"
#include "switchback/engine/privileges.hpp"

namespace switchback::engine {
namespace {

using nlohmann::json;

/// The table and all that inherit from it.
constexpr const char* whole_tree = R"sql(
WITH RECURSIVE tree(oid) AS (
  SELECT pg_catalog.to_regclass($1)::oid UNION
  SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN tree t ON i.inhparent = t.oid)
SELECT c.oid, a.attnum, n.nspname, c.relname, c.relacl IS NULL, pg_catalog.pg_get_userbyid(c.relowner)
FROM tree t JOIN pg_catalog.pg_class c ON c.oid = t.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = $2 AND NOT a.attisdropped
ORDER BY c.oid)sql";

struct Hidden {
  std::uint32_t relation = 0;
  TableName table;
  std::set<int> columns;
  bool implicit = false;  ///< relacl is NULL
  std::string owner;
};

std::vector<Hidden> hidden_columns(ports::Session& session, const std::vector<const DropColumn*>& columns) {
  std::map<std::uint32_t, Hidden> found;
  for (const DropColumn* column : columns) {
    const auto rows = session.exec(whole_tree, {quoted(column->table), column->name});
    if (rows.empty())
      throw Error(Exit::drift, Remedy::person, "there is no column " + shown(column->table) + "." + shown(column->name),
                  "see history for what changed it");
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto relation = static_cast<std::uint32_t>(rows.integer(i, 0));
      Hidden& hidden = found[relation];
      hidden.relation = relation;
      hidden.table = {rows.text(i, 2), rows.text(i, 3)};
      hidden.columns.insert(static_cast<int>(rows.integer(i, 1)));
      hidden.implicit = rows.boolean(i, 4);
      hidden.owner = rows.text(i, 5);
    }
  }
  std::vector<Hidden> out;
  out.reserve(found.size());
  for (auto& [relation, hidden] : found) out.push_back(std::move(hidden));
  return out;
}

std::string shown_column(const DropColumn& column) {
  return shown(Structure{Structure::Kind::column, column.table, column.name});
}

[[noreturn]] void refuse_inexact(const Hidden& hidden, const std::string& why) {
  const std::string table = shown(hidden.table);
  if (hidden.implicit)
    throw Error(Exit::refused, Remedy::person,
                "the privileges on " + table +
                    " could not be given back exactly: they are implicit (relacl is NULL), "
                    "and only a superuser can make them so again",
                "GRANT SELECT ON TABLE " + quoted(hidden.table) + " TO " + quote_identifier(hidden.owner) +
                    " makes them explicit; or contract: { brownout: none }");
  throw Error(Exit::refused, Remedy::person, "the privileges on " + table + " could not be given back exactly" + why,
              "run as their grantors may be acted for (GRANT the granting roles TO the role that runs plans), or "
              "contract: { brownout: none }");
}

/// Revokes and gives back, and rolls that back: nobody sees it. What it shows holds for the revoke that follows, and so
/// do the statements that give back, which it appends.
void rehearse(ports::Session& session, const Hidden& hidden, const TableAcl& before, const TableAcl& during,
              std::vector<std::string>& statements) {
  session.exec("SAVEPOINT rehearsal");
  bool exact = false;
  std::string why;
  try {
    exact = reach_acl(session, during) && reach_acl(session, before, &statements);
  } catch (const Error& error) {
    if (error.remedy() == Remedy::retry || error.remedy() == Remedy::reconnect) throw;
    why = std::string(": ") + error.what();
  }
  session.exec("ROLLBACK TO SAVEPOINT rehearsal; RELEASE SAVEPOINT rehearsal");
  if (!exact) refuse_inexact(hidden, why);
}

/// Two statements: who waits for the other's transaction must see what it committed.
void refuse_second(ports::Session& session) {
  session.exec("LOCK TABLE switchback.brownout IN SHARE ROW EXCLUSIVE MODE");
  const auto other = session.exec(
      "SELECT p.name FROM switchback.brownout b JOIN switchback.plan p ON p.id = b.plan_id WHERE b.undone_at IS NULL");
  if (!other.empty())
    throw Error(Exit::not_yet, Remedy::person, "the plan " + other.text(0, 0) + " has a brownout under way",
                "there is one at a time in a database; this one begins when that is undone");
}

std::string words(ports::Session& session, const TableAcl& now, const AclChange& change) {
  std::string privileges;
  for (const std::string& one : change.privileges) privileges += (privileges.empty() ? "" : ", ") + one;
  const auto named = session.exec(
      "SELECT n.nspname, c.relname, a.attname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = "
      "c.relnamespace LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = $2 AND $2 <> 0 WHERE "
      "c.oid = $1::oid",
      {std::to_string(now.relation), std::to_string(change.column)});
  std::string role = std::to_string(change.grantee);
  if (const auto roles = role_oids(session); change.grantee == public_role || roles.contains(change.grantee))
    role = role_name(session, change.grantee);
  return privileges + " on " + shown(TableName{named.text(0, 0), named.text(0, 1)}) +
         (named.at(0, 2) ? "." + shown(named.text(0, 2)) : "") +
         (change.granted ? " was granted to " : " was revoked from ") + role;
}

/// Whether somebody revoked what stood in for a privilege that is given back now.
bool is_ours(const AclChange& change, const TableAcl& before, const TableAcl& during) {
  const auto of = [&](const TableAcl& acl) {
    Privileges out;
    const auto found = acl.columns.find(change.column);
    if (found != acl.columns.end() && found->second)
      for (const AclEntry& entry : *found->second)
        if (entry.grantee == change.grantee) out.insert(entry.privileges.begin(), entry.privileges.end());
    return out;
  };
  if (change.column == 0 || change.granted) return false;
  const Privileges was = of(before), made = of(during);
  return std::ranges::any_of(change.privileges,
                             [&](const std::string& one) { return made.contains(one) && !was.contains(one); });
}

/// What others did, one sentence each; one for all columns of a table where it is the same.
std::vector<std::string> meanwhile(ports::Session& session, const TableAcl& before, const TableAcl& during,
                                   const TableAcl& now) {
  std::vector<std::string> out;
  std::set<std::pair<RoleOid, Privileges>> told;
  for (const AclChange& change : changes(during, now)) {
    const bool ours = is_ours(change, before, during);
    if (ours && !told.insert({change.grantee, change.privileges}).second) continue;
    out.push_back(words(session, now, change) + " meanwhile: " +
                  (ours ? "what the role had before the brownout is back; revoke it again if that was meant" : "kept"));
  }
  return out;
}

std::vector<std::string> give_back(ports::Session& session, const json& tables) {
  std::vector<std::string> notes;
  for (const json& table : tables) {
    const TableAcl before = acl_from_json(table.at("before").get<std::string>());
    const TableAcl during = acl_from_json(table.at("during").get<std::string>());
    if (session.exec("SELECT 1 FROM pg_catalog.pg_class WHERE oid = $1::oid", {std::to_string(before.relation)})
            .empty()) {
      notes.push_back("a table of it is gone");
      continue;
    }
    const TableAcl now = read_acl(session, before.relation);
    for (std::string& note : meanwhile(session, before, during, now)) notes.push_back(std::move(note));
    if (!reach_acl(session, given_back(before, during, now, role_oids(session))))
      notes.push_back("the grantors of some privileges are not as they were, or stand in another order");
  }
  return notes;
}

}  // namespace

std::vector<TableName> browned_tables(ports::Session& session, const std::vector<const DropColumn*>& columns) {
  std::vector<TableName> out;
  for (const Hidden& hidden : hidden_columns(session, columns)) out.push_back(hidden.table);
  return out;
}

std::vector<std::string> brownout_objections(ports::Session& session, const std::vector<const DropColumn*>& columns) {
  std::vector<std::string> out;
  for (const Hidden& hidden : hidden_columns(session, columns))
    for (const int column : hidden.columns) {
      const auto keys = session.exec(
          "SELECT conname FROM pg_catalog.pg_constraint WHERE contype = 'f' AND (conrelid = $1::oid AND $2::int2 = ANY "
          "(conkey) OR confrelid = $1::oid AND $2::int2 = ANY (confkey)) ORDER BY conname",
          {std::to_string(hidden.relation), std::to_string(column)});
      for (std::size_t i = 0; i < keys.size(); ++i)
        out.push_back("the foreign key " + keys.text(i, 0) + " of " + shown(hidden.table) +
                      " is checked with the owner's privileges: writes that have nothing to do with the column would "
                      "be refused");
    }
  return out;
}

std::int64_t begin_brownout(ports::Session& session, const Actor& actor, const BrownoutOrder& order) {
  const std::string plan = std::to_string(order.plan);
  const auto there =
      session.exec("SELECT id FROM switchback.brownout WHERE plan_id = $1 AND undone_at IS NULL", {plan});
  if (!there.empty()) return there.integer(0, 0);
  refuse_second(session);
  std::vector<std::string> names;
  for (const DropColumn* column : order.columns) names.push_back(shown_column(*column));
  json tables = json::array();
  std::vector<std::string> statements;
  for (const Hidden& hidden : hidden_columns(session, order.columns)) {
    const TableAcl before = read_acl(session, hidden.relation);
    const TableAcl during = without_columns(before, hidden.columns);
    rehearse(session, hidden, before, during, statements);
    if (!reach_acl(session, during)) refuse_inexact(hidden, "");
    tables.push_back({{"before", acl_to_json(before)}, {"during", acl_to_json(read_acl(session, hidden.relation))}});
  }
  const auto within = undone_within(order.length);
  const auto rows = session.exec(
      "INSERT INTO switchback.brownout (plan_id, columns, seconds, deadline, guard, privileges) SELECT $1::bigint, "
      "ARRAY(SELECT pg_catalog.jsonb_array_elements_text($2::jsonb)), $3::int, pg_catalog.clock_timestamp() + "
      "$4::float8 "
      "* interval '1 millisecond', $5, $6::jsonb RETURNING id",
      {plan, json(names).dump(), std::to_string(order.length.count()), std::to_string(within.count()), order.guard,
       tables.dump()});
  const bool by_cron = schedule_undo(session, rows.integer(0, 0), statements);
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
  add_event(session, actor, order.plan, "brownout_begun", "migrated", "migrated",
            all + " for " + show_duration(order.length) + "; undone by " + order.guard + " if this runner dies" +
                (by_cron ? ", or by pg_cron" : ""),
            json{{"id", rows.integer(0, 0)}, {"columns", names}, {"seconds", order.length.count()}}.dump());
  return rows.integer(0, 0);
}

std::vector<Undone> undo_brownouts(ports::Session& session, const Actor& actor, std::optional<PlanId> plan,
                                   bool overdue, const std::string& by) {
  std::vector<Undone> out;
  for (;;) {
    ports::Transaction transaction(session);
    const auto row = transaction.exec(
        "SELECT id, plan_id, privileges FROM switchback.brownout WHERE undone_at IS NULL AND ($1::bigint IS NULL OR "
        "plan_id = $1::bigint) AND ($2 = 'f' OR deadline < pg_catalog.clock_timestamp()) ORDER BY id LIMIT 1 FOR "
        "UPDATE",
        {plan ? ports::Value(std::to_string(*plan)) : ports::Value(), overdue ? "t" : "f"});
    if (row.empty()) return out;
    Undone undone{row.integer(0, 0), give_back(session, json::parse(row.text(0, 2)))};
    transaction.exec(
        "UPDATE switchback.brownout SET undone_at = pg_catalog.clock_timestamp(), undone_by = $2, detail = "
        "pg_catalog.jsonb_build_object('notes', $3::jsonb) WHERE id = $1",
        {std::to_string(undone.id), by, json(undone.notes).dump()});
    std::string reason = "by " + by;
    for (const std::string& note : undone.notes) reason += "; " + note;
    add_event(session, actor, row.integer(0, 1), "brownout_undone", "migrated", "migrated", reason,
              json{{"id", undone.id}, {"notes", undone.notes}}.dump());
    transaction.commit();
    out.push_back(std::move(undone));
  }
}

void refuse_browned(ports::Session& session, const std::string& plan, const std::vector<TableName>& tables,
                    const std::string& since) {
  const auto others = session.exec(
      "SELECT p.name, b.privileges FROM switchback.brownout b JOIN switchback.plan p ON p.id = b.plan_id "
      "WHERE p.name <> $1 AND (b.undone_at IS NULL OR b.undone_at >= $2::timestamptz)",
      {plan, since});
  for (std::size_t i = 0; i < others.size(); ++i)
    for (const json& browned : json::parse(others.text(i, 1)))
      for (const TableName& table : tables)
        if (session
                .exec("SELECT pg_catalog.to_regclass($1)::oid = $2::oid",
                      {quoted(table), std::to_string(acl_from_json(browned.at("before").get<std::string>()).relation)})
                .text(0, 0) == "t")
          throw Error(Exit::not_yet, Remedy::person,
                      "the plan " + others.text(i, 0) + " has a brownout of " + shown(table) +
                          " under way: its privileges cannot be told just now",
                      "run it again when that is undone: switchback status " + others.text(i, 0));
}

void settle_brownout(ports::Session& session, std::int64_t id, BrownoutOutcome outcome, const std::string& detail) {
  session.exec("UPDATE switchback.brownout SET outcome = $2, detail = detail || $3::jsonb WHERE id = $1",
               {std::to_string(id), std::string(name(outcome)), detail});
}

BrownoutHistory brownout_history(ports::Session& session, PlanId plan) {
  const auto rows = session.exec(
      "SELECT b.seconds, b.outcome, (extract(epoch FROM pg_catalog.clock_timestamp() - b.undone_at) * 1000)::bigint "
      "FROM switchback.brownout b JOIN switchback.plan p ON p.id = b.plan_id WHERE b.plan_id = $1 AND b.begun_at >= "
      "p.state_since AND b.undone_at IS NOT NULL ORDER BY b.id",
      {std::to_string(plan)});
  BrownoutHistory out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    out.past.push_back({std::chrono::seconds(rows.integer(i, 0)),
                        brownout_outcome_named(rows.text(i, 1)).value_or(BrownoutOutcome::cut_short)});
    out.since_last = std::chrono::milliseconds(rows.integer(i, 2));
  }
  return out;
}

std::vector<std::string> unstoppable_roles(ports::Session& session, PlanId plan) {
  const auto rows = session.exec(R"sql(
SELECT r.rolname FROM pg_catalog.pg_roles r
WHERE (r.rolsuper OR EXISTS (SELECT FROM pg_catalog.pg_roles g WHERE g.rolname IN ('pg_read_all_data', 'pg_write_all_data')
                             AND pg_catalog.pg_has_role(r.oid, g.oid, 'USAGE')))
  AND (EXISTS (SELECT FROM switchback.usage_session s WHERE s.plan_id = $1 AND s.role = r.rolname
               AND s.application NOT LIKE 'switchback%')
       OR EXISTS (SELECT FROM pg_catalog.pg_stat_activity a WHERE a.usesysid = r.oid AND a.datname = pg_catalog.current_database()
                  AND a.application_name NOT LIKE 'switchback%'))
ORDER BY r.rolname)sql",
                                 {std::to_string(plan)});
  std::vector<std::string> out;
  for (std::size_t i = 0; i < rows.size(); ++i) out.push_back(rows.text(i, 0));
  return out;
}

}  // namespace switchback::engine
