/// What an image needs of the database: tables and columns, and how its inserts name them. Pure.
#pragma once

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "switchback/core/plan.hpp"
#include "switchback/core/sql.hpp"

namespace switchback {

/// How an image inserts into a table.
enum class InsertForm {
  none,
  named,       ///< with a list of columns
  positional,  ///< INSERT without one: the first values go to the first columns
  copy,        ///< COPY without one: every column, in order
};
std::string_view name(InsertForm form);

/// What an ON CONFLICT rests on: a unique index of these columns, or a constraint by its name.
struct ConflictTarget {
  std::vector<std::string> columns;  ///< sorted, each once; "" stands for expressions
  bool predicate = false;            ///< it has a WHERE: an index of a part of the rows would do
  std::string constraint;            ///< ON CONSTRAINT; then there are no columns
  bool operator==(const ConflictTarget&) const = default;
};

/// One table, as one image uses it. Columns in the order written, each once.
struct TableUse {
  TableName table;
  std::vector<std::string> reads;
  std::vector<std::string> writes;
  bool reads_all = false;   ///< `*`
  bool writes_all = false;  ///< every column, whatever they are
  InsertForm insert = InsertForm::none;
  std::vector<std::string> supplies;   ///< what each of its inserts gives a value for
  std::vector<std::string> positions;  ///< for positional and copy: the columns it takes the table to have, in order
  bool deletes = false;
  std::vector<ConflictTarget> conflicts;
  std::vector<std::string> nulls;                          ///< columns into which it writes a literal NULL
  std::vector<std::pair<std::string, std::string>> types;  ///< column, type as the server writes it
  std::vector<std::pair<std::string, std::vector<std::string>>> values;  ///< enum column, those that it knows
  bool operator==(const TableUse&) const = default;
};

struct Footprint {
  std::vector<TableUse> tables;
  std::vector<TableName> functions, types;  ///< that it names; without a schema: found by search_path
  std::vector<TableName> relations;         ///< that it names in strings: 'x'::regclass
  std::vector<TableName> sequences;         ///< of nextval, currval and setval
  std::string role;                         ///< its login role; empty: not told
  bool prepares_star = false;               ///< prepares SELECT * and keeps it
  bool star_tolerated = false;              ///< its whole-row reads bear a column more or less
  std::vector<std::string> statements;
  std::vector<std::size_t> prepared;  ///< of `statements`: those that the server could prepare at registration
  std::vector<std::string> unclear;   ///< what could not be told from the statements, each with why
  bool partial = false;               ///< only what a plan says of the image: that it needs nothing else is not known
  bool operator==(const Footprint&) const = default;
};

/// The entry of `table`, made when there is none.
TableUse& use_of(Footprint& footprint, const TableName& table);
/// Appends unless it is there.
template <class Name>
void note_once(std::vector<Name>& names, const std::type_identity_t<Name>& name) {
  for (const Name& one : names)
    if (one == name) return;
  names.push_back(name);
}
/// Everything that either needs. Not partial when one of them is not; what was prepared is forgotten.
Footprint merged(Footprint one, const Footprint& other);

/// One table's pair of sides that sync keeps equal.
struct SyncedColumns {
  TableName table;
  std::vector<std::string> old_side, new_side;
  bool operator==(const SyncedColumns&) const = default;
};

/// What a plan does to columns, in words that a gate needs: known without reading the plan's text, so that a binary
/// which does not know all of its steps can tell.
struct PlanEffect {
  struct Column {
    TableName table;
    std::string name;
    bool operator==(const Column&) const = default;
  };
  std::vector<Column> adds;                ///< by expand
  std::vector<Column> fills;               ///< by migrate
  std::vector<Column> takes;               ///< by contract
  std::vector<Column> tightens;            ///< contract forbids NULL there
  std::vector<Column> swaps;               ///< contract puts a column of another type there, at the end of the table
  std::vector<TableName> makes_relations;  ///< by expand: tables and views
  std::vector<TableName> takes_relations, takes_functions, takes_types;
  struct Rename {
    TableName table;
    std::string to;
    bool operator==(const Rename&) const = default;
  };
  std::vector<Rename> renames;          ///< of tables; the old names are in takes_relations, the new ones are made
  std::vector<TableName> takes_keys;    ///< indexes, and constraints with their table's schema
  std::vector<TableName> renames_keys;  ///< constraints: their names go, they themselves stay
  std::vector<Column> undefaults;       ///< contract takes the default away
  std::vector<SyncedColumns> synced;
  bool contract_sql = false;         ///< contract also runs SQL of its own, of which nothing is known
  std::vector<std::string> unknown;  ///< what a newer switchback says of it, in words that this one does not know
  bool operator==(const PlanEffect&) const = default;
};

/// `plan` in the long form; `synced` as resolved by the server.
PlanEffect effect_of(const Plan& plan, std::vector<SyncedColumns> synced);
bool names(const std::vector<PlanEffect::Column>& columns, const TableName& table, std::string_view column);

/// What the plan itself says of its images: the one before needs what is taken, the one after what is added or filled.
Footprint footprint_before(const PlanEffect& effect);
Footprint footprint_after(const PlanEffect& effect);

}  // namespace switchback
