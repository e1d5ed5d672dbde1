/// What contract takes away whole: tables, views, types and functions. Hidden by moving it into a schema of its own.
/// Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "switchback/core/plan.hpp"
#include "switchback/core/structure.hpp"

namespace switchback {

/// Recorded when it is hidden; found again by its oid, whatever schema it is in.
struct TakenObject {
  Structure::Kind kind = Structure::Kind::table;
  std::string word;       ///< as SQL has it: TABLE, VIEW, MATERIALIZED VIEW, TYPE, DOMAIN, FUNCTION, PROCEDURE
  std::uint32_t oid = 0;  ///< in pg_class, pg_type or pg_proc
  TableName name;         ///< as the application knows it
  std::string arguments;  ///< of a function, as the server writes them: `integer,public.mood`
  std::string identity;   ///< name and arguments, quoted where SQL needs it: `public.lowered(pg_catalog.text)`
  bool part = false;  ///< of the one before it: a partition, what a range type is made with; dropped by the drop of it
  /// Made again only once columns are filled and constraints are back: a view, or a function that the server knows to
  /// read one or to read a column that the plan drops.
  bool late = false;
  std::string becomes = {};  ///< of a table that is not hidden but renamed: its new name, in its schema
  bool operator==(const TakenObject&) const = default;
};

/// Where a plan hides what it takes from one schema, so that every name in it can stay as it is:
/// `switchback_hidden.<plan>.<schema>`.
std::string hidden_schema(std::string_view plan, std::string_view schema);
/// Makes it, for nobody but its owner, unless it is there.
std::vector<std::string> make_hidden_schema_sql(std::string_view plan, std::string_view schema);
/// `identity`: as the object is named now, quoted.
std::string move_sql(const TakenObject& object, std::string_view identity, std::string_view schema);
std::string drop_sql(const TakenObject& object, std::string_view identity);
/// Out of the way of its new name goes the view that bore it, and back again comes one, by the caller. Of a renamed
/// table only.
std::vector<std::string> rename_away_sql(const TakenObject& object);
std::string rename_back_sql(const TakenObject& object);
Structure structure_of(const TakenObject& object);

/// As the plan names it, before anything is known of it: for explain without a database. Nothing for other steps.
std::vector<TakenObject> written_objects(const Plan& plan);

}  // namespace switchback
