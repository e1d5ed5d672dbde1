#include "switchback/engine/images.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "switchback/core/error.hpp"
#include "switchback/core/image_name.hpp"
#include "switchback/core/nearest.hpp"
#include "switchback/engine/gate_surroundings.hpp"

namespace switchback::engine {
namespace {

using nlohmann::json;

/// Milliseconds since the epoch, as an Instant counts them.
std::string since_epoch(const std::string& expression) {
  return "(extract(epoch FROM " + expression + ") * 1000)::bigint";
}

Instant instant(const ports::Rows& rows, std::size_t row, std::size_t column) {
  return Instant{std::chrono::milliseconds{rows.integer(row, column)}};
}

std::optional<Instant> instant_if(const ports::Rows& rows, std::size_t row, std::size_t column) {
  return rows.at(row, column) ? std::optional(instant(rows, row, column)) : std::nullopt;
}

void note(ports::Session& session, const Actor& actor, const std::string& kind, const std::string& image,
          const std::string& more, json detail = json::object()) {
  detail["image"] = image;
  add_event(session, actor, std::nullopt, kind, "", "", image + (more.empty() ? "" : ": " + more), detail.dump());
}

[[noreturn]] void refuse_unknown(ports::Session& session, const std::string& name) {
  require_image_name(name);
  const auto near = nearest_image(session, name);
  throw Error(Exit::invalid, Remedy::person, "there is no image '" + name + "' in the registry of this database",
              (near ? "did you mean " + *near + "? " : "") + "switchback image add " + name +
                  " --manifest FILE registers it; switchback image list shows those there are");
}

/// Sets one column of the image to the reason or to NULL, with an event.
void mark(ports::Session& session, const Actor& actor, const std::string& image, const std::string& column,
          const std::string& kind, const std::optional<std::string>& reason) {
  ports::Transaction transaction(session);
  const auto rows =
      transaction.exec("UPDATE switchback.image SET " + column + " = $2 WHERE name = $1 RETURNING 1", {image, reason});
  if (rows.empty()) refuse_unknown(session, image);
  note(session, actor, kind, image, reason.value_or(""));
  transaction.commit();
}

std::vector<Deployment> deployments(ports::Session& session) {
  const auto rows = session.exec("SELECT image, environment, " + since_epoch("at") +
                                 " FROM switchback.image_deployment ORDER BY at, id");
  std::vector<Deployment> all;
  all.reserve(rows.size());
  for (std::size_t row = 0; row < rows.size(); ++row)
    all.push_back({rows.text(row, 0), rows.text(row, 1), instant(rows, row, 2)});
  return last_deployments(all);
}

/// application_name and role are shown to every role (documentation of pg_stat_activity, "insufficient privilege"
/// concerns the query and its state).
std::vector<LiveSessions> live_sessions(ports::Session& session) {
  const auto rows = session.exec(
      "SELECT application_name, usename, count(*) FROM pg_catalog.pg_stat_activity WHERE datname = "
      "pg_catalog.current_database() AND application_name <> '' AND application_name NOT LIKE 'switchback%' AND pid <> "
      "pg_catalog.pg_backend_pid() GROUP BY application_name, usename ORDER BY application_name, usename");
  std::vector<LiveSessions> found;
  for (std::size_t row = 0; row < rows.size(); ++row)
    found.push_back({rows.text(row, 0), rows.text(row, 1), rows.integer(row, 2)});
  return found;
}

std::vector<KeptReplicaSet> replica_sets(ports::Session& session) {
  const auto rows = session.exec("SELECT name, image, replicas, " + since_epoch("synced_at") +
                                 " FROM switchback.image_replica_set ORDER BY name, image");
  std::vector<KeptReplicaSet> found;
  for (std::size_t row = 0; row < rows.size(); ++row)
    found.push_back({rows.text(row, 0), rows.text(row, 1), rows.integer(row, 2), instant(rows, row, 3)});
  return found;
}

void register_one(ports::Session& session, const Actor& actor, const std::string& name, const Footprint& footprint) {
  const auto there = session.exec("SELECT footprint FROM switchback.image WHERE name = $1 FOR UPDATE", {name});
  if (there.empty()) {
    session.exec(
        "INSERT INTO switchback.image (name, source, footprint) VALUES ($1, 'plan', $2::jsonb) ON CONFLICT "
        "(name) DO NOTHING",
        {name, to_json(footprint)});
    note(session, actor, "image_add", name, "named by a plan");
    return;
  }
  const Footprint known = footprint_from_json(there.text(0, 0));
  if (!known.partial) return;
  session.exec("UPDATE switchback.image SET footprint = $2::jsonb WHERE name = $1",
               {name, to_json(merged(known, footprint))});
}

}  // namespace

std::optional<std::string> nearest_image(ports::Session& session, const std::string& name) {
  const auto rows = session.exec("SELECT name FROM switchback.image ORDER BY name");
  std::vector<std::string> names;
  for (std::size_t row = 0; row < rows.size(); ++row) names.push_back(rows.text(row, 0));
  return nearest(name, std::vector<std::string_view>(names.begin(), names.end()));
}

void register_image(ports::Session& session, const Actor& actor, const std::string& name, const std::string& source,
                    const Footprint& footprint) {
  require_image_name(name);
  ports::Transaction transaction(session);
  transaction.exec(
      "INSERT INTO switchback.image AS i (name, source, footprint) VALUES ($1, $2, $3::jsonb) ON CONFLICT (name) DO "
      "UPDATE SET source = excluded.source, footprint = excluded.footprint",
      {name, source, to_json(footprint)});
  remember_surroundings(session, name);
  note(session, actor, "image_add", name, "by " + source, {{"footprint", json::parse(to_json(footprint))}});
  transaction.commit();
}

void register_plan_images(ports::Session& session, const Actor& actor, const Images& images, const PlanEffect& effect) {
  if (images.before) register_one(session, actor, *images.before, footprint_before(effect));
  if (images.after) register_one(session, actor, *images.after, footprint_after(effect));
}

std::vector<RegisteredImage> registered_images(ports::Session& session,
                                               const std::optional<std::set<std::string>>& only) {
  const auto rows = session.exec(
      "SELECT i.name, " + since_epoch("i.registered_at") +
          ", i.registered_by, i.source, CASE WHEN $1::jsonb IS NULL OR $1::jsonb ? i.name THEN i.footprint ELSE "
          "pg_catalog.jsonb_build_object('role', i.role) END, i.pinned, i.retired, " +
          since_epoch("min(d.at)") + ", " + since_epoch("max(d.at)") +
          " FROM switchback.image i LEFT JOIN switchback.image_deployment d ON d.image = i.name GROUP BY i.name"
          " ORDER BY i.registered_at, i.name",
      {only ? ports::Value(json(*only).dump()) : ports::Value()});
  std::vector<RegisteredImage> images;
  images.reserve(rows.size());
  for (std::size_t row = 0; row < rows.size(); ++row)
    images.push_back({rows.text(row, 0), instant(rows, row, 1), rows.text(row, 2), rows.text(row, 3),
                      footprint_from_json(rows.text(row, 4)), rows.at(row, 5), rows.at(row, 6),
                      instant_if(rows, row, 7), instant_if(rows, row, 8)});
  return images;
}

bool record_deployment(ports::Session& session, const Actor& actor, const std::string& image,
                       const std::string& environment, const std::optional<std::string>& at) {
  require_image_name(image);
  ports::Transaction transaction(session);
  const bool known =
      !transaction.exec("UPDATE switchback.image SET retired = NULL WHERE name = $1 RETURNING 1", {image}).empty();
  transaction.exec(
      "INSERT INTO switchback.image_deployment (image, environment, at) VALUES ($1, $2, coalesce($3::timestamptz, "
      "pg_catalog.clock_timestamp()))",
      {image, environment, at});
  note(session, actor, "image_deployed", image, environment.empty() ? "" : "to " + environment,
       {{"environment", environment}, {"at", at ? json(*at) : json()}});
  transaction.commit();
  return known;
}

bool set_pinned(ports::Session& session, const Actor& actor, const std::string& image,
                const std::optional<std::string>& reason) {
  const auto pinned = session.exec("SELECT pinned IS NOT NULL FROM switchback.image WHERE name = $1", {image});
  if (!pinned.empty() && !pinned.boolean(0, 0) && !reason) return false;
  mark(session, actor, image, "pinned", reason ? "image_pin" : "image_unpin", reason);
  return true;
}

void retire(ports::Session& session, const Actor& actor, const std::string& image, const std::string& reason) {
  mark(session, actor, image, "retired", "image_retire", reason);
}

void record_replica_sets(ports::Session& session, const Actor& actor, const std::string& cluster,
                         const std::vector<KeptReplicaSet>& sets) {
  for (const KeptReplicaSet& set : sets) require_image_name(set.image);
  ports::Transaction transaction(session);
  transaction.exec("DELETE FROM switchback.image_replica_set WHERE cluster = $1", {cluster});
  for (const KeptReplicaSet& set : sets)
    transaction.exec(
        "INSERT INTO switchback.image_replica_set (cluster, name, image, replicas) VALUES ($1, $2, $3, $4::bigint) ON "
        "CONFLICT (cluster, name, image) DO UPDATE SET replicas = greatest(image_replica_set.replicas, "
        "excluded.replicas)",
        {cluster, set.name, set.image, std::to_string(set.replicas)});
  add_event(session, actor, std::nullopt, "image_sync", "", "",
            std::to_string(sets.size()) + " images of ReplicaSets" + (cluster.empty() ? "" : " of " + cluster));
  transaction.commit();
}

HorizonRules horizon_rules(const Settings& settings) {
  HorizonRules rules;
  rules.live_application = settings.live_application;
  rules.live_role = settings.live_role;
  rules.horizon_time = settings.horizon_time;
  return rules;
}

HorizonFacts horizon_facts(ports::Session& session, const std::optional<std::set<std::string>>& only) {
  return {registered_images(session, only), deployments(session), live_sessions(session), replica_sets(session)};
}

void add_sessions_on(HorizonFacts& facts, const std::string& name, ports::Session& standby) {
  for (LiveSessions& one : live_sessions(standby)) {
    one.server = name;
    facts.sessions.push_back(std::move(one));
  }
}

Instant server_now(ports::Session& session) {
  return instant(session.exec("SELECT " + since_epoch("pg_catalog.clock_timestamp()")), 0, 0);
}

}  // namespace switchback::engine
