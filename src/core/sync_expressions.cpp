#include <algorithm>
#include <array>
#include <set>

#include "switchback/core/sync.hpp"
#include "sync_text.hpp"

namespace switchback {
namespace {

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

std::string row_prefix() {
  return quote_identifier(row_alias) + ".";
}

// Names that the grammar itself reads as types of pg_catalog, whatever the search_path is; format_type writes them.
constexpr std::array key_word_types = {"bigint",  "bit",      "boolean", "character", "double precision",
                                       "integer", "interval", "numeric", "real",      "smallint",
                                       "time",    "timestamp"};

bool starts_with_word(std::string_view text, std::string_view word) {
  if (!text.starts_with(word)) return false;
  if (text.size() == word.size()) return true;
  const char next = text[word.size()];
  return next == ' ' || next == '(' || next == '[';
}

std::string same_sides(const std::vector<SyncColumn>& side,
                       const std::vector<std::pair<std::string, ResolvedExpression>>& expressions,
                       std::string_view row) {
  std::vector<std::string> same;
  for (const auto& [name, expression] : expressions) {
    const auto column = std::ranges::find(side, name, &SyncColumn::name);
    // What reads nothing of the row (now(), a constant) says nothing of the sides: any value is as good.
    if (column == side.end() || expression.columns.empty()) continue;
    same.push_back("NOT " + differs_sql(*column, std::string(row) + "." + quote_identifier(name),
                                        "CAST((" + expression.in(row) + ") AS " + qualified_type(column->type) + ")"));
  }
  return joined(same, " AND ", "true");
}

std::string judged(const SyncPlan& plan, std::string_view row, const std::string& agree) {
  const std::string marker = std::string(row) + "." + quote_identifier(plan.marker);
  const auto marked = [&](const char* value) {
    return marker + " OPERATOR(pg_catalog.=) '" + value + "'::pg_catalog.\"char\"";
  };
  std::string sql = "CASE WHEN " + marker + " IS NULL THEN false WHEN " + marked("b") + " THEN true WHEN (" +
                    marked("f") + ") OR (" + marked("r") + ") THEN NULL";
  // CASE, not OR: the planner may evaluate the arms of an OR in any order, and forward may raise where `where` is
  // false.
  if (plan.where) sql += " WHEN (" + plan.where->in(row) + ") IS NOT TRUE THEN true";
  return sql + agree + " ELSE false END";
}

}  // namespace

std::string joined(const std::vector<std::string>& parts, std::string_view by, std::string_view none) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : std::string(by)) + part;
  return parts.empty() ? std::string(none) : out;
}

std::string qualified_type(std::string_view type) {
  bool quotes = false;
  for (const char c : type) {
    if (c == '"') quotes = !quotes;
    if (c == '.' && !quotes) return std::string(type);
  }
  if (std::ranges::any_of(key_word_types, [&](std::string_view word) { return starts_with_word(type, word); }))
    return std::string(type);
  return "pg_catalog." + std::string(type);
}

std::string assignable_type(std::string_view type) {
  // An explicit cast to varchar(5) cuts, an assignment refuses; so the length must be left to the assignment. Written
  // as a plain name these types have none, while the key words would read `character` as character(1).
  struct Stripped {
    std::string_view written;
    std::string_view bare;
  };
  constexpr std::array types = {Stripped{"character varying", "varchar"}, Stripped{"character", "bpchar"},
                                Stripped{"bit varying", "varbit"}, Stripped{"bit", "\"bit\""}};
  for (const Stripped& one : types) {
    if (!starts_with_word(type, one.written)) continue;
    const std::size_t array = type.find('[');
    return "pg_catalog." + std::string(one.bare) +
           (array == std::string_view::npos ? "" : std::string(type.substr(array)));
  }
  return qualified_type(type);
}

std::string ResolvedExpression::in(std::string_view row) const {
  return replaced(sql, row_prefix(), std::string(row) + ".");
}

ResolvedExpression renamed(ResolvedExpression expression, std::string_view from, std::string_view to) {
  expression.sql = replaced(expression.sql, row_prefix() + quote_identifier(from), row_prefix() + quote_identifier(to));
  std::ranges::replace(expression.columns, std::string(from), std::string(to));
  return expression;
}

SyncColumn sync_column(const ColumnFacts& column) {
  return {.name = column.name,
          .type = column.type,
          .not_null = column.not_null,
          .default_value = column.default_value,
          .bitwise_equality = column.bitwise_equality,
          .default_volatile = column.default_volatile || column.identity,
          .number = column.number};
}

std::string marker_name(std::string_view plan) {
  return fit_name("_switchback_" + std::string(plan));
}

std::string tombstone_name(std::string_view plan, std::string_view column) {
  return fit_name("_switchback_" + std::string(plan) + "_" + std::string(column));
}

std::string sync_function_name(std::uint32_t table_oid) {
  return "switchback." + quote_identifier("sync_" + std::to_string(table_oid));
}

