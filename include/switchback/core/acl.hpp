/// Privileges of a table and its columns, as the catalog keeps them (pg_class.relacl, pg_attribute.attacl). Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace switchback {

using RoleOid = std::uint32_t;
inline constexpr RoleOid public_role = 0;  ///< as aclexplode shows PUBLIC

using Privileges = std::set<std::string>;  ///< by SQL name: "SELECT", "UPDATE" …

/// One aclitem.
struct AclEntry {
  RoleOid grantee = public_role;
  RoleOid grantor = public_role;
  Privileges privileges;
  Privileges grantable;  ///< of those, with grant option
  bool operator==(const AclEntry&) const = default;
};
/// In the array's order, which is kept: equal values are equal bytes.
using Acl = std::vector<AclEntry>;

/// One table with its columns. Empty optionals are NULL in the catalog, which is not the same as what it stands for.
struct TableAcl {
  std::uint32_t relation = 0;
  RoleOid owner = 0;
  std::optional<Acl> table;
  Acl defaults;                               ///< what a NULL of the table stands for (acldefault)
  std::map<int, std::optional<Acl>> columns;  ///< by attnum, system columns too; dropped ones are left out
  bool operator==(const TableAcl&) const = default;
};

/// The privileges that there are for columns too; a table's covers every column.
const Privileges& column_privileges();

/// As `before`, but nobody has any privilege on `hidden`, and everything else that was allowed is allowed still:
/// a table's SELECT, INSERT, UPDATE and REFERENCES become the same on every other column (SELECT on the system columns
/// too: ctid and xmin are read by applications). The grantor of these is the owner.
TableAcl without_columns(const TableAcl& before, const std::set<int>& hidden);

/// What the privileges should be again, when they were `before`, were made `during`, and are `now`: what was taken is
/// given back, what was given meanwhile in its place goes, and whatever else anybody changed stays. `now == during`
/// gives `before` itself, order and NULLs too. Columns that are gone are left out; entries that name a role not in
/// `roles` (nor PUBLIC) are too. An owner that changed takes the old one's place.
TableAcl given_back(const TableAcl& before, const TableAcl& during, const TableAcl& now,
                    const std::set<RoleOid>& roles);

/// One GRANT or REVOKE on one object.
struct AclMove {
  bool grant = true;
  bool option = false;  ///< grant: WITH GRANT OPTION; revoke: GRANT OPTION FOR
  RoleOid grantee = public_role;
  RoleOid grantor = public_role;
  Privileges privileges;
  auto operator<=>(const AclMove&) const = default;
};
/// What makes `to` of `from`, in the same order of entries: the server changes an entry in its place, drops one that
/// becomes empty, and appends a new one (aclupdate in acl.c).
std::vector<AclMove> moves(const Acl& from, const Acl& to);

/// The same moves for several columns, with the fewest statements that keep each column's own order.
struct ColumnMove {
  AclMove move;
  std::vector<int> columns;
};
std::vector<ColumnMove> column_moves(const std::map<int, std::vector<AclMove>>& moves);

/// The statement. `table` is quoted; `columns` are quoted names, empty for the table itself; `grantee` is quoted or
/// PUBLIC.
std::string acl_statement(const AclMove& move, const std::string& table, const std::vector<std::string>& columns,
                          const std::string& grantee);

/// What somebody did between two looks; attnum 0 is the table.
struct AclChange {
  int column = 0;
  bool granted = true;
  RoleOid grantee = public_role;
  Privileges privileges;
  auto operator<=>(const AclChange&) const = default;
};
std::vector<AclChange> changes(const TableAcl& from, const TableAcl& to);

}  // namespace switchback
