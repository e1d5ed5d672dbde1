// The rules, per plan of the table and row.
//
// Marker: NULL unfilled, 's' in sync, 'f' forward failed, 'r' reverse failed, 'b' both sides written by the application
// with values that do not agree.
//
// UPDATE. An unfilled row is first made what the backfill would have made of it, in OLD and, where the statement did
// not write the column, in NEW; then the rules for a filled row hold, and the outcome does not depend on how far the
// backfill is. Only the old side changed: forward. Only the new side: reverse. Both: as written. Neither: nothing.
// INSERT. A side whose columns are not all at their defaults was supplied. Neither: forward, but reverse where an old
// NOT NULL column would stay NULL, or the session or the plan prefers the new side.
// A conversion that raises, does not fit or gives NULL for NOT NULL never fails the statement: after forward the new
// side becomes NULL where it may, after reverse the old side stays, and the marker says so.
//
// A plan whose conversions fall into parts without a column in common asks of each part by itself what was written; its
// marker is the worst of theirs. On INSERT a part that shows nothing follows one that shows that the new side came.
//
// Several plans: reverse against the order of dependency, then forward along it, each plan in one direction only, and
// "changed" is looked at when a plan's turn comes, so that one plan's output is the next one's input.
//
// No name in the body is looked up through the search_path: it belongs to whoever writes.
#include "switchback/core/sync.hpp"

#include <algorithm>
#include <functional>

#include "sync_text.hpp"

namespace switchback {
namespace {

constexpr std::string_view char_type = "pg_catalog.\"char\"";

std::string field(std::string_view row, std::string_view column) {
  return std::string(row) + "." + quote_identifier(column);
}
std::string mark(char value) {
  return std::string("'") + value + "'::" + std::string(char_type);
}
std::string is_null(const std::string& value) {
  // Of the value itself: IS NULL would also be true for a composite value of NULLs. With a NULL literal no operator is
  // looked up (transformAExprDistinct in parse_expr.c).
  return "(" + value + " IS NOT DISTINCT FROM NULL)";
}
std::string omit_setting(std::uint32_t oid) {
  return "switchback.omit_" + std::to_string(oid);
}
std::string note_of(const SyncColumn& column) {
  return "," + std::to_string(column.number) + ",";
}

using Expressions = std::vector<std::pair<std::string, ResolvedExpression>>;

const ResolvedExpression* expression_for(const Expressions& expressions, std::string_view column) {
  const auto found =
      std::ranges::find(expressions, column, [](const auto& pair) { return std::string_view(pair.first); });
  return found == expressions.end() ? nullptr : &found->second;
}

/// One plan's share of the function's text. Its locals end in its number.
class PlanText {
 public:
  PlanText(const SyncTable& table, std::size_t index)
      : table_(table), plan_(table.plans[index]), number_(std::to_string(index + 1)), index_(index) {
    for (std::size_t k = 0; k < table.plans.size(); ++k)
      if (table.plans[k].marker == plan_.marker) parts_.push_back(k);
    alone_ = parts_.size() == table.plans.size();
  }

  std::string declarations() const;
  std::string begin_insert() const;
  std::string begin_update() const;
  std::string reverse_turn() const;
  std::string forward_turn() const;
  std::string end() const;
  std::string changed(bool marker_too) const;

 private:
  std::string local(const char* stem) const { return stem + number_; }
  std::string value_of(const char* stem, const std::string& column, const std::vector<SyncColumn>& side) const {
    const auto found = std::ranges::find(side, column, &SyncColumn::name);
    return stem + number_ + "_" + std::to_string(found - side.begin());
  }
  std::string forward_value(const std::string& column) const { return value_of("f", column, plan_.new_side); }
  std::string reverse_value(const std::string& column) const { return value_of("r", column, plan_.old_side); }
  std::string marker(std::string_view row) const { return field(row, plan_.marker); }
  bool reversible() const { return !plan_.reverse.empty(); }

  std::string before(const std::string& column) const;
  std::string in_before(const ResolvedExpression& expression) const;
  std::string changed_since(const std::vector<SyncColumn>& side) const;
  std::string supplied(const std::vector<SyncColumn>& side) const;
  bool untellable(const std::vector<SyncColumn>& side) const;

