#include "switchback/core/acl.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "switchback/core/sql.hpp"

namespace switchback {
namespace {

Privileges minus(const Privileges& a, const Privileges& b) {
  Privileges out;
  std::ranges::set_difference(a, b, std::inserter(out, out.end()));
  return out;
}
Privileges both(const Privileges& a, const Privileges& b) {
  Privileges out;
  std::ranges::set_intersection(a, b, std::inserter(out, out.end()));
  return out;
}
Privileges either(Privileges a, const Privileges& b) {
  a.insert(b.begin(), b.end());
  return a;
}

using Key = std::pair<RoleOid, RoleOid>;

Key key_of(const AclEntry& entry) {
  return {entry.grantee, entry.grantor};
}

AclEntry entry_of(const Acl& acl, const Key& key) {
  for (const AclEntry& entry : acl)
    if (key_of(entry) == key) return entry;
  return {key.first, key.second, {}, {}};
}

/// Adds to the entry of the same grantee and grantor, or appends one.
void add(Acl& acl, const AclEntry& more) {
  for (AclEntry& entry : acl)
    if (key_of(entry) == key_of(more)) {
      entry.privileges.insert(more.privileges.begin(), more.privileges.end());
      entry.grantable.insert(more.grantable.begin(), more.grantable.end());
      return;
    }
  acl.push_back(more);
}

std::optional<Acl> or_null(Acl acl) {
  return acl.empty() ? std::nullopt : std::optional(std::move(acl));
}

/// As ALTER TABLE … OWNER TO does it (aclnewowner in acl.c).
Acl with_owner(const Acl& acl, RoleOid from, RoleOid to) {
  Acl out;
  for (AclEntry entry : acl) {
    if (entry.grantee == from) entry.grantee = to;
    if (entry.grantor == from) entry.grantor = to;
    add(out, entry);
  }
  return out;
}

void put_owner(TableAcl& acl, RoleOid owner) {
  if (acl.owner == owner) return;
  if (acl.table) acl.table = with_owner(*acl.table, acl.owner, owner);
  acl.defaults = with_owner(acl.defaults, acl.owner, owner);
  for (auto& [column, entries] : acl.columns)
    if (entries) entries = with_owner(*entries, acl.owner, owner);
  acl.owner = owner;
}

/// Of one object.
std::optional<Acl> merged(const std::optional<Acl>& before, const std::optional<Acl>& during,
                          const std::optional<Acl>& now, const Acl& defaults, bool is_table) {
  if (now == during) return before;
  const Acl was = before.value_or(defaults), made = during.value_or(defaults), is = now.value_or(defaults);
  std::vector<Key> keys;
  for (const Acl* acl : {&was, &is})
    for (const AclEntry& entry : *acl)
      if (std::ranges::find(keys, key_of(entry)) == keys.end()) keys.push_back(key_of(entry));
  Acl out;
  for (const Key& key : keys) {
    const AclEntry b = entry_of(was, key), d = entry_of(made, key), n = entry_of(is, key);
    AclEntry entry{key.first, key.second, {}, {}};
    entry.privileges =
        either(minus(n.privileges, minus(d.privileges, b.privileges)), minus(b.privileges, d.privileges));
    entry.grantable = either(minus(n.grantable, minus(d.grantable, b.grantable)), minus(b.grantable, d.grantable));
    entry.privileges = either(entry.privileges, entry.grantable);
    if (!entry.privileges.empty()) out.push_back(std::move(entry));
  }
  if (out == was) return before;
  return is_table ? std::optional(out) : or_null(std::move(out));
}

std::optional<Acl> only_roles(const std::optional<Acl>& acl, const std::set<RoleOid>& roles) {
  if (!acl) return acl;
  Acl out;
  for (const AclEntry& entry : *acl)
    if ((entry.grantee == public_role || roles.contains(entry.grantee)) && roles.contains(entry.grantor))
      out.push_back(entry);
  return out;
}

void push(std::vector<AclMove>& out, bool grant, bool option, const AclEntry& entry, const Privileges& privileges) {
  if (!privileges.empty()) out.push_back({grant, option, entry.grantee, entry.grantor, privileges});
}

void grant_whole(std::vector<AclMove>& out, const AclEntry& entry) {
  push(out, true, false, entry, minus(entry.privileges, entry.grantable));
  push(out, true, true, entry, entry.grantable);
}

/// Grants come first: an entry that was empty for a moment would lose its place.
void adjust(std::vector<AclMove>& out, const AclEntry& from, const AclEntry& to) {
  push(out, true, false, to, minus(minus(to.privileges, to.grantable), from.privileges));
  push(out, true, true, to, minus(to.grantable, from.grantable));
  push(out, false, true, to, both(minus(from.grantable, to.grantable), to.privileges));
  push(out, false, false, to, minus(from.privileges, to.privileges));
}

}  // namespace

const Privileges& column_privileges() {
  static const Privileges known{"INSERT", "REFERENCES", "SELECT", "UPDATE"};
  return known;
}

TableAcl without_columns(const TableAcl& before, const std::set<int>& hidden) {
  TableAcl out = before;
  Acl rest, taken;
  for (const AclEntry& entry : before.table.value_or(before.defaults)) {
    const AclEntry kept{entry.grantee, entry.grantor, minus(entry.privileges, column_privileges()),
                        minus(entry.grantable, column_privileges())};
    if (!kept.privileges.empty()) rest.push_back(kept);
    const AclEntry gone{entry.grantee, before.owner, both(entry.privileges, column_privileges()),
                        both(entry.grantable, column_privileges())};
    if (!gone.privileges.empty()) add(taken, gone);
  }
  out.table = rest;
  for (auto& [column, acl] : out.columns) {
    if (hidden.contains(column)) {
      acl.reset();
      continue;
    }
    Acl wider = acl.value_or(Acl{});
    for (AclEntry entry : taken) {
      if (column < 0) {
        entry.privileges = both(entry.privileges, {"SELECT"});
        entry.grantable = both(entry.grantable, {"SELECT"});
      }
      if (!entry.privileges.empty()) add(wider, entry);
    }
    acl = or_null(std::move(wider));
  }
  return out;
}

TableAcl given_back(const TableAcl& before, const TableAcl& during, const TableAcl& now,
                    const std::set<RoleOid>& roles) {
  TableAcl was = before, made = during;
  put_owner(was, now.owner);
  put_owner(made, now.owner);
  const auto column_of = [](const TableAcl& acl, int column) {
    const auto found = acl.columns.find(column);
    return found == acl.columns.end() ? std::optional<Acl>() : found->second;
  };
  TableAcl out = now;
  out.table = only_roles(merged(was.table, made.table, now.table, now.defaults, true), roles);
  for (auto& [column, acl] : out.columns) {
    acl = only_roles(merged(column_of(was, column), column_of(made, column), acl, {}, false), roles);
    if (acl && acl->empty()) acl.reset();
  }
  return out;
}

std::vector<AclMove> moves(const Acl& from, const Acl& to) {
  std::size_t same = 0;
  while (same < from.size() && same < to.size() && key_of(from[same]) == key_of(to[same])) ++same;
  std::vector<AclMove> out;
  for (std::size_t i = from.size(); i > same; --i) push(out, false, false, from[i - 1], from[i - 1].privileges);
  for (std::size_t i = 0; i < same; ++i) adjust(out, from[i], to[i]);
  for (std::size_t i = same; i < to.size(); ++i) grant_whole(out, to[i]);
  return out;
}

std::vector<ColumnMove> column_moves(const std::map<int, std::vector<AclMove>>& moves) {
  std::map<int, std::size_t> done;
  std::vector<ColumnMove> out;
  for (;;) {
    std::optional<ColumnMove> next;
    for (const auto& [column, list] : moves) {
      std::size_t& at = done[column];
      if (at == list.size() || (next && list[at] != next->move)) continue;
      if (!next) next = ColumnMove{list[at], {}};
      next->columns.push_back(column);
      ++at;
    }
    if (!next) return out;
    out.push_back(std::move(*next));
  }
}

std::string acl_statement(const AclMove& move, const std::string& table, const std::vector<std::string>& columns,
                          const std::string& grantee) {
  std::string list;
  for (const std::string& column : columns) list += (list.empty() ? "" : ", ") + column;
  std::string what;
  for (const std::string& privilege : move.privileges)
    what += (what.empty() ? "" : ", ") + privilege + (list.empty() ? "" : " (" + list + ")");
  if (move.grant)
    return own("GRANT ") + what + " ON TABLE " + table + " TO " + grantee + (move.option ? " WITH GRANT OPTION" : "");
  return own("REVOKE ") + (move.option ? "GRANT OPTION FOR " : "") + what + " ON TABLE " + table + " FROM " + grantee +
         " CASCADE";
}

std::vector<AclChange> changes(const TableAcl& from, const TableAcl& to) {
  std::map<std::tuple<int, bool, RoleOid>, Privileges> found;
  const auto compare = [&](int column, const Acl& a, const Acl& b) {
    for (const auto& [granted, one, other] : {std::tuple(true, &b, &a), std::tuple(false, &a, &b)})
      for (const AclEntry& entry : *one)
        for (const std::string& privilege : minus(entry.privileges, entry_of(*other, key_of(entry)).privileges))
          found[{column, granted, entry.grantee}].insert(privilege);
  };
  compare(0, from.table.value_or(from.defaults), to.table.value_or(to.defaults));
  for (const auto& [column, acl] : to.columns) {
    const auto was = from.columns.find(column);
    compare(column, was == from.columns.end() ? Acl{} : was->second.value_or(Acl{}), acl.value_or(Acl{}));
  }
  std::vector<AclChange> out;
  out.reserve(found.size());
  for (const auto& [where, privileges] : found)
    out.push_back({std::get<0>(where), std::get<1>(where), std::get<2>(where), privileges});
  return out;
}

}  // namespace switchback
