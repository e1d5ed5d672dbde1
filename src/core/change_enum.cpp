#include "change_enum.hpp"

#include <algorithm>
#include <tuple>

#include "change_parts.hpp"
#include "change_steps.hpp"
#include "change_type.hpp"
#include "switchback/core/swap.hpp"

namespace switchback::changing {
namespace {

/// As the catalog writes it.
std::string type_text(const TableName& type) {
  return shown(std::string_view(type.schema)) + "." + shown(std::string_view(type.name));
}

std::string listed(const std::vector<std::string>& values) {
  std::string text;
  for (const std::string& value : values) text += (text.empty() ? "" : ", ") + value;
  return text;
}

const std::string* found_in(const ColumnExpressions& pairs, const std::string& key) {
  const auto found = std::ranges::find(pairs, key, &std::pair<std::string, std::string>::first);
  return found == pairs.end() ? nullptr : &found->second;
}

class Replacing {
 public:
  Replacing(Plan& plan, const ChangeReplaceEnum& change, Place place, const TableLookup& lookup)
      : plan_(plan), change_(change), place_(place), lookup_(lookup), made_{change.type.schema, ""} {
    made_.name = fit_name(change.type.name + "_new");
  }

  void run() {
    put_step(plan_.expand, place_, CreateEnum{made_, change_.values});
    for (const TableName& table : change_.tables) change_columns(table);
    put_step(plan_.contract.steps, place_, ReplaceType{change_.type, made_.name});
  }

 private:
  [[noreturn]] void stop(const std::string& why, const std::string& hint) const {
    refuse_change(plan_, place_, "replace_enum: " + why, hint);
  }

  /// Which columns there are only the catalog says.
  void change_columns(const TableName& table) {
    const auto facts = lookup_ ? lookup_(table) : std::nullopt;
    if (!facts) return;
    bool any = false;
    for (const ColumnFacts& column : facts->columns) {
      if (column.type == type_text(change_.type) + "[]")
        stop(shown(table) + "." + shown(std::string_view(column.name)) + " is an array of " + shown(change_.type),
             "change it in a plan of its own, to text[], and back behind this one");
      if (column.type != type_text(change_.type)) continue;
      any = true;
      change_column(*facts, column);
    }
    if (!any)
      stop("the table " + shown(table) + " has no column of type " + shown(change_.type),
           "look at its columns with \\d " + shown(table) + ", or leave it out of tables");
  }

  void change_column(const TableFacts& facts, const ColumnFacts& column) {
    refuse_what_names_values(facts, column);
    ChangeType type{facts.name, column.name, quoted(made_), fill(column), reverse(column), default_of(facts, column)};
    expand_type(plan_, type, place_, lookup_);
  }

  /// A condition on values of the old type says nothing of the new one.
  void refuse_what_names_values(const TableFacts& facts, const ColumnFacts& column) const {
    const auto names = [&](const std::string& sql) { return retyped(sql, type_text(change_.type), "") != sql; };
    const std::string hint =
        "drop it in a plan before this one, and make it again, of the new values, in a plan behind it";
    for (const IndexFacts& index : facts.indexes)
      if (mentions(index, column) && names(index.definition))
        stop("the index " + shown(std::string_view(index.name.name)) + " names values of " + shown(change_.type), hint);
    for (const ConstraintFacts& constraint : facts.constraints)
      if (mentions(constraint, column) && names(constraint.definition))
        stop("the constraint " + shown(std::string_view(constraint.name)) + " names values of " + shown(change_.type),
             hint);
  }

  bool is_new(const std::string& value) const {
    return std::ranges::find(change_.values, value) != change_.values.end();
  }

