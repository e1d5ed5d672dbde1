/// Privileges of a table: read, and made what they should be, with GRANT and REVOKE alone wherever that gives the same
/// bytes in the catalog.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "switchback/core/acl.hpp"
#include "switchback/ports/session.hpp"

namespace switchback::engine {

/// Error (Exit::drift) when the table is gone.
TableAcl read_acl(ports::Session& session, std::uint32_t relation);

/// Makes the privileges `wanted`, within the caller's transaction; columns that are gone are passed over. Takes no lock
/// on the table: GRANT locks catalog rows alone, and every statement that begins after the commit, prepared or not, is
/// judged by the new privileges (ExecCheckRTPerms, at each start of an executor). Acts as the owner, and as other
/// grantors where there are some (SET LOCAL ROLE). What GRANT cannot make, a NULL again of a table's explicit
/// privileges, a superuser writes into the catalog himself. False: they are not as wanted; as far as GRANT goes they
/// are. Error (42501) for a role that may not grant; Remedy::retry when somebody changes the same rows. `statements`
/// gets what was run, to be run again by somebody else.
bool reach_acl(ports::Session& session, const TableAcl& wanted, std::vector<std::string>* statements = nullptr);

/// All roles there are.
std::set<RoleOid> role_oids(ports::Session& session);
/// As SQL names it: quoted, or PUBLIC.
std::string role_name(ports::Session& session, RoleOid role);

std::string acl_to_json(const TableAcl& acl);
TableAcl acl_from_json(const std::string& text);

}  // namespace switchback::engine
