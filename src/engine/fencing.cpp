#include "switchback/engine/fencing.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "switchback/core/error.hpp"
#include "switchback/core/fence.hpp"
#include "switchback/core/sql.hpp"

namespace switchback::engine {
namespace {

using ports::Rows;
using ports::Transaction;

const RegisteredImage& image_in(const std::vector<RegisteredImage>& images, const std::string& name) {
  const auto found = std::ranges::find(images, name, &RegisteredImage::name);
  if (found == images.end())
    throw Error(Exit::invalid, Remedy::person, "there is no image '" + name + "' in the registry of this database",
                "switchback image list shows those there are");
  return *found;
}

std::string role_of(const RegisteredImage& image, const HorizonRules& rules, const std::string& given) {
  const std::string known = login_role(image, rules);
  if (known.empty() && given.empty())
    throw Error(Exit::invalid, Remedy::person, "which role " + image.name + " logs in as is not known",
                "--role ROLE, role: in its manifest, or the setting images.live.role");
  if (!known.empty() && !given.empty() && known != given)
    throw Error(Exit::invalid, Remedy::person, image.name + " logs in as " + known + ", not as " + given,
                "leave --role out");
  return known.empty() ? given : known;
}

struct Role {
  std::string id;
  bool can_login = false;
  std::string never;  ///< why its login is never taken; empty: it may be
};

std::optional<Role> find_role(ports::Session& session, const std::string& name) {
  const Rows rows = session.exec(R"sql(
SELECT r.oid, r.rolcanlogin, r.rolsuper, r.rolreplication, r.rolname IN (session_user, current_user),
  (SELECT count(*) FROM pg_catalog.pg_shdepend d WHERE d.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
   AND d.refobjid = r.oid AND d.deptype = 'o'),
  (SELECT pg_catalog.string_agg(DISTINCT a.datname, ', ') FROM pg_catalog.pg_stat_activity a
   WHERE a.usesysid = r.oid AND a.datname <> pg_catalog.current_database())
FROM pg_catalog.pg_roles r WHERE r.rolname = $1)sql",
                                 {name});
  if (rows.empty()) return std::nullopt;
  Role role{rows.text(0, 0), rows.boolean(0, 1), ""};
  if (rows.boolean(0, 2))
    role.never = "is a superuser";
  else if (rows.boolean(0, 3))
    role.never = "replicates";
  else if (rows.boolean(0, 4))
    role.never = "is switchback's own";
  else if (rows.integer(0, 5) > 0)
    role.never = "owns " + rows.text(0, 5) + " objects: it is more than the login of an image";
  else if (rows.at(0, 6))
    role.never = "has sessions in other databases of this cluster: " + rows.text(0, 6);
  return role;
}

std::vector<RoleSession> sessions_of(ports::Session& session, const Role& role) {
  const Rows rows = session.exec(
      "SELECT pid, application_name, client_addr FROM pg_catalog.pg_stat_activity WHERE usesysid = $1::oid ORDER BY "
      "backend_start, pid",
      {role.id});
  std::vector<RoleSession> sessions;
  for (std::size_t i = 0; i < rows.size(); ++i)
    sessions.push_back({rows.integer(i, 0), rows.text(i, 1), rows.text(i, 2)});
  return sessions;
}

void alter(Transaction& transaction, const std::string& role, const std::string& login) {
  try {
    transaction.exec("ALTER ROLE " + quote_identifier(role) + " " + login);
  } catch (const Error& error) {
    if (error.sqlstate() != "42501") throw;
    const bool admin = transaction.session().server_version() >= 160000;
    throw Error(Exit::unreachable, Remedy::person, error.what(),
                std::string("the role that fences needs CREATEROLE") +
                    (admin ? ", and GRANT " + quote_identifier(role) + " TO it WITH ADMIN OPTION" : ""),
                error.sqlstate());
  }
}

void note(Transaction& transaction, const Actor& actor, const std::string& kind, const std::string& image,
          const std::string& role, const std::string& reason) {
  add_event(transaction.session(), actor, std::nullopt, kind, "", "",
            image + ", role " + role + (reason.empty() ? "" : ": " + reason),
            nlohmann::json{{"image", image}, {"role", role}}.dump());
}

/// One at a time, so that what was checked holds.
void begin_alone(Transaction& transaction) {
  transaction.exec("SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('switchback fence', 0))");
}

bool is_fenced(ports::Session& session, const std::string& role) {
  return !session.exec("SELECT 1 FROM switchback.image_fence WHERE role = $1", {role}).empty();
}

Role role_there(ports::Session& session, const std::string& name) {
  const auto role = find_role(session, name);
  if (!role)
    throw Error(Exit::invalid, Remedy::person, "there is no role '" + name + "' on this server",
                "mend role: in the image's manifest, or --role");
  return *role;
}

}  // namespace

