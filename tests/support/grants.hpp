/// Privileges as the catalog has them and as the server judges them; for tests of what takes them away.
#pragma once

#include <string>

namespace switchback::tests {

/// Roles of the cluster, made once: bo_owner, bo_app, bo_reader, bo_lead, bo_sub, "bo Odd".
void make_grant_roles(const std::string& uri);

/// relacl and every attacl of public.users and what inherits from it, byte for byte, NULLs too.
std::string acl_bytes(const std::string& uri);
/// What each of these roles may do with each column, but `hidden`.
std::string rights_but(const std::string& uri, const std::string& hidden);
/// Whether any of these roles may do anything with the column.
bool anybody_may(const std::string& uri, const std::string& column);

}  // namespace switchback::tests
