#include "switchback/core/structure.hpp"

namespace switchback {

std::string shown(const Structure& structure) {
  const std::string schema = shown(std::string_view(structure.table.schema)) + ".";
  if (structure.kind == Structure::Kind::index || is_moved(structure.kind))
    return schema + shown(std::string_view(structure.name)) +
           (structure.kind == Structure::Kind::function ? "(" + structure.arguments + ")" : "");
  return schema + shown(std::string_view(structure.table.name)) + "." + shown(std::string_view(structure.name));
}

std::string_view name(Structure::Kind kind) {
  switch (kind) {
    case Structure::Kind::column:
      return "column";
    case Structure::Kind::index:
      return "index";
    case Structure::Kind::constraint:
      return "constraint";
    case Structure::Kind::table:
      return "table";
    case Structure::Kind::view:
      return "view";
    case Structure::Kind::type:
      return "type";
    case Structure::Kind::function:
      return "function";
  }
  return "column";
}

bool is_moved(Structure::Kind kind) {
  switch (kind) {
    case Structure::Kind::column:
    case Structure::Kind::index:
    case Structure::Kind::constraint:
      return false;
    case Structure::Kind::table:
    case Structure::Kind::view:
    case Structure::Kind::type:
    case Structure::Kind::function:
      return true;
  }
  return false;
}

std::vector<Structure> structures_of(const std::vector<Step>& contract_steps) {
  std::vector<Structure> structures;
  for (const Step& step : contract_steps) {
    if (const auto* column = std::get_if<DropColumn>(&step.action))
      structures.push_back({Structure::Kind::column, column->table, column->name});
    if (const auto* replaced = std::get_if<ReplaceColumn>(&step.action))
      structures.push_back({Structure::Kind::column, replaced->table, replaced->column, {}, true});
    if (const auto* index = std::get_if<DropIndex>(&step.action))
      structures.push_back({Structure::Kind::index, {index->name.schema, ""}, index->name.name});
    if (const auto* constraint = std::get_if<DropConstraint>(&step.action))
      structures.push_back({Structure::Kind::constraint, constraint->table, constraint->name});
    if (const auto* rename = std::get_if<RenameConstraint>(&step.action))
      structures.push_back({Structure::Kind::constraint, rename->table, rename->name, {}, true});
    if (const auto* table = std::get_if<DropTable>(&step.action))
      structures.push_back({Structure::Kind::table, table->name, table->name.name});
    if (const auto* renamed = std::get_if<RenameTable>(&step.action))
      structures.push_back({Structure::Kind::table, renamed->table, renamed->table.name, {}, false, renamed->to});
    if (const auto* view = std::get_if<DropView>(&step.action))
      structures.push_back({Structure::Kind::view, view->name, view->name.name});
    if (const auto* type = std::get_if<DropType>(&step.action))
      structures.push_back({Structure::Kind::type, type->name, type->name.name});
    if (const auto* function = std::get_if<DropFunction>(&step.action))
      structures.push_back({Structure::Kind::function, function->name, function->name.name, function->arguments});
  }
  return structures;
}

}  // namespace switchback
