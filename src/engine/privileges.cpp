#include "switchback/engine/privileges.hpp"

#include <nlohmann/json.hpp>

#include "switchback/core/error.hpp"
#include "switchback/core/sql.hpp"

namespace switchback::engine {
namespace {

using nlohmann::json;

RoleOid oid(const ports::Rows& rows, std::size_t row, std::size_t column) {
  return static_cast<RoleOid>(rows.integer(row, column));
}

/// One row a privilege, or one without a privilege for an object that has none. In the order of the arrays.
constexpr const char* all_entries = R"sql(
SELECT o.attnum, o.is_null, u.ord, e.grantee, e.grantor, e.privilege_type, e.is_grantable
FROM (SELECT 0 AS attnum, relacl IS NULL AS is_null, relacl AS acl FROM pg_catalog.pg_class WHERE oid = $1::oid
      UNION ALL SELECT -1000, false, pg_catalog.acldefault('r', relowner) FROM pg_catalog.pg_class WHERE oid = $1::oid
      UNION ALL SELECT attnum, attacl IS NULL, attacl FROM pg_catalog.pg_attribute WHERE attrelid = $1::oid AND NOT attisdropped) o
LEFT JOIN LATERAL pg_catalog.unnest(o.acl) WITH ORDINALITY u(item, ord) ON true
LEFT JOIN LATERAL pg_catalog.aclexplode(CASE WHEN u.item IS NOT NULL THEN ARRAY[u.item] END) e ON true
ORDER BY o.attnum, u.ord)sql";
constexpr int defaults_row = -1000;

/// Statements on one table, each as its grantor.
class Granting {
 public:
  Granting(ports::Session& session, std::uint32_t relation, std::vector<std::string>* statements)
      : session_(session), statements_(statements) {
    const auto rows = session.exec(
        "SELECT n.nspname, c.relname, c.relowner, pg_catalog.current_setting('role'), r.rolsuper, r.oid FROM "
        "pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace, pg_catalog.pg_roles r WHERE "
        "c.oid = $1::oid AND r.rolname = current_user",
        {std::to_string(relation)});
    if (rows.empty()) throw Error(Exit::drift, Remedy::person, "the table is gone");
    table_ = quoted(TableName{rows.text(0, 0), rows.text(0, 1)});
    owner_ = oid(rows, 0, 2);
    usual_role_ = rows.text(0, 3);
    superuser_ = rows.boolean(0, 4);
    we_ = oid(rows, 0, 5);
    const auto names = session.exec(
        "SELECT attnum, attname FROM pg_catalog.pg_attribute WHERE attrelid = $1::oid AND NOT attisdropped",
        {std::to_string(relation)});
    for (std::size_t i = 0; i < names.size(); ++i)
      columns_[static_cast<int>(names.integer(i, 0))] = quote_identifier(names.text(i, 1));
  }

  bool superuser() const { return superuser_; }

  void run(const AclMove& move, const std::vector<int>& columns) {
    std::vector<std::string> names;
    names.reserve(columns.size());
    for (const int column : columns) names.push_back(columns_.at(column));
    act_as(move.grantor);
    execute(acl_statement(move, table_, names, role_name(session_, move.grantee)));
    act_as(we_);
  }

  void execute(const std::string& statement) {
    if (statements_ != nullptr) statements_->push_back(statement);
    try {
      session_.exec(statement);
    } catch (const Error& error) {
      // "tuple concurrently updated": somebody else's GRANT, or a change of the same table's catalog row.
      if (error.sqlstate() != "XX000") throw;
      throw Error(error.exit(), Remedy::retry, error.what(), error.hint(), error.sqlstate());
    }
  }

 private:
  /// A superuser's GRANT is the owner's (documentation of GRANT, "Notes").
  void act_as(RoleOid role) {
    if (superuser_ && role == owner_) role = we_;
    if (role == acting_as_.value_or(we_)) return;
    const std::string usual = usual_role_ == "none" ? "NONE" : quote_identifier(usual_role_);
    execute("SET LOCAL ROLE " + (role == we_ ? usual : role_name(session_, role)));
    acting_as_ = role;
  }

  ports::Session& session_;
  std::vector<std::string>* statements_;
  std::string table_, usual_role_;
  RoleOid owner_ = 0, we_ = 0;
  std::optional<RoleOid> acting_as_;
  bool superuser_ = false;
  std::map<int, std::string> columns_;
};

bool has_wanted(const TableAcl& now, const TableAcl& wanted) {
  if (now.table != wanted.table) return false;
  for (const auto& [column, acl] : now.columns) {
    const auto found = wanted.columns.find(column);
    if (found != wanted.columns.end() && found->second != acl) return false;
  }
  return true;
}

std::map<int, std::vector<AclMove>> moves_of(const TableAcl& now, const TableAcl& wanted) {
  std::map<int, std::vector<AclMove>> out;
  for (const auto& [column, acl] : now.columns)
    if (const auto found = wanted.columns.find(column); found != wanted.columns.end())
      out[column] = moves(acl.value_or(Acl{}), found->second.value_or(Acl{}));
  return out;
}

json to_json(const Acl& acl) {
  json list = json::array();
  for (const AclEntry& entry : acl)
    list.push_back({{"grantee", entry.grantee},
                    {"grantor", entry.grantor},
                    {"privileges", entry.privileges},
                    {"grantable", entry.grantable}});
  return list;
}

Acl acl_from(const json& list) {
  Acl acl;
  for (const json& one : list)
    acl.push_back({one.at("grantee").get<RoleOid>(), one.at("grantor").get<RoleOid>(),
                   one.at("privileges").get<Privileges>(), one.at("grantable").get<Privileges>()});
  return acl;
}

}  // namespace

