#include "grants.hpp"

#include "server.hpp"

namespace switchback::tests {
namespace {

const std::string rights =
    "(SELECT t.oid AS relation, r.rolname, a.attname, p.privilege, pg_catalog.has_column_privilege(r.oid, t.oid, "
    "a.attnum, p.privilege) AS may FROM pg_catalog.pg_class t JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND "
    "NOT a.attisdropped CROSS JOIN pg_catalog.pg_roles r CROSS JOIN (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), "
    "('REFERENCES'), ('SELECT WITH GRANT OPTION')) p(privilege) WHERE t.oid IN (SELECT 'public.users'::regclass UNION "
    "SELECT inhrelid FROM pg_catalog.pg_inherits WHERE inhparent = 'public.users'::regclass) AND r.rolname LIKE "
    "'bo\\_%' "
    "AND (a.attnum > 0 OR p.privilege = 'SELECT')) AS rights";

}  // namespace

void make_grant_roles(const std::string& uri) {
  for (const char* role : {"bo_owner", "bo_app", "bo_reader", "bo_lead", "bo_sub", "bo_Odd one"})
    server().sql(uri, std::string("DO $$ BEGIN CREATE ROLE \"") + role +
                          "\" LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$");
}

std::string acl_bytes(const std::string& uri) {
  return server().sql(
      uri,
      "SELECT string_agg(x, E'\\n' ORDER BY x) FROM (SELECT o.oid::regclass || ' ' || o.n || ' ' || "
      "coalesce(o.acl::text, "
      "'NULL') FROM (SELECT oid, 0 AS n, relacl AS acl FROM pg_class UNION ALL SELECT attrelid, attnum, attacl FROM "
      "pg_attribute WHERE NOT attisdropped) o WHERE o.oid IN (SELECT 'public.users'::regclass UNION SELECT inhrelid "
      "FROM "
      "pg_inherits WHERE inhparent = 'public.users'::regclass)) s(x)");
}

std::string rights_but(const std::string& uri, const std::string& hidden) {
  return server().sql(
      uri,
      "SELECT string_agg(concat_ws(' ', relation::regclass, rolname, attname, privilege), E'\\n' ORDER BY "
      "relation, rolname, attname, privilege) FROM " +
          rights + " WHERE may AND attname <> '" + hidden + "'");
}

bool anybody_may(const std::string& uri, const std::string& column) {
  return server().sql(uri, "SELECT bool_or(may) FROM " + rights +
                               " WHERE privilege <> 'SELECT WITH GRANT OPTION' AND attname = '" + column + "'") == "t";
}

}  // namespace switchback::tests
