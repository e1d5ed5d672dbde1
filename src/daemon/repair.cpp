#include <nlohmann/json.hpp>

#include "switchback/core/error.hpp"
#include "switchback/daemon/drive.hpp"
#include "switchback/engine/images.hpp"
#include "switchback/engine/journal_schema.hpp"
#include "switchback/engine/mending.hpp"
#include "switchback/engine/steps.hpp"
#include "switchback/plan_file/plan_reader.hpp"
#include "switchback/plan_file/plan_writer.hpp"
#include "switchback/postgres/catalog.hpp"
#include "switchback/postgres/session.hpp"

namespace switchback::daemon {
namespace {

using engine::PlanRecord;
using nlohmann::json;

Plan read_back(const std::string& text, const std::string& file) {
  ReadPlan read = read_plan(text, file);
  if (!read.plan) throw Error(Exit::failed, Remedy::bug, "the journal's text of " + file + " cannot be read");
  return std::move(*read.plan);
}

/// The plan with everything left out that may change while it runs.
std::string steps_only(Plan plan) {
  plan.description.clear();
  plan.requires_plans.clear();
  plan.images = {};
  plan.external_checked.clear();
  plan.readers.clear();
  plan.settings.clear();
  const std::vector<Step> steps = std::move(plan.contract.steps);
  plan.contract = {};
  plan.contract.steps = steps;
  return to_yaml(plan);
}

/// What runs from now on: the steps as they were expanded, the rest as the new text says.
std::string long_form(const PlanRecord& record, const Plan& text) {
  Plan whole = read_back(record.long_form, record.file);
  whole.description = text.description;
  whole.requires_plans = text.requires_plans;
  whole.images = text.images;
  whole.external_checked = text.external_checked;
  whole.readers = text.readers;
  whole.settings = text.settings;
  for (Step& step : whole.migrate)
    if (auto* backfill = std::get_if<Backfill>(&step.action))
      for (const Step& written : text.migrate)
        if (const auto* mended = std::get_if<Backfill>(&written.action); mended && mended->table == backfill->table) {
          backfill->set = mended->set;
          backfill->reverse = mended->reverse;
        }
  const std::vector<Step> steps = std::move(whole.contract.steps);
  // Dependents that a whole change was found to take along stay named.
  std::vector<std::string> silent = std::move(whole.contract.allow_silent);
  whole.contract = text.contract;
  whole.contract.steps = steps;
  if (!text.changes.empty())
    whole.contract.allow_silent.insert(whole.contract.allow_silent.end(), silent.begin(), silent.end());
  return to_yaml(whole);
}

std::vector<engine::MendedExpression> compare_text(const PlanRecord& record, const Plan& text, Repair& out) {
  if (text.hash == record.hash) return {};
  const Plan before = read_back(record.text, record.file);
  if (steps_only(engine::without_expressions(before)) != steps_only(engine::without_expressions(text)))
    throw Error(Exit::refused, Remedy::person,
                "the steps of " + text.file + " are not those that plan " + record.name + " was started with",
                "put the old steps back (only a backfill's expressions may be mended), or write the new ones as a plan "
                "of their own");
  const auto mended = engine::mended_expressions(before, text);
  out.differences.push_back("the text: sha256 " + record.hash.substr(0, 12) + " in the journal, " +
                            text.hash.substr(0, 12) + " in the file; its steps are the same" +
                            (mended.empty() ? "" : " but for"));
  for (const engine::MendedExpression& one : mended)
    out.differences.push_back("the expression of " + shown(one.table) + "." + shown(one.column) + ": " + one.before +
                              ", now " + one.after);
  return mended;
}

json compare_shapes(ports::Session& session, ports::Catalog& catalog, const PlanRecord& record, Repair& out) {
  const auto rows = session.exec("SELECT fingerprints, effect FROM switchback.plan WHERE id = $1 FOR UPDATE",
                                 {std::to_string(record.id)});
  const auto renames = engine::effect_from_json(rows.text(0, 1)).renames;
  json shapes = json::parse(rows.text(0, 0));
  for (auto& [table, shape] : shapes.items()) {
    const auto end = table.find('\n');
    const TableName name{table.substr(0, end), table.substr(end + 1)};
    const std::string now = engine::shape_now(session, catalog, engine::name_now(session, renames, name));
    if (now == shape.get<std::string>()) continue;
    out.differences.push_back("the table " + shown(name) +
                              ": columns, defaults, constraints, indexes or triggers are not as the plan left them");
    shape = now;
  }
  return shapes;
}

}  // namespace

Repair repair_plan(const std::string& name, const std::optional<Plan>& text, bool apply, const DriveRequest& request) {
  postgres::ConnectOptions options;
  const Settings settings = resolve(request.settings);
  options.database = settings.database;
  options.application_name = "switchback repair";
  options.lock_timeout = settings.lock_timeout;
  const auto session = postgres::connect(options);
  engine::require_readable_journal(*session);
  postgres::PostgresCatalog catalog;
  const PlanRecord seen = engine::require_plan(*session, name);
  Repair out;
  std::vector<engine::ResolvedSync> mended;
  if (text)
    if (const auto expressions = compare_text(seen, *text, out); !expressions.empty())
      mended = engine::resolve_mended(*session, catalog, seen, *text, expressions, settings);
  ports::Transaction transaction(*session);
  const PlanRecord record = engine::require_plan(*session, name);
  if (record.runner && record.runner->alive)
    throw Error(Exit::busy, Remedy::person,
                "a runner has this plan: pid " + std::to_string(record.runner->pid) + " on " + record.runner->host,
                "stop it first; it exits by itself where a repair is needed");
  if (record.hash != seen.hash || record.state != seen.state)
    throw Error(Exit::busy, Remedy::person, "the plan " + name + " went on meanwhile", "look at it again");
  const json shapes = compare_shapes(*session, catalog, record, out);
  if (!apply || out.differences.empty()) return out;
  if (!mended.empty()) engine::mend_expressions(*session, record, mended);
  session->exec("UPDATE switchback.plan SET fingerprints = $2::jsonb WHERE id = $1",
                {std::to_string(record.id), shapes.dump()});
  if (text) {
    const auto changed = session->exec(
        "UPDATE switchback.plan SET author = session_user, hash = $2, text = $3, long_form = $4, image_before = $5, "
        "image_after = $6 WHERE id "
        "= $1 RETURNING effect",
        {std::to_string(record.id), text->hash, text->text, long_form(record, *text), text->images.before,
         text->images.after});
    engine::register_plan_images(*session, request.actor, text->images, engine::effect_from_json(changed.text(0, 0)));
  }
  std::string reason;
  for (const std::string& difference : out.differences) reason += (reason.empty() ? "accepted: " : "; ") + difference;
  engine::add_event(*session, request.actor, record.id, "repair", "", "", reason);
  engine::store_hold(*session, request.actor, record, std::nullopt);
  transaction.commit();
  out.applied = true;
  return out;
}

}  // namespace switchback::daemon
