#include "switchback/engine/forbidding.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "journal_json.hpp"
#include "switchback/core/error.hpp"

namespace switchback::engine {
namespace {

bool is_hash(std::string_view text) {
  return text.size() >= 12 && text.size() <= 64 &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

/// A plan's name goes before a hash that looks like one.
Forbidden meant(ports::Session& session, std::string_view what) {
  if (const auto plan = find_plan(session, what)) return {plan->hash, plan->name};
  if (what.starts_with("sha256:")) what.remove_prefix(7);
  if (is_hash(what)) return {std::string(what), ""};
  throw Error(Exit::invalid, Remedy::person,
              "there is no plan " + std::string(what) + " in this journal, and it is no hash of a plan's text",
              "name a plan of switchback status, or give at least 12 hex digits of sha256sum PLAN");
}

void record(ports::Session& session, const Actor& actor, const Forbidden& one, std::string_view kind,
            std::string_view reason) {
  const auto plan = one.plan.empty() ? std::nullopt : find_plan(session, one.plan);
  add_event(session, actor, plan ? std::optional(plan->id) : std::nullopt, kind, "", "", reason,
            nlohmann::json{{"hash", one.hash}}.dump());
}

}  // namespace

Forbidden forbid(ports::Session& session, const Actor& actor, std::string_view what, std::string_view reason) {
  const Forbidden one = meant(session, what);
  ports::Transaction transaction(session);
  transaction.exec(
      "INSERT INTO switchback.forbidden (hash, plan, reason) VALUES ($1::text, NULLIF($2::text, ''), $3::text) "
      "ON CONFLICT (hash) DO UPDATE SET reason = excluded.reason, role = session_user, "
      "at = pg_catalog.clock_timestamp(), origin = NULL",
      {one.hash, one.plan, std::string(reason)});
  record(session, actor, one, "forbidden", reason);
  transaction.commit();
  return one;
}

Forbidden lift(ports::Session& session, const Actor& actor, std::string_view what, std::string_view reason) {
  const Forbidden one = meant(session, what);
  ports::Transaction transaction(session);
  const auto gone = transaction.exec(
      "DELETE FROM switchback.forbidden WHERE pg_catalog.starts_with(hash, $1::text) OR "
      "pg_catalog.starts_with($1::text, hash) RETURNING hash",
      {one.hash});
  if (gone.empty())
    throw Error(Exit::invalid, Remedy::person, std::string(what) + " is not forbidden",
                "switchback history says what is");
  record(session, actor, one, "forbidding_lifted", reason);
  transaction.commit();
  return one;
}

void refuse_forbidden(ports::Session& session, const Plan& plan) {
  const auto rows = session.exec("SELECT role, reason, " + iso("at") +
                                     ", COALESCE(' in ' || origin, '') FROM switchback.forbidden "
                                     "WHERE pg_catalog.starts_with($1::text, hash) ORDER BY at LIMIT 1",
                                 {plan.hash});
  if (rows.empty()) return;
  throw Error(Exit::refused, Remedy::person,
              "this text of " + plan.name + " (sha256 " + plan.hash.substr(0, 12) + ") is forbidden: " +
                  rows.text(0, 1) + " (" + rows.text(0, 0) + rows.text(0, 3) + ", " + rows.text(0, 2) + ")",
              "what it has made can be turned back: switchback rollback " + plan.name +
                  "; a person who knows better: switchback forbid " + plan.hash.substr(0, 12) + " --lift --reason …");
}

}  // namespace switchback::engine
