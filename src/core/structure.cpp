#include "switchback/core/structure.hpp"

namespace switchback {

std::string shown(const Structure& structure) {
  const std::string schema = shown(std::string_view(structure.table.schema)) + ".";
  if (structure.kind == Structure::Kind::index) return schema + shown(std::string_view(structure.name));
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
  }
  return "column";
}

std::vector<Structure> structures_of(const std::vector<Step>& contract_steps) {
  std::vector<Structure> structures;
  for (const Step& step : contract_steps) {
    if (const auto* column = std::get_if<DropColumn>(&step.action))
      structures.push_back({Structure::Kind::column, column->table, column->name});
    if (const auto* index = std::get_if<DropIndex>(&step.action))
      structures.push_back({Structure::Kind::index, {index->name.schema, ""}, index->name.name});
    if (const auto* constraint = std::get_if<DropConstraint>(&step.action))
      structures.push_back({Structure::Kind::constraint, constraint->table, constraint->name});
  }
  return structures;
}

}  // namespace switchback
