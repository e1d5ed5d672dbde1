#include "step_reader.hpp"

#include <algorithm>
#include <array>

#include "change_reader.hpp"
#include "ignore_reader.hpp"
#include "index_reader.hpp"
#include "making_reader.hpp"
#include "rule_reader.hpp"
#include "setting_reader.hpp"
#include "sql_look.hpp"
#include "switchback/core/change.hpp"
#include "switchback/core/rule.hpp"
#include "switchback/core/units.hpp"

namespace switchback::plan_file {
namespace {

using Names = std::array<std::string_view, 2>;

void check_new_column(Findings& findings, const Fields& fields, const std::string& name) {
  constexpr std::array<std::string_view, 6> system = {"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"};
  const Value* value = fields.find("name");
  if (value != nullptr && std::ranges::find(system, name) != system.end())
    findings.error(value->place, "name: " + name + " is a system column of every table", "choose another name");
  if (value != nullptr && name.starts_with("_switchback_"))
    findings.error(value->place, "name: names that begin with _switchback_ are switchback's own",
                   "choose another name");
}

Action read_add_column(const Source& source) {
  constexpr std::array<std::string_view, 6> known = {"table", "name", "type", "default", "not_null", "like"};
  const Fields fields(source.findings, source.arguments, "add_column", known);
  AddColumn step;
  step.table = fields.need_table("table");
  step.name = fields.need_identifier("name");
  step.like = fields.identifier("like");
  const bool like = fields.find("like") != nullptr;
  step.type = like ? fields.text("type").value_or("") : fields.need_text("type");
  step.default_value = fields.text("default");
  step.not_null = fields.boolean("not_null").value_or(false);
  check_new_column(source.findings, fields, step.name);
  if (like && fields.find("default") != nullptr)
    source.findings.error(fields.find("like")->place, "like brings the default along", "give like or default");
  if (step.not_null && fields.find("default") == nullptr)
    source.findings.error(fields.find("not_null")->place,
                          "add_column: a NOT NULL column without a default cannot be added while both images run",
                          "give a constant default; or add it nullable, fill it by a backfill, and put set_not_null "
                          "under contract: steps:");
  if (!step.default_value) return step;
  if (const auto function = called_function(*step.default_value))
    source.findings.error(fields.find("default")->place,
                          "add_column: the default calls " + *function +
                              ", so the server may have to rewrite the whole table to evaluate it for each row",
                          "give a constant; or add the column without default, then set_default and a backfill");
  return step;
}

DropNotNull read_drop_not_null(Findings& findings, const Value& arguments) {
  constexpr Names known = {"table", "column"};
  const Fields fields(findings, arguments, "drop_not_null", known);
  return {fields.need_table("table"), fields.need_identifier("column")};
}
Action read_drop_not_null_step(const Source& source) {
  return read_drop_not_null(source.findings, source.arguments);
}
template <std::size_t Index>
Action read_rule_step(const Source& source) {
  return action_of(read_rule(source.findings, rule_kinds[Index], source.arguments));
}
Action read_fix_step(const Source& source) {
  return read_fix(source.findings, source.arguments);
}

Action read_set_default(const Source& source) {
  constexpr std::array<std::string_view, 3> known = {"table", "column", "default"};
  const Fields fields(source.findings, source.arguments, "set_default", known);
  SetDefault step;
  step.table = fields.need_table("table");
  step.column = fields.need_identifier("column");
  step.default_value = fields.need_text("default");
  return step;
}

/// Notes what can be known of the statements of one key; returns nothing, a plan with errors is not used.
void check_statements(const Source& source, const std::string& sql, const Value& value, bool both_images_run) {
  const SqlLook look = look_at_sql(sql);
  if (look.unparsed) {
    source.findings.warning(
        value.place, "sql: cannot be parsed: " + *look.unparsed,
        "the server may know better (this grammar is PostgreSQL 15's): what it takes away is unknown");
    return;
  }
  if (look.empty) source.findings.error(value.place, "sql: there is no statement in it", {});
  if (look.transaction_control)
    source.findings.error(value.place, "sql: transactions are begun and ended by the engine",
                          "leave out BEGIN, COMMIT and their like");
  if (!both_images_run) return;
  for (const std::string& words : look.refused)
    source.findings.error(value.place, "sql: " + words + " takes away or tightens what images may be using",
                          "in " + std::string(source.phase) +
                              " both images must go on working: put it under contract: "
                              "steps:");
  if (look.blocking_index)
    source.findings.error(value.place, "sql: CREATE INDEX keeps writers out for as long as it builds",
                          "use create_index, which builds it concurrently");
  if (look.opaque)
    source.findings.warning(value.place, "sql: what DO and CALL do cannot be seen",
                            "it must be additive: both images are running");
}

Action read_sql(const Source& source) {
  constexpr std::array<std::string_view, 3> known = {"run", "undo", "irreversible"};
  const Fields fields(source.findings, source.arguments, "sql", known);
  Sql step;
  step.run = fields.need_text("run");
  step.undo = fields.text("undo");
  step.irreversible = fields.text("irreversible");
  const Value* undo = fields.find("undo");
  const Value* irreversible = fields.find("irreversible");
  if (fields.is_map() && undo == nullptr && irreversible == nullptr)
    source.findings.error(fields.place(), "sql needs undo",
                          "write undo: SQL that takes it back, or irreversible: reason");
  if (undo != nullptr && irreversible != nullptr)
    source.findings.error(irreversible->place, "sql has an undo and says that it is irreversible",
                          "keep one of the two");
  if (!step.run.empty()) check_statements(source, step.run, *fields.find("run"), source.phase != "contract");
  if (step.undo) check_statements(source, *step.undo, *undo, false);
  return step;
}

void read_reverse(const Source& source, const Value& value, Backfill& step) {
  const bool map = value.node->kind == Node::Kind::map;
  if (map && value.node->entries.size() == 1 && value.node->entries.front().first->value == "none") {
    constexpr std::array<std::string_view, 1> known = {"none"};
    step.reverse_none = Fields(source.findings, value, "reverse", known).text("none");
    return;
  }
  step.reverse = read_expressions(source.findings, "reverse", value);
  for (const auto& [column, expression] : step.reverse) {
    const auto same = [&column = column](const auto& entry) { return entry.first == column; };
    if (std::ranges::any_of(step.set, same))
      source.findings.error(value.place, "backfill: " + shown(column) + " is both in set and in reverse",
                            "set names the new columns, reverse the old ones");
  }
}

Action read_backfill(const Source& source) {
  constexpr std::array<std::string_view, 9> known = {"table", "set",      "reverse",       "where", "batch",
                                                     "exact", "on_error", "user_triggers", "master"};
  constexpr Names on_error = {"record", "reject"};
  constexpr Names triggers = {"fire", "skip"};
  constexpr Names master = {"old", "new"};
  const Fields fields(source.findings, source.arguments, "backfill", known);
  Backfill step;
  step.table = fields.need_table("table");
  if (const Value* set = fields.need("set")) step.set = read_expressions(source.findings, "set", *set);
  if (const Value* reverse = fields.find("reverse")) read_reverse(source, *reverse, step);
  step.where = fields.text("where");
  if (const Value* batch = fields.find("batch")) read_batch(source.findings, *batch, step.batch);
  step.exact = fields.boolean("exact").value_or(false);
  if (fields.choice("on_error", on_error) == 1U) step.on_error = OnError::reject;
  if (const auto word = fields.choice("user_triggers", triggers))
    step.user_triggers = *word == 0 ? UserTriggers::fire : UserTriggers::skip;
  if (const auto word = fields.choice("master", master)) step.master = *word == 0 ? Master::old_side : Master::new_side;
  return step;
}

Action read_verify(const Source& source) {
  constexpr Names known = {"table", "check"};
  const Fields fields(source.findings, source.arguments, "verify", known);
  Verify step;
  step.table = fields.need_table("table");
  step.check = fields.need_text("check");
  return step;
}

Action read_drop_column(const Source& source) {
  constexpr std::array<std::string_view, 3> known = {"table", "name", "born_since"};
  const Fields fields(source.findings, source.arguments, "drop_column", known);
  DropColumn step;
  step.table = fields.need_table("table");
  step.name = fields.need_identifier("name");
  step.born_since = fields.text("born_since");
  return step;
}

Action read_replace_column(const Source& source) {
  constexpr std::array<std::string_view, 4> known = {"table", "column", "with", "names"};
  const Fields fields(source.findings, source.arguments, "replace_column", known);
  ReplaceColumn step;
  step.table = fields.need_table("table");
  step.column = fields.need_identifier("column");
  step.with = fields.need_identifier("with");
  if (!step.column.empty() && step.column == step.with)
    source.findings.error(fields.find("with")->place, "replace_column: column and with are the same column",
                          "with names the new one");
  const Value* names = fields.find("names");
  if (names == nullptr) return step;
  if (names->node->kind != Node::Kind::map || names->node->entries.empty()) {
    source.findings.error(names->place, "names must be a map of indexes to those that take their names",
                          "write `names: { orders_amount_idx: orders_amount_new_idx }`, or leave it out");
    return step;
  }
  const Values values(source.findings);
  for (const auto& [name, twin] : free_entries(source.findings, *names->node)) {
    auto old_name = values.identifier("names", name);
    auto new_name = values.identifier("names", twin);
    if (old_name && new_name) step.names.emplace_back(std::move(*old_name), std::move(*new_name));
  }
  return step;
}

Action read_drop_index(const Source& source) {
  constexpr std::array<std::string_view, 1> known = {"name"};
  const Fields fields(source.findings, source.arguments, "drop_index", known);
  return DropIndex{fields.need_table("name")};
}

DropConstraint read_drop_constraint(Findings& findings, const Value& arguments) {
  constexpr Names known = {"table", "name"};
  const Fields fields(findings, arguments, "drop_constraint", known);
  return {fields.need_table("table"), fields.need_identifier("name")};
}
Action read_drop_constraint_step(const Source& source) {
  return read_drop_constraint(source.findings, source.arguments);
}

template <class StepType>
Action read_drop_by_name(const Source& source, std::string_view kind) {
  constexpr std::array<std::string_view, 1> known = {"name"};
  const Fields fields(source.findings, source.arguments, std::string(kind), known);
  return StepType{fields.need_table("name")};
}

Action read_drop_table(const Source& source) {
  return read_drop_by_name<DropTable>(source, "drop_table");
}
Action read_drop_view(const Source& source) {
  return read_drop_by_name<DropView>(source, "drop_view");
}
Action read_drop_type(const Source& source) {
  return read_drop_by_name<DropType>(source, "drop_type");
}

Action read_drop_function(const Source& source) {
  constexpr Names known = {"name", "arguments"};
  const Fields fields(source.findings, source.arguments, "drop_function", known);
  DropFunction step;
  step.name = fields.need_table("name");
  step.arguments = fields.text("arguments").value_or("");
  return step;
}

template <class Renaming>
Renaming read_renaming(Findings& findings, const Value& arguments) {
  constexpr Names known = {"table", "to"};
  const Fields fields(findings, arguments, "rename_table", known);
  Renaming step{fields.need_table("table"), fields.need_identifier("to")};
  if (!step.to.empty() && step.to == step.table.name)
    findings.error(fields.find("to")->place, "rename_table: that is its name already", {});
  if (step.to.starts_with("_switchback_"))
    findings.error(fields.find("to")->place, "to: names that begin with _switchback_ are switchback's own",
                   "choose another name");
  return step;
}
Action read_rename_table(const Source& source) {
  return read_renaming<RenameTable>(source.findings, source.arguments);
}

Action read_replace_type(const Source& source) {
  constexpr Names known = {"type", "with"};
  const Fields fields(source.findings, source.arguments, "replace_type", known);
  ReplaceType step{fields.need_table("type"), fields.need_identifier("with")};
  if (!step.with.empty() && step.with == step.type.name)
    source.findings.error(fields.find("with")->place, "replace_type: type and with are the same type", {});
  return step;
}

struct StepKind {
  std::string_view name;
  std::string_view phases;  ///< those that it may stand in
  std::string_view nature;  ///< why not in others
  Action (*read)(const Source&);
};
constexpr std::array step_kinds = {
    StepKind{"add_column", "expand", "makes new structure", read_add_column},
    StepKind{"create_index", "expand migrate", "makes new structure", read_create_index},
    StepKind{"drop_not_null", "expand", "makes room for the new image", read_drop_not_null_step},
    StepKind{"set_default", "expand", "makes room for the new image", read_set_default},
    StepKind{"sql", "expand migrate contract", "", read_sql},
    StepKind{"backfill", "migrate", "fills rows", read_backfill},
    StepKind{"verify", "migrate", "reads every row", read_verify},
    StepKind{"fix", "migrate", "mends rows", read_fix_step},
    StepKind{"set_not_null", "contract", "tightens what the old image may write", read_rule_step<0>},
    StepKind{"add_check", "contract", "tightens what the old image may write", read_rule_step<1>},
    StepKind{"add_foreign_key", "contract", "tightens what the old image may write", read_rule_step<2>},
    StepKind{"add_unique", "contract", "tightens what the old image may write", read_rule_step<3>},
    StepKind{"drop_column", "contract", "takes something away", read_drop_column},
    StepKind{"replace_column", "contract", "takes something away", read_replace_column},
    StepKind{"drop_index", "contract", "takes something away", read_drop_index},
    StepKind{"drop_constraint", "contract", "takes something away", read_drop_constraint_step},
    StepKind{"drop_table", "contract", "takes something away", read_drop_table},
    StepKind{"drop_view", "contract", "takes something away", read_drop_view},
    StepKind{"drop_type", "contract", "takes something away", read_drop_type},
    StepKind{"drop_function", "contract", "takes something away", read_drop_function},
    StepKind{"rename_table", "contract", "takes a name away", read_rename_table},
    StepKind{"replace_type", "contract", "takes something away", read_replace_type},
    StepKind{"create_table", "expand", "makes new structure", read_create_table},
    StepKind{"create_enum", "expand", "makes new structure", read_create_enum},
    StepKind{"add_enum_value", "expand", "makes new structure", read_add_enum_value},
    StepKind{"create_view", "expand", "makes new structure", read_create_view},
    StepKind{"set_comment", "expand", "says something about what is there", read_set_comment},
    StepKind{"drop_default", "contract", "takes something away", read_drop_default},
    StepKind{"rename_index", "expand migrate", "says something about what is there", read_rename_index},
    StepKind{"rename_constraint", "contract", "takes a name away", read_rename_constraint},
    StepKind{"set_storage_parameters", "expand migrate", "says how the server keeps what is there",
             read_set_storage_parameters},
    StepKind{"set_replica_identity", "expand migrate", "says how the server keeps what is there",
             read_set_replica_identity},
    StepKind{"set_statistics", "expand migrate", "says how the server keeps what is there", read_set_statistics},
    StepKind{"set_storage", "expand migrate", "says how the server keeps what is there", read_set_storage},
    StepKind{"sql_batched", "migrate", "changes rows", read_sql_batched},
    StepKind{"add_exclusion", "contract", "tightens what the old image may write", read_add_exclusion},
};

bool allowed(const StepKind& step, std::string_view phase) {
  return step.phases.find(phase) != std::string_view::npos;
}

std::string_view home(const StepKind& step) {
  return step.phases.substr(0, step.phases.find(' '));
}

std::vector<std::string_view> kinds_in(std::string_view phase) {
  std::vector<std::string_view> names;
  for (const StepKind& step : step_kinds)
    if (allowed(step, phase)) names.push_back(step.name);
  return names;
}

void note_unknown_step(Findings& findings, std::string_view phase, const Node& key) {
  if (key.value == "drop_enum_value")
    return findings.error(
        key.place, "drop_enum_value: PostgreSQL cannot take a value away from an enum",
        "make a new type without it, add a column of that type with a backfill (plans/change-type.yaml "
        "shows how), drop the old column, and the old type by drop_type in a later plan");
  std::vector<std::string_view> every;
  every.reserve(step_kinds.size());
  for (const StepKind& step : step_kinds) every.push_back(step.name);
  const std::string near = suggestion(key.value, every);
  findings.error(key.place, std::string(phase) + " has no step " + key.value,
                 near.starts_with("did") ? near : suggestion(key.value, kinds_in(phase)));
}

/// The one key of a step or change, with its arguments; beside it may stand what lint is to ignore of it.
std::optional<std::pair<Value, Value>> single_entry(Findings& findings, std::string_view what, const Value& item) {
  if (item.node->kind != Node::Kind::map) {
    findings.error(
        item.place,
        "a " + std::string(what) + " must be a map with one key, this is " + std::string(kind_name(*item.node)),
        "write `- kind: { … }`");
    return std::nullopt;
  }
  auto entries = free_entries(findings, *item.node);
  const bool none = entries.empty() && !item.node->entries.empty();  // noted already
  const auto ignore = std::ranges::find(entries, "ignore", [](const auto& entry) { return entry.first.node->value; });
  if (ignore != entries.end()) {
    read_ignores(findings, ignore->second);
    entries.erase(ignore);
  }
  if (entries.size() == 1) return entries.front();
  if (none) return std::nullopt;
  findings.error(entries.size() > 1 ? entries[1].first.place : item.place,
                 "a " + std::string(what) + " has one key, its kind; this one has " + std::to_string(entries.size()),
                 "indent its arguments deeper than the kind, and begin each " + std::string(what) +
                     " with `- `; only `ignore` may stand beside the kind");
  return std::nullopt;
}

/// A change that is one step; change_default is what people call the steps set_default and drop_default.
ChangeStep read_change_step(Findings& findings, const std::string& name, const Value& arguments) {
  if (name == "change_default" && is_default_none(arguments))
    return {"contract", read_default_none({findings, "contract", arguments})};
  const std::string_view step = name == "change_default" ? std::string_view("set_default") : std::string_view(name);
  const auto kind = std::ranges::find(step_kinds, step, &StepKind::name);
  return {home(*kind), kind->read({findings, home(*kind), arguments})};
}

Change read_change(Findings& findings, const Value& key, const Value& arguments) {
  const std::string& kind = key.node->value;
  constexpr std::array<std::string_view, 6> add_keys = {"table", "name", "type", "default", "fill", "not_null"};
  constexpr std::array<std::string_view, 3> drop_keys = {"table", "name", "born_since"};
  constexpr std::array<std::string_view, 3> rename_keys = {"table", "from", "to"};
  if (kind == "drop_column") {
    const Fields fields(findings, arguments, kind, drop_keys);
    return {ChangeDropColumn{fields.need_table("table"), fields.need_identifier("name"), fields.text("born_since")},
            key.place};
  }
  if (kind == "rename_column") {
    const Fields fields(findings, arguments, kind, rename_keys);
    ChangeRenameColumn rename{fields.need_table("table"), fields.need_identifier("from"), fields.need_identifier("to")};
    if (!rename.to.empty() && rename.from == rename.to)
      findings.error(fields.find("to")->place, "rename_column: from and to are the same column", {});
    return {std::move(rename), key.place};
  }
  if (kind == "change_type") {
    constexpr std::array<std::string_view, 6> type_keys = {"table", "column", "to", "fill", "reverse", "default"};
    const Fields fields(findings, arguments, kind, type_keys);
    return {ChangeType{fields.need_table("table"), fields.need_identifier("column"), fields.need_text("to"),
                       fields.text("fill"), fields.text("reverse"), fields.text("default")},
            key.place};
  }
  if (std::ranges::find(rule_kinds, kind) != rule_kinds.end())
    return {read_tightening(findings, kind, arguments), key.place};
  if (kind == "rename_table") return {read_renaming<ChangeRenameTable>(findings, arguments), key.place};
  if (kind == "split_column") return {read_split_column(findings, arguments), key.place};
  if (kind == "replace_enum") return {read_replace_enum(findings, arguments), key.place};
  if (kind == "merge_columns") return {read_merge_columns(findings, arguments), key.place};
  if (kind != "add_column") return {read_change_step(findings, kind, arguments), key.place};
  const Fields fields(findings, arguments, kind, add_keys);
  ChangeAddColumn add{fields.need_table("table"), fields.need_identifier("name"),
                      fields.need_text("type"),   fields.text("default"),
                      fields.text("fill"),        fields.boolean("not_null").value_or(false)};
  check_new_column(findings, fields, add.name);
  if (fields.find("default") != nullptr && fields.find("fill") != nullptr)
    findings.error(fields.find("fill")->place, "add_column: default and fill exclude one another",
                   "fill takes the value from the row, default is what new rows get as well");
  const bool named = !add.name.empty() && !add.table.name.empty();
  if (named && add.default_value && !add.default_value->empty() && !is_constant(*add.default_value))
    if (const auto why = why_not_batched(evaluated_default(add).run))
      findings.error(fields.find("default")->place, "add_column: default, which fills the rows that are there: " + *why,
                     "an SQL expression: clock_timestamp(), or \"'std'\"");
  if (add.not_null && fields.find("default") == nullptr && fields.find("fill") == nullptr)
    findings.error(fields.find("not_null")->place, "add_column: not_null needs a default or a fill",
                   "give default: \"''\", or fill: an expression over the row");
  return {std::move(add), key.place};
}

}  // namespace

void read_batch(Findings& findings, const Value& value, BatchLimits& batch) {
  constexpr Names known = {"target", "max_wal"};
  const Fields fields(findings, value, "batch", known);
  const Values values(findings);
  if (const Value* target = fields.find("target"))
    if (const auto written = values.setting("backfill.batch.target", *target)) batch.target = parse_duration(*written);
  if (const Value* max_wal = fields.find("max_wal"))
    if (const auto written = values.setting("backfill.batch.max_wal", *max_wal)) batch.max_wal = parse_bytes(*written);
}

ColumnExpressions read_expressions(Findings& findings, std::string_view key, const Value& map) {
  ColumnExpressions result;
  if (map.node->kind != Node::Kind::map || map.node->entries.empty()) {
    findings.error(map.place,
                   std::string(key) + " must be a map of columns to SQL expressions" +
                       (map.node->kind == Node::Kind::map ? ", this one is empty" : ""),
                   "write one indented `column: expression` line each");
    return result;
  }
  const Values values(findings);
  for (const auto& [column, expression] : free_entries(findings, *map.node)) {
    auto name = values.identifier(key, column);
    auto sql = values.text(name ? *name : key, expression);
    if (!name || !sql) continue;
    const auto same = [&](const auto& entry) { return entry.first == *name; };
    if (std::ranges::any_of(result, same))
      findings.error(column.place, std::string(key) + ": column " + shown(*name) + " is given twice",
                     "unquoted names are folded to lower case");
    else
      result.emplace_back(std::move(*name), std::move(*sql));
  }
  return result;
}

std::vector<Step> read_steps(Findings& findings, std::string_view phase, const Value& list) {
  std::vector<Step> steps;
  for (const Value& item : Values(findings).list(phase == "contract" ? "steps" : phase, list)) {
    const auto entry = single_entry(findings, "step", item);
    if (!entry) continue;
    const auto& [key, arguments] = *entry;
    const auto kind = std::ranges::find(step_kinds, key.node->value, &StepKind::name);
    if (kind == step_kinds.end()) {
      note_unknown_step(findings, phase, *key.node);
      continue;
    }
    if (!allowed(*kind, phase))
      findings.error(
          key.place,
          std::string(kind->name) + " " + std::string(kind->nature) + ": it has no place in " + std::string(phase),
          "write it under " + std::string(home(*kind) == "contract" ? "contract: steps:" : home(*kind)));
    steps.push_back({kind->read({findings, phase, arguments}), key.place});
  }
  return steps;
}

std::vector<Change> read_changes(Findings& findings, const Value& list) {
  constexpr std::array<std::string_view, 35> known = {"add_column",
                                                      "drop_column",
                                                      "rename_column",
                                                      "rename_table",
                                                      "split_column",
                                                      "merge_columns",
                                                      "change_default",
                                                      "change_type",
                                                      "replace_enum",
                                                      "set_not_null",
                                                      "add_check",
                                                      "add_foreign_key",
                                                      "add_unique",
                                                      "drop_not_null",
                                                      "drop_constraint",
                                                      "create_index",
                                                      "create_table",
                                                      "create_enum",
                                                      "create_view",
                                                      "add_enum_value",
                                                      "set_comment",
                                                      "drop_index",
                                                      "drop_table",
                                                      "drop_view",
                                                      "drop_type",
                                                      "drop_function",
                                                      "drop_default",
                                                      "rename_index",
                                                      "rename_constraint",
                                                      "set_storage_parameters",
                                                      "set_replica_identity",
                                                      "set_statistics",
                                                      "set_storage",
                                                      "sql_batched",
                                                      "add_exclusion"};
  std::vector<Change> changes;
  for (const Value& item : Values(findings).list("change", list)) {
    const auto entry = single_entry(findings, "change", item);
    if (!entry) continue;
    const auto& [key, arguments] = *entry;
    if (std::ranges::find(known, key.node->value) == known.end())
      findings.error(key.place, "change has no kind " + key.node->value, suggestion(key.node->value, known));
    else
      changes.push_back(read_change(findings, key, arguments));
  }
  return changes;
}

}  // namespace switchback::plan_file