  /// What an old value becomes; every one has its place.
  std::string heir(const ColumnFacts& column, const std::string& value) const {
    if (const std::string* to = found_in(change_.becomes, value)) return *to;
    if (!is_new(value))
      stop("the value " + value + " of " + shown(change_.type) + " becomes nothing: rows of " +
               shown(std::string_view(column.name)) + " may have it",
           "write what it becomes: becomes: { " + value + ": " +
               (change_.values.empty() ? "…" : change_.values.front()) + " }; or keep it in values");
    return value;
  }

  std::string fill(const ColumnFacts& column) const {
    for (const auto& [from, to] : change_.becomes)
      if (std::ranges::find(column.enum_values, from) == column.enum_values.end())
        stop("becomes: " + shown(change_.type) + " has no value " + from, "it has " + listed(column.enum_values));
    std::string sql = "CASE " + shown(std::string_view(column.name)) + "::text";
    for (const std::string& value : column.enum_values)
      sql += " WHEN " + quote_literal(value) + " THEN " + quote_literal(heir(column, value));
    return sql + " END";
  }

  /// Of several old values the one that has kept its name, else the first.
  std::optional<std::string> ancestor(const ColumnFacts& column, const std::string& value) const {
    if (const std::string* from = found_in(change_.reverse, value)) {
      if (std::ranges::find(column.enum_values, *from) == column.enum_values.end())
        stop("reverse: " + shown(change_.type) + " has no value " + *from, "it has " + listed(column.enum_values));
      return *from;
    }
    std::optional<std::string> found;
    for (const std::string& old : column.enum_values)
      if (heir(column, old) == value && (!found || old == value)) found = old;
    return found;
  }

  /// A value that no old one stands for fails to convert: the row is noted, as of any type that cannot hold a value.
  std::string reverse(const ColumnFacts& column) const {
    const std::string itself = shown(std::string_view(column.name)) + "::text";
    std::string cases;
    for (const std::string& value : change_.values)
      if (const auto old = ancestor(column, value); old && *old != value)
        cases += " WHEN " + quote_literal(value) + " THEN " + quote_literal(*old);
    return cases.empty() ? itself : "CASE " + itself + cases + " ELSE " + itself + " END";
  }

  std::optional<std::string> default_of(const TableFacts& facts, const ColumnFacts& column) const {
    if (!column.default_value) return std::nullopt;
    for (const std::string& value : column.enum_values)
      if (*column.default_value == quote_literal(value) + "::" + type_text(change_.type))
        return quote_literal(heir(column, value));
    stop("the default of " + shown(facts.name) + "." + shown(std::string_view(column.name)) + ", " +
             *column.default_value + ", is no value of " + shown(change_.type),
         "take it away for the time of the plan (drop_default in a plan before), and set it again behind it");
  }

  Plan& plan_;
  const ChangeReplaceEnum& change_;
  Place place_;
  const TableLookup& lookup_;
  TableName made_;  ///< the new type, under its working name
};

}  // namespace

void expand_enum(Plan& plan, const ChangeReplaceEnum& change, Place place, const TableLookup& lookup) {
  Replacing(plan, change, place, lookup).run();
}

std::optional<std::vector<std::string>> values_in_fill(const std::string& fill) {
  constexpr std::string_view mark = " WHEN ";
  if (!fill.starts_with("CASE ") || !fill.ends_with(" END")) return std::nullopt;
  std::vector<std::string> values;
  std::string_view rest = fill;
  for (auto [head, tail] = split_at(rest, mark); !tail.empty(); std::tie(head, tail) = split_at(rest, mark)) {
    rest = tail.substr(mark.size());
    if (!rest.starts_with('\'')) return std::nullopt;
    const std::size_t length = quoted_length(rest, false);
    if (length == std::string_view::npos) return std::nullopt;
    std::string value;
    for (std::size_t i = 1; i + 1 < length; ++i) {
      value += rest[i];
      if (rest[i] == '\'') ++i;  // written twice
    }
    values.push_back(std::move(value));
    rest.remove_prefix(length);
  }
  return values.empty() ? std::nullopt : std::optional(values);
}

}  // namespace switchback::changing