  std::string guarded(const std::string& body, const std::string& indent) const;
  std::string compute_forward(std::string_view row, bool guard, const std::string& indent) const;
  std::string compute_reverse(bool guard, const std::string& indent) const;
  std::string fold() const;
  std::string flags(bool again) const;
  std::string scope() const;
  std::string forward() const;
  std::string reverse(const std::string& indent) const;
  std::string agreement(const std::string& indent) const;
  std::string both() const;
  std::string new_side_came() const;
  std::string of_parts(const std::function<std::string(const std::string&)>& text, std::string_view by,
                       bool others = false) const;

  const SyncTable& table_;
  const SyncPlan& plan_;
  std::string number_;
  std::size_t index_;
  std::vector<std::size_t> parts_;  ///< the plan's, this one among them
  bool alone_ = true;               ///< no other plan
};

std::string PlanText::declarations() const {
  const auto side = [&](const char* stem, const std::vector<SyncColumn>& columns, const Expressions& expressions) {
    std::string out;
    for (std::size_t i = 0; i < columns.size(); ++i)
      if (expression_for(expressions, columns[i].name))
        out += "  " + std::string(stem) + number_ + "_" + std::to_string(i) + " " + qualified_type(columns[i].type) +
               ";\n";
    return out;
  };
  std::string out = "  o" + number_ + " boolean; n" + number_ + " boolean; d" + number_ + " boolean := false; u" +
                    number_ + " boolean := false; m" + number_ + " " + std::string(char_type) + ";\n";
  if (plan_.where) out += "  w" + number_ + " boolean; e" + number_ + " boolean := false;\n";
  return out + side("f", plan_.new_side, plan_.forward) + side("b", plan_.new_side, plan_.forward) +
         side("r", plan_.old_side, plan_.reverse);
}

/// The column as the rules see it: in OLD, or, where an unfilled row was filled first, as forward gave it. OLD itself
/// is only read: assigning to a field that the stored row does not have yet (a column added with a default) makes
/// PostgreSQL free memory of the table's cached descriptor (expanded_record_set_field_internal, seen with 15).
std::string PlanText::before(const std::string& column) const {
  for (std::size_t k = 0; k < table_.plans.size(); ++k) {
    const SyncPlan& plan = table_.plans[k];
    if (!expression_for(plan.forward, column)) continue;
    const auto found = std::ranges::find(plan.new_side, column, &SyncColumn::name);
    const std::string number = std::to_string(k + 1);
    return "(CASE WHEN u" + number + " THEN b" + number + "_" + std::to_string(found - plan.new_side.begin()) +
           " ELSE " + field("OLD", column) + " END)";
  }
  return field("OLD", column);
}

std::string PlanText::in_before(const ResolvedExpression& expression) const {
  ResolvedExpression read = expression;
  for (const std::string& column : expression.columns) {
    if (expression_for(plan_.forward, column) || before(column) == field("OLD", column)) continue;
    const std::string written = field(quote_identifier(row_alias), column);
    for (std::size_t at = read.sql.find(written); at != std::string::npos; at = read.sql.find(written, at + 1))
      read.sql.replace(at, written.size(), before(column));
  }
  return read.in("OLD");
}

std::string PlanText::changed_since(const std::vector<SyncColumn>& side) const {
  std::vector<std::string> parts;
  parts.reserve(side.size());
  for (const SyncColumn& column : side)
    parts.push_back(differs_sql(column, field("NEW", column.name), before(column.name)));
  return joined(parts, " OR ", "false");
}

/// Some column is not what it would be by default; in exact mode: or was named with its default's value.
std::string PlanText::supplied(const std::vector<SyncColumn>& side) const {
  std::vector<std::string> parts;
  for (const SyncColumn& column : side) {
    const std::string value = field("NEW", column.name);
    if (plan_.exact)
      parts.push_back("pg_catalog.strpos(om, " + quote_literal(note_of(column)) + ") OPERATOR(pg_catalog.=) 0");
    if (column.default_volatile) continue;
    if (column.default_value)
      parts.push_back(
          differs_sql(column, value, "CAST((" + *column.default_value + ") AS " + qualified_type(column.type) + ")"));
    else
      parts.push_back("NOT " + is_null(value));
  }
  return joined(parts, " OR ", "false");
}

bool PlanText::untellable(const std::vector<SyncColumn>& side) const {
  return !plan_.exact && std::ranges::any_of(side, &SyncColumn::default_volatile);
}

std::string PlanText::guarded(const std::string& body, const std::string& indent) const {
  return indent + "BEGIN\n" + body + indent + "EXCEPTION WHEN OTHERS THEN\n" + indent +
         "  IF pg_catalog.left(SQLSTATE, 2) OPERATOR(pg_catalog.=) ANY "
         "(ARRAY['40','53','57','58','XX']::pg_catalog.text[])"
         " THEN RAISE; END IF;  -- not the value's fault\n" +
         indent + "  ok := false;\n" + indent + "END;\n";
}

/// Into locals, since an exception block does not undo assignments to NEW.
std::string PlanText::compute_forward(std::string_view row, bool guard, const std::string& indent) const {
  std::string body;
  std::vector<std::string> nulls;
  for (const auto& [name, expression] : plan_.forward) {
    body += indent + "  " + forward_value(name) + " := " + (row == "OLD" ? in_before(expression) : expression.in(row)) +
            ";\n";
    const auto column = std::ranges::find(plan_.new_side, name, &SyncColumn::name);
    if (column->not_null) nulls.push_back(is_null(forward_value(name)));
  }
  if (guard && !nulls.empty()) body += indent + "  ok := NOT (" + joined(nulls, " OR ", "") + ");\n";
  return indent + "ok := true;\n" + (guard ? guarded(body, indent) : body);
}

std::string PlanText::compute_reverse(bool guard, const std::string& indent) const {
  std::string body;
  std::vector<std::string> nulls;
  for (const auto& [name, expression] : plan_.reverse) {
    body += indent + "  " + reverse_value(name) + " := " + expression.in("NEW") + ";\n";
    const auto column = std::ranges::find(plan_.old_side, name, &SyncColumn::name);
    if (column->not_null) nulls.push_back(is_null(reverse_value(name)));
  }
  if (guard && !nulls.empty()) body += indent + "  ok := NOT (" + joined(nulls, " OR ", "") + ");\n";
  return indent + "ok := true;\n" + (guard ? guarded(body, indent) : body);
}

std::string PlanText::begin_insert() const {
  return "    IF NOT " + is_null(marker("NEW")) + " THEN d" + number_ + " := true; m" + number_ +
         " := " + marker("NEW") + ";  -- moved between partitions, or restored\n    ELSE m" + number_ +
         " := " + mark('s') + "; END IF;\n";
}

/// An unfilled row: what the backfill would have done. Always caught, also with on_error: reject, since it is not this
/// statement's value that fails.
std::string PlanText::fold() const {
  const std::string in = "      ";
  std::string fill = compute_forward("OLD", true, in) + in + "IF ok THEN\n" + in + "  u" + number_ + " := true;\n";
  for (const auto& [name, expression] : plan_.forward) {
    const auto column = std::ranges::find(plan_.new_side, name, &SyncColumn::name);
    const std::string value = forward_value(name);
    fill += in + "  IF NOT " + differs_sql(*column, field("NEW", name), field("OLD", name)) + " THEN " +
            field("NEW", name) + " := " + value + "; END IF;\n" + in + "  " + value_of("b", name, plan_.new_side) +
            " := " + value + ";\n";
  }
  fill += in + "ELSE m" + number_ + " := " + mark(plan_.forward_failed) + ";\n" + in + "END IF;\n";
  const std::string start = in + "m" + number_ + " := " + mark('s') + ";\n";
  if (!plan_.where) return start + fill;
  return start + in + "IF w" + number_ + " THEN\n" + fill + in + "END IF;\n";
}

std::string PlanText::begin_update() const {
  std::string out;
  if (plan_.where) {
    out += "    ok := true;\n" +
           guarded("      w" + number_ + " := (" + in_before(*plan_.where) + ") IS TRUE;\n", "    ") +
           "    IF NOT ok THEN w" + number_ + " := false; END IF;\n    e" + number_ + " := NOT w" + number_ + ";\n";
  }
  return out + "    IF " + is_null(marker("OLD")) + " THEN\n      IF " + is_null(marker("NEW")) +
         " THEN  -- unfilled\n" + fold() + "      ELSE d" + number_ + " := true; m" + number_ + " := " + marker("NEW") +
         ";  -- the backfill\n      END IF;\n    ELSIF (" + marker("NEW") + " OPERATOR(pg_catalog.=) " + marker("OLD") +
         ") IS NOT TRUE AND engine THEN d" + number_ + " := true; m" + number_ + " := " + marker("NEW") +
         ";  -- a quarantined row, tried again\n    ELSE m" + number_ + " := " + marker("OLD") +
         ";  -- an image cannot set it\n    END IF;\n";
}

/// Which sides changed; `again`: only the old side, which another plan may have written since.
std::string PlanText::flags(bool again) const {
  const std::string in = "    ";
  const std::string o = local("o");
  const std::string n = local("n");
  std::string out = in + "IF inserting THEN\n";
  out += in + "  " + o + " := " + (again ? o + " OR " : "") + supplied(plan_.old_side) + ";\n";
  if (!again) {
    out += in + "  " + n + " := " + supplied(plan_.new_side) + ";\n";
    const bool old_unknown = untellable(plan_.old_side);
    const bool new_unknown = untellable(plan_.new_side);
    if (old_unknown || new_unknown) {
      // A volatile default cannot be compared with: such a side may have been supplied. One at its known default never
      // wins over it; between two that may both have been, the plan's `master` chooses.
      const char* old_wins = plan_.new_side_wins_insert ? "false" : "true";
      const char* new_wins = plan_.new_side_wins_insert ? "true" : "false";
      out += in + "  IF NOT (" + o + " AND " + n + ") THEN\n" + in + "    " + o + " := " + o + " OR " +
             (old_unknown ? "true" : "false") + "; " + n + " := " + n + " OR " + (new_unknown ? "true" : "false") +
             ";\n" + in + "    IF " + o + " AND " + n + " THEN " + o + " := " + old_wins + "; " + n +
             " := " + new_wins + "; END IF;\n" + in + "  END IF;\n";
    }
  }
  out += in + "ELSE\n" + in + "  " + o + " := " + changed_since(plan_.old_side) + ";\n";
  if (!again) out += in + "  " + n + " := " + changed_since(plan_.new_side) + ";\n";
  return out + in + "END IF;\n";
}

/// w: whether the row as it is now is one that the plan converts.
std::string PlanText::scope() const {
  if (!plan_.where) return "";
  const std::string body = "      w" + number_ + " := (" + plan_.where->in("NEW") + ") IS TRUE;\n";
  return "    ok := true;\n" + guarded(body, "    ") + "    IF NOT ok THEN d" + number_ + " := true; m" + number_ +
         " := " + mark(plan_.forward_failed) + "; w" + number_ + " := false;\n    ELSIF NOT w" + number_ + " THEN m" +
         number_ + " := " + mark('s') + "; END IF;\n";
}

std::string PlanText::forward() const {
  const std::string in = "      ";
  std::string out = compute_forward("NEW", !plan_.reject, in);
  out += in + "IF ok THEN\n" + in + "  m" + number_ + " := " + mark('s') + ";\n";
  for (const auto& [name, expression] : plan_.forward)
    out += in + "  " + field("NEW", name) + " := " + forward_value(name) + ";\n";
  out += in + "ELSE  -- no value is better than a stale one\n" + in + "  m" + number_ +
         " := " + mark(plan_.forward_failed) + ";\n";
  for (const auto& [name, expression] : plan_.forward)
    if (!std::ranges::find(plan_.new_side, name, &SyncColumn::name)->not_null)
      out += in + "  " + field("NEW", name) + " := NULL;\n";
  return out + in + "END IF;\n";
}

std::string PlanText::reverse(const std::string& in) const {
  std::string out = compute_reverse(!plan_.reject, in);
  out += in + "IF ok THEN\n" + in + "  m" + number_ + " := " + mark('s') + ";\n";
  for (const auto& [name, expression] : plan_.reverse)
    out += in + "  " + field("NEW", name) + " := " + reverse_value(name) + ";\n";
  return out + in + "ELSE m" + number_ + " := " + mark(plan_.reverse_failed) +
         ";  -- the old side keeps what it has\n" + in + "END IF;\n";
}

/// Something for each part of the plan, or for all but this one; `text` gets the number that its locals end in.
std::string PlanText::of_parts(const std::function<std::string(const std::string&)>& text, std::string_view by,
                               bool others) const {
  std::vector<std::string> out;
  for (const std::size_t part : parts_)
    if (!others || part != index_) out.push_back(text(std::to_string(part + 1)));
  return joined(out, by, "false");
}

/// Of an INSERT: some other part had its new side alone supplied, and none its old side alone.
std::string PlanText::new_side_came() const {
  const auto alone = [](char one, char other) {
    return
        [one, other](const std::string& number) { return "(" + (one + number) + " AND NOT " + (other + number) + ")"; };
  };
  return "((" + of_parts(alone('n', 'o'), " OR ", true) + ") AND NOT (" + of_parts(alone('o', 'n'), " OR ", true) +
         "))";
}

std::string PlanText::end() const {
  const std::string set = "  " + marker("NEW") + " := ";
  if (parts_.size() == 1) return set + "m" + number_ + ";\n";
  if (parts_.front() != index_) return "";
  std::string worst;
  for (const char value : {plan_.forward_failed, plan_.reverse_failed, 'b'})
    worst +=
        " WHEN " +
        of_parts([&](const auto& number) { return "m" + number + " OPERATOR(pg_catalog.=) " + mark(value); }, " OR ") +
        " THEN " + mark(value);
  return set + "CASE" + worst + " ELSE m" + number_ + " END;\n";
}

/// `ok`: whether the values agree, in one direction at least.
std::string PlanText::agreement(const std::string& in) const {
  const auto agrees = [&](const Expressions& expressions, const std::vector<SyncColumn>& side, const char* stem) {
    std::vector<std::string> same;
    for (const auto& [name, expression] : expressions)
      same.push_back("NOT " + differs_sql(*std::ranges::find(side, name, &SyncColumn::name), field("NEW", name),
                                          value_of(stem, name, side)));
    return "ok AND " + joined(same, " AND ", "true");
  };
  std::string out = compute_forward("NEW", true, in);
  out += in + "ok := " + agrees(plan_.forward, plan_.new_side, "f") + ";\n";
  if (reversible())
    out += in + "IF NOT ok THEN\n" + compute_reverse(true, in + "  ") + in +
           "  ok := " + agrees(plan_.reverse, plan_.old_side, "r") + ";\n" + in + "END IF;\n";
  return out;
}

/// As written; the marker says whether the values agree.
std::string PlanText::both() const {
  const std::string in = "      ";
  return agreement(in) + in + "IF ok THEN m" + number_ + " := " + mark('s') + "; ELSE m" + number_ +
         " := " + mark('b') + "; END IF;\n";
}

std::string PlanText::reverse_turn() const {
  std::string out = "  IF NOT d" + number_ + " THEN\n" + flags(false) + scope();
  if (reversible()) {
    out += "    IF n" + number_ + " AND NOT o" + number_ + (plan_.where ? " AND w" + number_ : "") + " THEN\n      d" +
           number_ + " := true;\n" + reverse("      ") + "    END IF;\n";
  }
  return out + "  END IF;\n";
}

std::string PlanText::forward_turn() const {
  const std::string o = local("o");
  const std::string n = local("n");
  std::string out = "  IF NOT d" + number_ + " THEN\n";
  if (!alone_) out += flags(true) + scope();
  std::string first = "IF";
  if (plan_.where) {
    out += "    IF " + local("d") + " OR NOT " + local("w") + " THEN NULL;\n";
    first = "ELSIF";
  }
  std::vector<std::string> enough = {"inserting"};  // for forward when neither side was supplied
  if (reversible()) {
    for (const SyncColumn& column : plan_.old_side)
      if (column.not_null && !column.default_value && !column.default_volatile)
        enough.push_back("NOT " + is_null(field("NEW", column.name)));
    enough.push_back(
        plan_.new_side_wins_insert
            ? "false"
            : "(pg_catalog.current_setting('switchback.side', true) OPERATOR(pg_catalog.=) 'new') IS NOT TRUE");
    if (parts_.size() > 1) enough.push_back("NOT " + new_side_came());
  }
  out += "    " + first + " " + n + " THEN\n" + both();
  out += "    ELSIF " + o + (plan_.where ? " OR " + local("e") : "") + " OR (" + joined(enough, " AND ", "") +
         ") THEN\n" + forward();
  if (reversible()) out += "    ELSIF inserting THEN\n" + reverse("      ");
  // The marker is of all parts: what it says of this one, which was not written, is looked up.
  if (parts_.size() > 1)
    out += "    ELSIF NOT " + local("u") + " AND " + local("m") + " OPERATOR(pg_catalog.<>) " + mark('s') + " THEN\n" +
           agreement("      ") + "      IF ok THEN " + local("m") + " := " + mark('s') + "; END IF;\n";
  return out + "    END IF;\n  END IF;\n";
}

/// For the WHEN of the update trigger: what the function would do something about.
std::string PlanText::changed(bool marker_too) const {
  std::vector<std::string> parts;
  if (marker_too) parts.push_back(marker("NEW") + " IS DISTINCT FROM " + marker("OLD"));
  for (const auto* side : {&plan_.old_side, &plan_.new_side})
    for (const SyncColumn& column : *side)
      parts.push_back(differs_sql(column, field("NEW", column.name), field("OLD", column.name)));
  if (plan_.where)
    for (const std::string& column : plan_.where->columns)
      parts.push_back(differs_sql({.name = column, .type = "", .default_value = {}, .bitwise_equality = false},
                                  field("NEW", column), field("OLD", column)));
  return joined(parts, " OR ", "false");
}

std::vector<PlanText> texts_of(const SyncTable& table) {
  std::vector<PlanText> texts;
  for (std::size_t i = 0; i < table.plans.size(); ++i) texts.emplace_back(table, i);
  return texts;
}

std::string body_of(SyncTable table) {
  std::vector<SyncPlan> parts;
  for (const SyncPlan& plan : table.plans)
    for (SyncPlan& part : independent_parts(plan)) parts.push_back(std::move(part));
  table.plans = std::move(parts);
  const std::vector<PlanText> plans = texts_of(table);
  const bool exact = std::ranges::any_of(table.plans, &SyncPlan::exact);
  const std::string setting = quote_literal(omit_setting(table.oid));
  std::string out =
      "\n#variable_conflict use_column\nDECLARE\n  inserting boolean := TG_OP OPERATOR(pg_catalog.=) 'INSERT';\n"
      "  engine boolean; ok boolean;\n";
  if (exact) out += "  om pg_catalog.text;\n";
  for (const PlanText& plan : plans) out += plan.declarations();
  out += "BEGIN\n  IF inserting THEN\n";
  if (exact)
    out += "    om := COALESCE(pg_catalog.current_setting(" + setting +
           ", true), '');\n"
           "    IF om OPERATOR(pg_catalog.<>) '' THEN PERFORM pg_catalog.set_config(" +
           setting + ", '', true); END IF;\n";
  for (const PlanText& plan : plans) out += plan.begin_insert();
  out +=
      "  ELSE\n    engine := (pg_catalog.current_setting('switchback.engine', true) OPERATOR(pg_catalog.=) 'on') IS "
      "TRUE;\n";
  for (const PlanText& plan : plans) out += plan.begin_update();
  out += "  END IF;\n";
  for (auto plan = plans.rbegin(); plan != plans.rend(); ++plan) out += plan->reverse_turn();
  for (const PlanText& plan : plans) out += plan.forward_turn();
  for (const PlanText& plan : plans) out += plan.end();
  return out + "  RETURN NEW;\nEND\n";
}

std::string set_default(const SyncTable& table, const SyncColumn& column, const std::string& value) {
  return "ALTER TABLE " + quoted(table.name) + " ALTER COLUMN " + quote_identifier(column.name) + value + ";\n";
}

}  // namespace

std::string sync_function_sql(const SyncTable& table) {
  return "CREATE OR REPLACE FUNCTION " + sync_function_name(table.oid) +
         "() RETURNS pg_catalog.trigger LANGUAGE plpgsql" +
         (table.definer ? " SECURITY DEFINER SET search_path = pg_catalog, pg_temp" : "") + " AS " +
         dollar_quote(body_of(table)) + ";\n";
}

std::string sync_triggers_sql(const SyncTable& table) {
  // No WHEN on INSERT: it would be prepared anew by every statement, and the function has to look at each row anyway.
  std::vector<std::string> unfilled;
  std::vector<std::string> changed;
  const std::vector<PlanText> plans = texts_of(table);
  for (std::size_t i = 0; i < plans.size(); ++i) {
    unfilled.push_back(field("NEW", table.plans[i].marker) + " IS NULL");
    changed.push_back("(" + field("OLD", table.plans[i].marker) + " IS NOT NULL AND (" + plans[i].changed(true) + "))");
  }
  const std::string target = " ON " + quoted(table.name);
  const std::string insert = quote_identifier(sync_insert_trigger);
  const std::string update = quote_identifier(sync_update_trigger);
  const std::string run = " EXECUTE FUNCTION " + sync_function_name(table.oid) + "();\n";
  return "DROP TRIGGER IF EXISTS " + insert + target + ";\nDROP TRIGGER IF EXISTS " + update + target +
         ";\nCREATE TRIGGER " + insert + " BEFORE INSERT" + target + " FOR EACH ROW" + run + "CREATE TRIGGER " +
         update + " BEFORE UPDATE" + target + " FOR EACH ROW WHEN (" + joined(unfilled, " OR ", "false") + " OR " +
         joined(changed, " OR ", "false") + ")" + run + "ALTER TABLE " + quoted(table.name) +
         " ENABLE ALWAYS TRIGGER " + insert + ", ENABLE ALWAYS TRIGGER " + update + ";\n";
}

std::string sync_drop_sql(std::uint32_t table_oid, const TableName& table) {
  const std::string target = " ON " + quoted(table) + ";\n";
  return "DROP TRIGGER IF EXISTS " + quote_identifier(sync_insert_trigger) + target + "DROP TRIGGER IF EXISTS " +
         quote_identifier(sync_update_trigger) + target + "DROP FUNCTION IF EXISTS " + sync_function_name(table_oid) +
         "();\n";
}

std::string exact_defaults_sql(const SyncTable& table, const SyncPlan& plan) {
  std::string out =
      "CREATE OR REPLACE FUNCTION switchback.omit(setting pg_catalog.text, note pg_catalog.text, value "
      "pg_catalog.anyelement)\n"
      "  RETURNS pg_catalog.anyelement LANGUAGE plpgsql VOLATILE AS " +
      dollar_quote(
          "\nBEGIN\n  PERFORM pg_catalog.set_config(setting, pg_catalog.concat(pg_catalog.current_setting(setting, "
          "true), note), "
          "true);\n  RETURN value;\nEND\n") +
      ";\n";
  for (const auto* side : {&plan.old_side, &plan.new_side})
    for (const SyncColumn& column : *side)
      out += set_default(table, column,
                         " SET DEFAULT switchback.omit(" + quote_literal(omit_setting(table.oid)) + ", " +
                             quote_literal(note_of(column)) + ", CAST((" + column.default_value.value_or("NULL") +
                             ") AS " + qualified_type(column.type) + "))");
  return out;
}

std::string exact_undo_sql(const SyncTable& table, const SyncPlan& plan) {
  std::string out;
  for (const auto* side : {&plan.old_side, &plan.new_side})
    for (const SyncColumn& column : *side)
      out +=
          set_default(table, column, column.default_value ? " SET DEFAULT " + *column.default_value : " DROP DEFAULT");
  return out;
}

}  // namespace switchback