FenceOutcome fence(ports::Session& session, const Actor& actor, const HorizonRules& rules, const std::string& image,
                   const std::string& given, const std::string& reason) {
  Transaction transaction(session);
  begin_alone(transaction);
  const HorizonFacts facts = horizon_facts(session);
  const RegisteredImage& fenced = image_in(facts.images, image);
  FenceOutcome outcome;
  outcome.role = role_of(fenced, rules, given);
  const Role role = role_there(session, outcome.role);
  if (!role.never.empty())
    throw Error(Exit::refused, Remedy::person, "role " + outcome.role + " " + role.never,
                "only the login of an image past the horizon is taken");
  if (const auto refusal = fence_refusal(facts, rules, server_now(session), image, outcome.role))
    throw Error(Exit::refused, Remedy::person, refusal->why, refusal->remedy);
  outcome.sessions = sessions_of(session, role);
  // Those without an application_name are no image's to the horizon.
  if (!outcome.sessions.empty() && !fenced.retired)
    throw Error(Exit::refused, Remedy::person,
                std::to_string(outcome.sessions.size()) + " sessions of role " + outcome.role + " run",
                "take the image out of service first, or switchback image retire " + image + " --reason …");
  if (role.can_login) {
    transaction.exec(
        "INSERT INTO switchback.image_fence (role, image, reason) VALUES ($1, $2, $3) ON CONFLICT (role) DO UPDATE SET "
        "image = excluded.image, reason = excluded.reason, at = excluded.at",
        {outcome.role, image, reason});
    alter(transaction, outcome.role, "NOLOGIN");
    note(transaction, actor, "image_fence", image, outcome.role, reason);
    outcome.changed = true;
  }
  transaction.commit();
  return outcome;
}

FenceOutcome unfence(ports::Session& session, const Actor& actor, const HorizonRules& rules, const std::string& image,
                     const std::string& given, const std::string& reason) {
  Transaction transaction(session);
  begin_alone(transaction);
  FenceOutcome outcome;
  outcome.role = role_of(image_in(registered_images(session), image), rules, given);
  const Role role = role_there(session, outcome.role);
  const bool ours = is_fenced(session, outcome.role);
  if (!role.can_login && !ours)
    throw Error(Exit::refused, Remedy::person, "somebody else took the login of role " + outcome.role,
                "ALTER ROLE " + quote_identifier(outcome.role) + " LOGIN, where that is wanted");
  if (ours) {
    transaction.exec("DELETE FROM switchback.image_fence WHERE role = $1", {outcome.role});
    if (!role.can_login) alter(transaction, outcome.role, "LOGIN");
    note(transaction, actor, "image_unfence", image, outcome.role, reason);
    outcome.changed = true;
  }
  outcome.sessions = sessions_of(session, role);
  transaction.commit();
  return outcome;
}

std::optional<GateReason> login_refused(ports::Session& session, const std::vector<RegisteredImage>& images,
                                        const HorizonRules& rules, const std::string& image) {
  const auto found = std::ranges::find(images, image, &RegisteredImage::name);
  const std::string role = found == images.end() ? "" : login_role(*found, rules);
  if (role.empty()) return std::nullopt;
  const auto rows = session.exec("SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = $1 AND NOT rolcanlogin", {role});
  if (rows.empty()) return std::nullopt;
  GateReason reason;
  reason.why = "its role " + role + " may not log in";
  if (is_fenced(session, role)) reason.remedy = "switchback fence " + image + " --undo";
  if (!reason.remedy.empty()) reason.remedy_seconds = 0;
  return reason;
}

}  // namespace switchback::engine
