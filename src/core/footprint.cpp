#include "switchback/core/footprint.hpp"

#include <algorithm>

namespace switchback {
namespace {

void add_all(std::vector<std::string>& to, const std::vector<std::string>& from) {
  for (const std::string& one : from) note_once(to, one);
}

void merge_inserts(TableUse& use, const TableUse& other) {
  if (other.insert == InsertForm::none) return;
  if (use.insert == InsertForm::none) {
    use.supplies = other.supplies;
  } else {
    // Each insert gives at least this: what only some of them name is not counted on.
    std::erase_if(use.supplies, [&other](const std::string& column) {
      return std::ranges::find(other.supplies, column) == other.supplies.end();
    });
  }
  use.insert = std::max(use.insert, other.insert);
  if (other.positions.size() > use.positions.size()) use.positions = other.positions;
}

Footprint footprint_of(const std::vector<const std::vector<PlanEffect::Column>*>& lists) {
  Footprint footprint;
  footprint.partial = true;
  for (const auto* list : lists)
    for (const PlanEffect::Column& column : *list) note_once(use_of(footprint, column.table).reads, column.name);
  return footprint;
}

}  // namespace

std::string_view name(InsertForm form) {
  switch (form) {
    case InsertForm::none:
      return "false";
    case InsertForm::named:
      return "named";
    case InsertForm::positional:
      return "positional";
    case InsertForm::copy:
      return "copy";
  }
  return "false";
}

TableUse& use_of(Footprint& footprint, const TableName& table) {
  const auto found = std::ranges::find(footprint.tables, table, &TableUse::table);
  if (found != footprint.tables.end()) return *found;
  footprint.tables.push_back({});
  footprint.tables.back().table = table;
  return footprint.tables.back();
}

Footprint merged(Footprint one, const Footprint& other) {
  for (const TableUse& from : other.tables) {
    TableUse& to = use_of(one, from.table);
    add_all(to.reads, from.reads);
    add_all(to.writes, from.writes);
    to.reads_all = to.reads_all || from.reads_all;
    to.writes_all = to.writes_all || from.writes_all;
    to.deletes = to.deletes || from.deletes;
    merge_inserts(to, from);
    for (const ConflictTarget& target : from.conflicts) note_once(to.conflicts, target);
    add_all(to.nulls, from.nulls);
    for (const auto& type : from.types) note_once(to.types, type);
    for (const auto& known : from.values) note_once(to.values, known);
  }
  for (const TableName& name : other.functions) note_once(one.functions, name);
  for (const TableName& name : other.types) note_once(one.types, name);
  for (const TableName& name : other.relations) note_once(one.relations, name);
  for (const TableName& name : other.sequences) note_once(one.sequences, name);
  if (one.role.empty()) one.role = other.role;
  one.prepares_star = one.prepares_star || other.prepares_star;
  one.star_tolerated = one.star_tolerated || other.star_tolerated;
  add_all(one.statements, other.statements);
  one.prepared.clear();
  add_all(one.unclear, other.unclear);
  one.partial = one.partial && other.partial;
  return one;
}

PlanEffect effect_of(const Plan& plan, std::vector<SyncedColumns> synced) {
  PlanEffect effect;
  effect.synced = std::move(synced);
  // What takes the place of another column no image knows under its own name.
  const auto replaces = [&](const TableName& table, const std::string& column) {
    return std::ranges::any_of(plan.contract.steps, [&](const Step& step) {
      const auto* replaced = std::get_if<ReplaceColumn>(&step.action);
      return replaced && replaced->table == table && replaced->with == column;
    });
  };
  for (const Step& step : plan.expand)
    if (const auto* add = std::get_if<AddColumn>(&step.action); add && !replaces(add->table, add->name))
      effect.adds.push_back({add->table, add->name});
    else if (const auto* table = std::get_if<CreateTable>(&step.action)) {
      effect.makes_relations.push_back(table->name);
      for (const auto& [column, definition] : table->columns) effect.adds.push_back({table->name, column});
    } else if (const auto* view = std::get_if<CreateView>(&step.action)) {
      effect.makes_relations.push_back(view->name);
    }
  for (const Step& step : plan.migrate)
    if (const auto* backfill = std::get_if<Backfill>(&step.action))
      for (const auto& [column, expression] : backfill->set)
        if (!replaces(backfill->table, column)) effect.fills.push_back({backfill->table, column});
  for (const Step& step : plan.contract.steps) {
    if (const auto* drop = std::get_if<DropColumn>(&step.action)) effect.takes.push_back({drop->table, drop->name});
    if (const auto* replaced = std::get_if<ReplaceColumn>(&step.action))
      effect.swaps.push_back({replaced->table, replaced->column});
    if (const auto* set = std::get_if<SetNotNull>(&step.action)) effect.tightens.push_back({set->table, set->column});
    if (const auto* table = std::get_if<DropTable>(&step.action)) effect.takes_relations.push_back(table->name);
    if (const auto* renamed = std::get_if<RenameTable>(&step.action)) {
      effect.takes_relations.push_back(renamed->table);
      effect.renames.push_back({renamed->table, renamed->to});
    }
    if (const auto* view = std::get_if<DropView>(&step.action)) effect.takes_relations.push_back(view->name);
    if (const auto* function = std::get_if<DropFunction>(&step.action))
      effect.takes_functions.push_back(function->name);
    if (const auto* index = std::get_if<DropIndex>(&step.action)) effect.takes_keys.push_back(index->name);
    if (const auto* constraint = std::get_if<DropConstraint>(&step.action))
      effect.takes_keys.push_back({constraint->table.schema, constraint->name});
    if (const auto* rename = std::get_if<RenameConstraint>(&step.action))
      effect.renames_keys.push_back({rename->table.schema, rename->name});
    if (const auto* drop = std::get_if<DropDefault>(&step.action))
      effect.undefaults.push_back({drop->table, drop->column});
    if (const auto* type = std::get_if<DropType>(&step.action)) effect.takes_types.push_back(type->name);
    effect.contract_sql = effect.contract_sql || std::holds_alternative<Sql>(step.action);
  }
  return effect;
}

bool names(const std::vector<PlanEffect::Column>& columns, const TableName& table, std::string_view column) {
  return std::ranges::any_of(columns,
                             [&](const PlanEffect::Column& one) { return one.table == table && one.name == column; });
}

Footprint footprint_before(const PlanEffect& effect) {
  Footprint footprint = footprint_of({&effect.takes});
  for (const TableName& relation : effect.takes_relations) use_of(footprint, relation);
  footprint.functions = effect.takes_functions;
  footprint.types = effect.takes_types;
  return footprint;
}

Footprint footprint_after(const PlanEffect& effect) {
  Footprint footprint = footprint_of({&effect.adds, &effect.fills});
  for (const PlanEffect::Rename& renamed : effect.renames) use_of(footprint, {renamed.table.schema, renamed.to});
  return footprint;
}

}  // namespace switchback