TableAcl read_acl(ports::Session& session, std::uint32_t relation) {
  const auto owner =
      session.exec("SELECT relowner FROM pg_catalog.pg_class WHERE oid = $1::oid", {std::to_string(relation)});
  if (owner.empty()) throw Error(Exit::drift, Remedy::person, "the table is gone");
  TableAcl out;
  out.relation = relation;
  out.owner = oid(owner, 0, 0);
  const auto rows = session.exec(all_entries, {std::to_string(relation)});
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const int column = static_cast<int>(rows.integer(i, 0));
    Acl* acl = nullptr;
    if (column == defaults_row) {
      acl = &out.defaults;
    } else {
      std::optional<Acl>& object = column == 0 ? out.table : out.columns[column];
      if (rows.boolean(i, 1)) continue;
      if (!object) object.emplace();
      acl = &*object;
    }
    if (!rows.at(i, 5)) continue;
    const bool same_item = i > 0 && rows.integer(i - 1, 0) == column && rows.at(i - 1, 2) == rows.at(i, 2);
    if (!same_item) acl->push_back({oid(rows, i, 3), oid(rows, i, 4), {}, {}});
    acl->back().privileges.insert(rows.text(i, 5));
    if (rows.boolean(i, 6)) acl->back().grantable.insert(rows.text(i, 5));
  }
  return out;
}

bool reach_acl(ports::Session& session, const TableAcl& wanted, std::vector<std::string>* statements) {
  Granting granting(session, wanted.relation, statements);
  const Acl& table = wanted.table ? *wanted.table : wanted.defaults;
  // A REVOKE takes what was granted on from it along, so that a second round may find something left to do.
  for (int round = 0; round < 3; ++round) {
    TableAcl now = read_acl(session, wanted.relation);
    if (has_wanted(now, wanted)) return true;
    // While they may: a grantor whose own right comes from the table loses it with the next statement.
    for (const ColumnMove& move : column_moves(moves_of(now, wanted)))
      if (!move.move.grant && move.move.grantor != now.owner) granting.run(move.move, move.columns);
    const std::vector<AclMove> on_table = moves(now.table.value_or(now.defaults), table);
    for (const AclMove& move : on_table) granting.run(move, {});
    now = read_acl(session, wanted.relation);  // a REVOKE on the table revokes on its columns too
    const std::vector<ColumnMove> on_columns = column_moves(moves_of(now, wanted));
    for (const ColumnMove& move : on_columns) granting.run(move.move, move.columns);
    if (on_table.empty() && on_columns.empty()) break;
  }
  if (!wanted.table && granting.superuser())
    granting.execute("UPDATE pg_catalog.pg_class SET relacl = NULL WHERE oid = " + std::to_string(wanted.relation) +
                     " AND relacl = pg_catalog.acldefault('r', relowner)");
  return has_wanted(read_acl(session, wanted.relation), wanted);
}

std::set<RoleOid> role_oids(ports::Session& session) {
  const auto rows = session.exec("SELECT oid FROM pg_catalog.pg_roles");
  std::set<RoleOid> out;
  for (std::size_t i = 0; i < rows.size(); ++i) out.insert(oid(rows, i, 0));
  return out;
}

std::string role_name(ports::Session& session, RoleOid role) {
  if (role == public_role) return "PUBLIC";
  const auto rows = session.exec("SELECT rolname FROM pg_catalog.pg_roles WHERE oid = $1::oid", {std::to_string(role)});
  if (rows.empty()) throw Error(Exit::drift, Remedy::person, "the role " + std::to_string(role) + " is gone");
  return quote_identifier(rows.text(0, 0));
}

std::string acl_to_json(const TableAcl& acl) {
  json columns = json::object();
  for (const auto& [column, entries] : acl.columns)
    columns[std::to_string(column)] = entries ? to_json(*entries) : json(nullptr);
  return json{{"relation", acl.relation},
              {"owner", acl.owner},
              {"table", acl.table ? to_json(*acl.table) : json(nullptr)},
              {"defaults", to_json(acl.defaults)},
              {"columns", columns}}
      .dump();
}

TableAcl acl_from_json(const std::string& text) {
  const json object = json::parse(text);
  TableAcl out;
  out.relation = object.at("relation").get<std::uint32_t>();
  out.owner = object.at("owner").get<RoleOid>();
  if (!object.at("table").is_null()) out.table = acl_from(object.at("table"));
  out.defaults = acl_from(object.at("defaults"));
  for (const auto& [column, entries] : object.at("columns").items())
    out.columns[std::stoi(column)] = entries.is_null() ? std::optional<Acl>() : acl_from(entries);
  return out;
}

}  // namespace switchback::engine
