// A primary key of a wider type, with every column that refers to it.
#include <algorithm>
#include <deque>

#include "change_parts.hpp"
#include "change_steps.hpp"
#include "change_type.hpp"

namespace switchback::changing {
namespace {

/// One column that gets the wider type: of the key itself, or one that refers to it, directly or through others.
struct Part {
  TableFacts table;
  ColumnFacts column;
  KeySurroundings around;
};

class Rekeying {
 public:
  Rekeying(Plan& plan, const ChangeType& change, Place place, const TableLookup& lookup, const KeyLookup& keys)
      : plan_(plan), change_(change), place_(place), lookup_(lookup), keys_(keys) {}

  void run() {
    if (change_.fill || change_.reverse)
      stop(change_.table, change_.column, "is a key, whose values stay what they are: fill and reverse have no place",
           "leave them out");
    add(change_.table, change_.column);
    for (std::size_t i = 0; i < parts_.size(); ++i) follow(parts_[i]);  // it grows meanwhile
    for (const Part& part : parts_) refuse_shared(part);
    for (const Part& part : parts_) put(part);
  }

 private:
  [[noreturn]] void stop(const TableName& table, const std::string& column, const std::string& why,
                         const std::string& hint) const {
    refuse_change(plan_, place_,
                  "replace_primary_key: " + shown(table) + "." + shown(std::string_view(column)) + " " + why, hint);
  }

  KeySurroundings around(const TableName& table) const {
    const auto found = keys_ ? keys_(table) : std::nullopt;
    return found.value_or(KeySurroundings{});
  }

  bool is_there(const TableName& table, const std::string& column) const {
    return std::ranges::any_of(
        parts_, [&](const Part& part) { return part.table.name == table && part.column.name == column; });
  }

  void add(const TableName& name, const std::string& column) {
    if (is_there(name, column)) return;
    auto table = lookup_(name);
    if (!table) return;  // it has gone meanwhile: the check against the database says so
    const ColumnFacts* facts = table->column(column);
    Part part{*table, *facts, around(name)};
    if (const auto objection = rekey_objection(part.table, part.around, part.column, change_.to))
      stop(name, column, objection->why, objection->hint);
    if (facts->identity && !in_primary_key(part.table, column))
      stop(name, column, "is an identity column outside of the primary key",
           "drop the identity for the time of the plan, and let the application give the value");
    parts_.push_back(std::move(part));
  }

  /// What refers to the column: as narrow, it would take no number that the key can have then.
  void follow(const Part& part) {
    for (const ReferringColumn& one : referring_to(part.around, part.column.name)) {
      const auto table = lookup_(one.table);
      const ColumnFacts* column = table ? table->column(one.column) : nullptr;
      if (!column) continue;
      if (table->kind == 'p' || around(one.table).inherits)
        stop(one.table, one.column,
             "is in the foreign key " + shown(std::string_view(one.constraint)) +
                 " of a table that is partitioned or takes part in inheritance",
             "such a one cannot be added again without reading the rows under a lock: drop it for the time of the "
             "plan, and widen its column before");
      if (integer_bytes(column->type) < integer_bytes(change_.to)) add(one.table, one.column);
    }
  }

  bool points_at_a_part(const Part& part, const ConstraintFacts& constraint) const {
    return std::ranges::any_of(parts_, [&](const Part& other) {
      return std::ranges::any_of(referring_to(other.around, other.column.name), [&](const ReferringColumn& one) {
        return one.table == part.table.name && one.constraint == constraint.name;
      });
    });
  }

  /// A twin of an index has the new column of one alone.
  void refuse_shared(const Part& part) const {
    for (const Part& other : parts_) {
      if (&other == &part || other.table.name != part.table.name) continue;
      std::string shared;
      for (const IndexFacts& index : part.table.indexes)
        if (!index.primary && mentions(index, part.column) && mentions(index, other.column))
          shared = "index " + shown(std::string_view(index.name.name));
      for (const ConstraintFacts& one : part.table.constraints)
        if ((one.type == 'c' || (one.type == 'f' && !points_at_a_part(part, one))) && mentions(one, part.column) &&
            mentions(one, other.column))
          shared = "constraint " + shown(std::string_view(one.name));
      if (!shared.empty())
        stop(part.table.name, part.column.name,
             "is in the " + shared + " together with " + shown(std::string_view(other.column.name)) +
                 ", which is widened too",
             "drop it for the time of the plan");
    }
  }

  void put(const Part& part) {
    const TableName& table = part.table.name;
    const std::string& column = part.column.name;
    const std::string to = new_column_name(column, &part.table);
    put_step(plan_.expand, place_, AddColumn{table, to, change_.to, {}, false, column});
    Backfill backfill;
    backfill.table = table;
    backfill.set = {{to, shown(std::string_view(column))}};
    backfill.reverse = {{column, shown(std::string_view(to))}};
    if (part.column.default_volatile) backfill.master = Master::old_side;
    put_backfill(plan_, place_, std::move(backfill));
    put_step(plan_.contract.steps, place_,
             ReplaceColumn{table, column, to, put_twins(plan_, place_, part.table, part.column, to)});
  }

  Plan& plan_;
  const ChangeType& change_;
  Place place_;
  const TableLookup& lookup_;
  const KeyLookup& keys_;
  std::deque<Part> parts_;
};

}  // namespace

void expand_key(Plan& plan, const ChangeType& change, Place place, const TableLookup& lookup, const KeyLookup& keys) {
  Rekeying(plan, change, place, lookup, keys).run();
}

}  // namespace switchback::changing