std::string differs_sql(const SyncColumn& column, std::string_view left, std::string_view right) {
  const std::string a(left);
  const std::string b(right);
  // IS DISTINCT FROM would be shorter, but it looks its operator up in the search_path of whoever writes.
  if (column.bitwise_equality)
    return "((" + a + " OPERATOR(pg_catalog.=) " + b + ") IS NOT TRUE AND NOT (" + a + " IS NULL AND " + b +
           " IS NULL))";
  // Without ::record the parser compares field by field, with the operators that hide the difference.
  return "(ROW(" + a + ")::pg_catalog.record OPERATOR(pg_catalog.*<>) ROW(" + b + ")::pg_catalog.record)";
}

std::string fill_set_sql(const SyncPlan& plan, std::string_view row) {
  std::string sql;
  for (const auto& [name, expression] : plan.forward) {
    std::string value = expression.in(row);
    if (plan.where) {
      const auto column = std::ranges::find(plan.new_side, name, &SyncColumn::name);
      const std::string type = column == plan.new_side.end() ? expression.type : column->type;
      value = "CASE WHEN " + plan.where->in(row) + " THEN CAST((" + value + ") AS " + assignable_type(type) +
              ") ELSE " + std::string(row) + "." + quote_identifier(name) + " END";
    }
    sql += quote_identifier(name) + " = (" + value + "), ";
  }
  return sql + quote_identifier(plan.marker) + " = 's'";
}

std::string refill_old_set_sql(const SyncPlan& plan, std::string_view row) {
  std::string sql;
  for (const auto& [name, expression] : plan.reverse)
    sql += quote_identifier(name) + " = (" + expression.in(row) + "), ";
  return sql + quote_identifier(plan.marker) + " = 's'";
}

std::vector<SyncPlan> independent_parts(const SyncPlan& plan) {
  // While restoring, every expression of the forward side reads the archive, and for that all of the other side; what
  // belongs together the conversions say that are its reverse.
  const bool restoring = plan.forward_failed != 'f';
  if (restoring && plan.reverse.empty()) return {plan};
  std::vector<std::set<std::string>> parts;  // columns that a conversion ties together
  std::set<std::string> of_nothing;          // set from no column of the row: they go with the first part
  const auto is_side = [&](const std::string& column) {
    return std::ranges::any_of(std::array{&plan.old_side, &plan.new_side}, [&](const auto* side) {
      return std::ranges::find(*side, column, &SyncColumn::name) != side->end();
    });
  };
  const auto tie = [&](std::set<std::string> tied) {
    std::erase_if(parts, [&](const std::set<std::string>& part) {
      const bool meets = std::ranges::any_of(part, [&](const auto& column) { return tied.contains(column); });
      if (meets) tied.insert(part.begin(), part.end());
      return meets;
    });
    parts.push_back(std::move(tied));
  };
  for (const auto* expressions : {&plan.forward, &plan.reverse})
    for (const auto& [name, expression] : *expressions) {
      std::set<std::string> tied{name};
      if (!restoring || expressions == &plan.reverse)
        for (const std::string& column : expression.columns)
          if (is_side(column)) tied.insert(column);
      if (tied.size() == 1 && !restoring)
        of_nothing.insert(name);
      else
        tie(std::move(tied));
    }
  for (const auto& [name, expression] : plan.forward)
    if (restoring && expression.sql.find(archived_unchanged) != std::string::npos &&
        std::ranges::find(parts, std::set<std::string>{name}) != parts.end())
      return {plan};  // it is converted from columns that nothing is converted to
  if (parts.size() < 2) return {plan};
  for (const std::string& column : of_nothing)
    if (std::ranges::none_of(parts, [&](const auto& part) { return part.contains(column); }))
      parts.front().insert(column);
  std::vector<SyncPlan> result;
  for (const std::set<std::string>& part : parts) {
    const auto outside = [&](const auto& entry) {
      if constexpr (requires { entry.first; })
        return !part.contains(entry.first);
      else
        return !part.contains(entry.name);
    };
    SyncPlan& own = result.emplace_back(plan);
    std::erase_if(own.old_side, outside);
    std::erase_if(own.new_side, outside);
    std::erase_if(own.forward, outside);
    std::erase_if(own.reverse, outside);
  }
  return result;
}

std::string in_step_sql(const SyncPlan& plan, std::string_view row) {
  const auto agree = [&](const SyncPlan& part) {
    std::string arms = " WHEN " + same_sides(part.new_side, part.forward, row) + " THEN true";
    if (!part.reverse.empty()) arms += " WHEN " + same_sides(part.old_side, part.reverse, row) + " THEN true";
    return arms;
  };
  const std::vector<SyncPlan> parts = independent_parts(plan);
  if (parts.size() == 1) return judged(plan, row, agree(plan));
  std::vector<std::string> each;
  each.reserve(parts.size());
  for (const SyncPlan& part : parts) each.push_back("(CASE" + agree(part) + " ELSE false END)");
  return judged(plan, row, " WHEN " + joined(each, " AND ", "true") + " THEN true");
}

std::string in_step_by_reverse_sql(const SyncPlan& plan, std::string_view row) {
  if (plan.reverse.empty()) return judged(plan, row, "");
  return judged(plan, row, " WHEN " + same_sides(plan.old_side, plan.reverse, row) + " THEN true");
}

}  // namespace switchback
