#include "switchback/engine/rolling_forward.hpp"

#include <nlohmann/json.hpp>

#include "switchback/core/error.hpp"
#include "switchback/engine/hiding.hpp"
#include "switchback/engine/moving.hpp"
#include "switchback/engine/rekeying.hpp"
#include "switchback/engine/resolved.hpp"
#include "switchback/engine/steps.hpp"

namespace switchback::engine {
namespace {

using nlohmann::json;

/// What the hide would record, were it now.
void record_as_if_hidden(ports::Session& session, ports::Catalog& catalog, ports::UsageSource& usage,
                         const PlanRecord& record, Plan plan) {
  // Of what is replaced the catalog itself tells the type.
  std::erase_if(plan.contract.steps,
                [](const Step& step) { return std::holds_alternative<ReplaceColumn>(step.action); });
  std::vector<TableFacts> tables;
  std::vector<std::pair<TableName, SyncPlan>> sync;
  for (const TableName& table : tables_of(plan))
    if (auto found = catalog.table(session, table)) tables.push_back(std::move(*found));
  for (const ResolvedSync& one : resolved_from_json(record.resolved).sync) sync.emplace_back(one.table, one.sync);
  store_definitions(session, record.id, plan, taken_tables(record.id, plan, tables, sync));
  store_objects(session, record.id, ordered_objects(session, usage, plan));
}

void refuse_state(const PlanRecord& record) {
  const std::string why = "the plan " + record.name + " is " + std::string(name(record.state));
  switch (record.state) {
    case State::migrated:
    case State::hidden:
    case State::contracted:
    case State::done:
      return;
    case State::planned:
    case State::rolled_back:
      throw Error(Exit::refused, Remedy::person, why + ": there is nothing to undo", "switchback run takes it forward");
    case State::expanding:
    case State::expanded:
    case State::migrating:
    case State::rolling_back:
      throw Error(Exit::refused, Remedy::person, why + ": a new plan is not needed to undo it",
                  "switchback rollback " + record.name + " does");
    case State::hiding:
    case State::contracting:
    case State::unhiding:
    case State::restoring:
      throw Error(Exit::refused, Remedy::person, why + ", on its way",
                  "let it arrive, or turn it back: switchback rollback " + record.name + " --to migrated");
  }
}

Error already_undone(const RollForward& by) {
  return {Exit::refused, Remedy::person,
          by.original + " is undone by " + by.inverse + " already, which is " + std::string(name(by.state)),
          "go on with that one; or turn it back, switchback rollback " + by.inverse +
              ", or undo it in its turn: switchback rollforward " + by.inverse + " --out FILE"};
}

std::map<std::pair<std::string, int>, std::vector<std::string>> recorded_undos(ports::Session& session, PlanId plan) {
  std::map<std::pair<std::string, int>, std::vector<std::string>> undos;
  for (const StepRecord& step : steps(session, plan)) {
    const json detail = json::parse(step.detail, nullptr, false);
    if (step.status == "done" && detail.is_object() && detail.contains("undo"))
      undos[{step.phase, step.ordinal}] = detail.at("undo").get<std::vector<std::string>>();
  }
  return undos;
}

std::vector<KeptArchive> kept_archives(ports::Session& session, PlanId plan) {
  const auto rows = session.exec(
      "SELECT relation, archive_table, pg_catalog.to_char(keep_until AT TIME ZONE 'UTC', "
      "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') FROM switchback.archive WHERE plan_id = $1 AND state = 'kept'",
      {std::to_string(plan)});
  std::vector<KeptArchive> archives;
  for (std::size_t i = 0; i < rows.size(); ++i) archives.push_back({rows.text(i, 0), rows.text(i, 1), rows.text(i, 2)});
  return archives;
}

std::vector<WholeTaken> wholes_taken(ports::Session& session, const PlanRecord& record, const Plan& plan) {
  std::vector<WholeTaken> wholes;
  for (const TakenObject& object : load_objects(session, record.id)) {
    if (!object.becomes.empty()) continue;  // all of it is there
    const auto now = find_object(session, object);
    const bool hidden = now && now->schema == hidden_schema(plan.name, object.name.schema);
    // Not hidden yet: it will be there under this name.
    const std::string will_be =
        quote_identifier(hidden_schema(plan.name, object.name.schema)) + "." + quote_identifier(object.name.name);
    wholes.push_back({object, hidden ? now->identity : record.state == State::migrated ? will_be : ""});
  }
  return wholes;
}

}  // namespace

InverseFacts inverse_facts(ports::Session& session, ports::Catalog& catalog, ports::UsageSource& usage,
                           const PlanRecord& record, const Plan& plan) {
  refuse_state(record);
  for (const RollForward& other : roll_forwards(session))
    if (other.original == record.name) throw already_undone(other);
  if (turns_keys(session, plan))
    throw Error(Exit::refused, Remedy::person,
                "the plan " + record.name + " has widened a key, and no plan makes one narrower again",
                "while every number fits, switchback rollback " + record.name +
                    " --to migrated brings the old one back; else leave it: the image before works with the wider one "
                    "as long as it bears its numbers");
  InverseFacts facts;
  facts.state = record.state;
  for (const TableName& name : tables_of(plan))
    if (auto table = catalog.table(session, name)) facts.tables.push_back(std::move(*table));
  facts.undo = recorded_undos(session, record.id);
  facts.archives = kept_archives(session, record.id);
  for (const PlanRecord& other : all_plans(session)) facts.names.insert(other.name);
  ports::Transaction never_committed(session);
  if (record.state == State::migrated && takes_away(plan)) record_as_if_hidden(session, catalog, usage, record, plan);
  for (StoredDefinition& one : definitions(session, record.id))
    facts.definitions.push_back({std::move(one.kind), std::move(one.structure), std::move(one.definition)});
  facts.wholes = wholes_taken(session, record, plan);
  return facts;
}

void refuse_premature_roll_forward(ports::Session& session, const Plan& plan) {
  if (!plan.rolls_forward) return;
  const std::string& name_of = plan.rolls_forward->plan;
  const auto original = find_plan(session, name_of);
  if (!original || !original->hash.starts_with(plan.rolls_forward->hash))
    throw Error(Exit::refused, Remedy::person,
                plan.name + " undoes " + name_of + ", sha256 " + plan.rolls_forward->hash.substr(0, 12) +
                    ", which is " +
                    (original ? "another text in this database, sha256 " + original->hash.substr(0, 12)
                              : "not known in this database"),
                original ? "have it written anew: switchback rollforward " + name_of + " --out FILE"
                         : "run " + name_of + " first");
  for (const RollForward& other : roll_forwards(session))
    if (other.original == name_of && other.inverse != plan.name) throw already_undone(other);
  if (original->state == State::contracted || original->state == State::done) return;
  throw Error(Exit::refused, Remedy::person,
              plan.name + " undoes " + name_of + ", which is " + std::string(name(original->state)),
              "switchback rollback " + name_of + " undoes it without a new plan; or take it to its end first");
}

void link_roll_forward(ports::Session& session, const Actor& actor, PlanId id, const Plan& plan) {
  if (!plan.rolls_forward) return;
  const auto original = find_plan(session, plan.rolls_forward->plan);
  if (!original) return;
  add_event(session, actor, id, "rolls_forward", "", "", "undoes " + original->name,
            json{{"plan", original->name}, {"hash", original->hash}}.dump());
  const std::string state(name(original->state));
  add_event(session, actor, original->id, "rolled_forward", state, state, "is undone by " + plan.name,
            json{{"plan", plan.name}, {"hash", plan.hash}}.dump());
}

std::vector<RollForward> roll_forwards(ports::Session& session) {
  const auto rows = session.exec(
      "SELECT DISTINCT ON (p.id) e.detail->>'plan', p.name, p.state FROM switchback.event e JOIN switchback.plan p ON "
      "p.id = e.plan_id WHERE e.kind = 'rolls_forward' AND p.state <> 'rolled_back' ORDER BY p.id, e.id DESC");
  std::vector<RollForward> all;
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (const auto state = state_named(rows.text(i, 2))) all.push_back({rows.text(i, 0), rows.text(i, 1), *state});
  return all;
}

std::optional<RollForward> undone_by(ports::Session& session, const std::string& plan) {
  for (RollForward& one : roll_forwards(session))
    if (one.original == plan && one.state != State::planned) return std::move(one);
  return std::nullopt;
}

}  // namespace switchback::engine
