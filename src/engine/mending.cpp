#include "switchback/engine/mending.hpp"

#include <algorithm>

#include "switchback/core/error.hpp"
#include "switchback/engine/resolving.hpp"
#include "switchback/engine/steps.hpp"

namespace switchback::engine {
namespace {

const Backfill* backfill_of(const Plan& plan, const TableName& table) {
  for (const Step& step : plan.migrate)
    if (const auto* backfill = std::get_if<Backfill>(&step.action); backfill && backfill->table == table)
      return backfill;
  return nullptr;
}

void compare(const TableName& table, const ColumnExpressions& before, const ColumnExpressions& after,
             std::vector<MendedExpression>& out) {
  for (const auto& [column, expression] : after) {
    const auto found = std::ranges::find(before, column, &std::pair<std::string, std::string>::first);
    if (found != before.end() && found->second != expression) out.push_back({table, column, found->second, expression});
  }
}

std::vector<std::string> names(const std::vector<SyncColumn>& side) {
  std::vector<std::string> out;
  out.reserve(side.size());
  for (const SyncColumn& column : side) out.push_back(column.name);
  std::ranges::sort(out);
  return out;
}

void refuse_other_columns(const TableName& table, const SyncPlan& before, const SyncPlan& after) {
  if (names(before.old_side) == names(after.old_side) && names(before.new_side) == names(after.new_side)) return;
  throw Error(
      Exit::refused, Remedy::person,
      "the mended expressions of " + shown(table) + " read or write other columns than those it was started with",
      "write a plan of its own for them, or turn this one back (switchback rollback) and start it again");
}

}  // namespace

std::vector<MendedExpression> mended_expressions(const Plan& before, const Plan& after) {
  std::vector<MendedExpression> out;
  for (const Step& step : after.migrate) {
    const auto* now = std::get_if<Backfill>(&step.action);
    const Backfill* then = now ? backfill_of(before, now->table) : nullptr;
    if (!then) continue;
    compare(now->table, then->set, now->set, out);
    compare(now->table, then->reverse, now->reverse, out);
  }
  return out;
}

Plan without_expressions(Plan plan) {
  for (Step& step : plan.migrate)
    if (auto* backfill = std::get_if<Backfill>(&step.action))
      for (auto* expressions : {&backfill->set, &backfill->reverse})
        for (auto& [column, expression] : *expressions) expression = "NULL";
  return plan;
}

std::vector<ResolvedSync> resolve_mended(ports::Session& session, ports::Catalog& catalog, const PlanRecord& record,
                                         const Plan& text, const std::vector<MendedExpression>& mended,
                                         const Settings& settings) {
  if (record.state != State::expanded && record.state != State::migrating && record.state != State::migrated)
    throw Error(Exit::refused, Remedy::person,
                "expressions are mended between expanded and migrated; " + record.name + " is " +
                    std::string(name(record.state)),
                "write a plan of its own for them");
  const ResolvedPlan resolved = resolved_from_json(record.resolved);
  std::vector<ResolvedSync> out;
  for (const Step& step : text.migrate) {
    const auto* backfill = std::get_if<Backfill>(&step.action);
    if (!backfill || std::ranges::none_of(mended, [&](const auto& one) { return one.table == backfill->table; }))
      continue;
    const ResolvedSync* own = resolved.sync_of(backfill->table);
    if (!own) throw Error(Exit::failed, Remedy::bug, "the journal has no backfill of " + shown(backfill->table));
    const ResolvedSync now = resolve_backfill(session, catalog, text, step, settings);
    refuse_other_columns(backfill->table, own->sync, now.sync);
    out.push_back(*own);
    out.back().sync.forward = now.sync.forward;
    out.back().sync.reverse = now.sync.reverse;
  }
  return out;
}

void mend_expressions(ports::Session& session, const PlanRecord& record, const std::vector<ResolvedSync>& mended) {
  ResolvedPlan resolved = resolved_from_json(record.resolved);
  for (const ResolvedSync& one : mended) {
    *std::ranges::find(resolved.sync, one.table, &ResolvedSync::table) = one;
    put_sync(session, record.id, one.oid, one.sync);
    resync(session, one.oid, one.table, false);
  }
  session.exec("UPDATE switchback.plan SET resolved = $2::jsonb WHERE id = $1",
               {std::to_string(record.id), to_json(resolved)});
}

}  // namespace switchback::engine
