#include "switchback/core/taken_object.hpp"

#include "switchback/core/sql.hpp"

namespace switchback {

std::string hidden_schema(std::string_view plan, std::string_view schema) {
  return fit_name("switchback_hidden." + std::string(plan) + "." + std::string(schema));
}

std::vector<std::string> make_hidden_schema_sql(std::string_view plan, std::string_view schema) {
  const std::string name = quote_identifier(hidden_schema(plan, schema));
  return {"CREATE SCHEMA IF NOT EXISTS " + name, "REVOKE ALL ON SCHEMA " + name + " FROM PUBLIC",
          "COMMENT ON SCHEMA " + name + " IS " +
              quote_literal("Hidden by switchback: what plan " + std::string(plan) + " takes from schema " +
                            std::string(schema))};
}

std::string move_sql(const TakenObject& object, std::string_view identity, std::string_view schema) {
  return "ALTER " + object.word + " " + std::string(identity) + " SET SCHEMA " + quote_identifier(schema);
}

std::string drop_sql(const TakenObject& object, std::string_view identity) {
  return "DROP " + object.word + " " + std::string(identity) + " RESTRICT";
}

std::vector<std::string> rename_away_sql(const TakenObject& object) {
  // The view first: a statement that writes through it locks it before the table.
  return {"DROP VIEW " + quoted(TableName{object.name.schema, object.becomes}) + " RESTRICT",
          "ALTER TABLE " + quoted(object.name) + " RENAME TO " + quote_identifier(object.becomes)};
}

std::string rename_back_sql(const TakenObject& object) {
  return "ALTER TABLE " + quoted(TableName{object.name.schema, object.becomes}) + " RENAME TO " +
         quote_identifier(object.name.name);
}

Structure structure_of(const TakenObject& object) {
  return {object.kind, object.name, object.name.name, object.arguments, false, object.becomes};
}

std::vector<TakenObject> written_objects(const Plan& plan) {
  std::vector<TakenObject> objects;
  for (const Structure& structure : structures_of(plan.contract.steps)) {
    if (!is_moved(structure.kind)) continue;
    TakenObject object;
    object.kind = structure.kind;
    object.name = structure.table;
    object.arguments = structure.arguments;
    object.identity = quoted(structure.table);
    object.late = structure.kind == Structure::Kind::view;
    object.becomes = structure.becomes;
    switch (structure.kind) {
      case Structure::Kind::view:
        object.word = "VIEW";
        break;
      case Structure::Kind::type:
        object.word = "TYPE";
        break;
      case Structure::Kind::function:
        object.word = "FUNCTION";
        object.identity += "(" + structure.arguments + ")";
        break;
      case Structure::Kind::table:
      case Structure::Kind::column:
      case Structure::Kind::index:
      case Structure::Kind::constraint:
        object.word = "TABLE";
        break;
    }
    objects.push_back(std::move(object));
  }
  return objects;
}

}  // namespace switchback
