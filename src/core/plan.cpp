#include "switchback/core/plan.hpp"

#include <algorithm>

#include "switchback/core/change.hpp"
#include "switchback/core/error.hpp"
#include "switchback/core/rule.hpp"

namespace switchback {
namespace {

template <class... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};
template <class... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;  // clang before 17 does not deduce it by itself

std::string column_of(const TableName& table, const std::string& column) {
  return shown(table) + "." + shown(column);
}

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

/// The first line, cut where it would not fit beside the rest of a log line.
std::string first_line(const std::string& text) {
  constexpr std::size_t longest = 60;
  std::string line = text.substr(0, text.find('\n'));
  if (line.size() == text.size() && line.size() <= longest) return line;
  std::size_t keep = std::min(line.size(), longest);
  while (keep > 0 && keep < line.size() && (static_cast<unsigned char>(line[keep]) & 0xC0U) == 0x80U) --keep;
  return line.substr(0, keep) + " …";
}

std::string commented(const SetComment& step) {
  if (step.what == Commented::column) return column_of(step.name, step.part);
  if (step.what == Commented::constraint) return shown(step.part) + " on " + shown(step.name);
  return shown(step.name);
}

std::string joined_keys(const ColumnExpressions& expressions) {
  std::vector<std::string> keys;
  for (const auto& [key, sql] : expressions) keys.push_back(key);
  return joined(keys);
}

std::string identity_word(Identity identity, const std::string& index) {
  switch (identity) {
    case Identity::primary_key:
      return "default";
    case Identity::full:
      return "full";
    case Identity::nothing:
      return "nothing";
    case Identity::index:
      return shown(std::string_view(index));
  }
  return "";
}

std::string object_of(const Action& action) {
  return std::visit(
      Overloaded{
          [](const AddColumn& step) { return column_of(step.table, step.name); },
          [](const CreateIndex& step) {
            const std::string on = shown(step.table) + (step.definition ? "" : "(" + joined(step.columns) + ")");
            return step.name ? shown(*step.name) + " on " + on : "on " + on;
          },
          [](const DropNotNull& step) { return column_of(step.table, step.column); },
          [](const SetDefault& step) { return column_of(step.table, step.column); },
          [](const Sql& step) { return first_line(step.run); },
          [](const Backfill& step) { return shown(step.table); },
          [](const Verify& step) { return shown(step.table) + ": " + first_line(step.check); },
          [](const SetNotNull& step) { return column_of(step.table, step.column); },
          [](const DropColumn& step) { return column_of(step.table, step.name); },
          [](const ReplaceColumn& step) { return column_of(step.table, step.column) + " with " + shown(step.with); },
          [](const DropIndex& step) { return shown(step.name); },
          [](const DropConstraint& step) { return shown(step.name) + " on " + shown(step.table); },
          [](const DropTable& step) { return shown(step.name); },
          [](const DropView& step) { return shown(step.name); },
          [](const DropType& step) { return shown(step.name); },
          [](const DropFunction& step) { return shown(step.name) + "(" + step.arguments + ")"; },
          [](const RenameTable& step) { return shown(step.table) + " to " + shown(step.to); },
          [](const ReplaceType& step) { return shown(step.type) + " with " + shown(step.with); },
          [](const Fix& step) { return shown(step.rule); },
          [](const AddCheck& step) { return shown(step.table) + ": " + first_line(step.check); },
          [](const AddForeignKey& step) { return shown(Rule(step)); },
          [](const AddUnique& step) { return shown(step.table) + " (" + joined(step.columns) + ")"; },
          [](const CreateTable& step) { return shown(step.name); },
          [](const CreateEnum& step) { return shown(step.name); },
          [](const AddEnumValue& step) { return quote_literal(step.value) + " to " + shown(step.type); },
          [](const CreateView& step) { return shown(step.name); },
          [](const SetComment& step) { return "on " + commented(step); },
          [](const DropDefault& step) { return column_of(step.table, step.column); },
          [](const RenameIndex& step) { return shown(step.name) + " to " + shown(step.to); },
          [](const RenameConstraint& step) {
            return shown(step.name) + " on " + shown(step.table) + " to " + shown(step.to);
          },
          [](const SetStorageParameters& step) { return shown(step.name) + " (" + joined_keys(step.set) + ")"; },
          [](const SetReplicaIdentity& step) {
            return shown(step.table) + " " + identity_word(step.identity, step.index);
          },
          [](const SetStatistics& step) { return column_of(step.table, step.column); },
          [](const SetStorage& step) { return column_of(step.table, step.column); },
          [](const SqlBatched& step) { return shown(step.table) + ": " + first_line(step.run); },
          [](const AddExclusion& step) { return shown(step.table) + " (" + joined_keys(step.elements) + ")"; },
      },
      action);
}

bool contracts(const WholeChange& change) {
  return std::visit(Overloaded{
                        [](const ChangeAddColumn& add) {
                          return add.not_null && !(add.default_value && is_constant(*add.default_value));
                        },
                        [](const ChangeDropColumn&) { return true; },
                        [](const ChangeRenameColumn&) { return true; },
                        [](const ChangeSplitColumn&) { return true; },
                        [](const ChangeMergeColumns&) { return true; },
                        [](const ChangeStep& one) { return one.phase == "contract"; },
                        [](const ChangeTighten&) { return true; },
                        [](const ChangeType&) { return true; },
                        [](const ChangeRenameTable&) { return true; },
                        [](const ChangeReplaceEnum&) { return true; },
                    },
                    change);
}

}  // namespace

std::string_view kind(const Action& action) {
  return std::visit(Overloaded{
                        [](const AddColumn&) { return "add_column"; },
                        [](const CreateIndex&) { return "create_index"; },
                        [](const DropNotNull&) { return "drop_not_null"; },
                        [](const SetDefault&) { return "set_default"; },
                        [](const Sql&) { return "sql"; },
                        [](const Backfill&) { return "backfill"; },
                        [](const Verify&) { return "verify"; },
                        [](const SetNotNull&) { return "set_not_null"; },
                        [](const DropColumn&) { return "drop_column"; },
                        [](const ReplaceColumn&) { return "replace_column"; },
                        [](const DropIndex&) { return "drop_index"; },
                        [](const DropConstraint&) { return "drop_constraint"; },
                        [](const DropTable&) { return "drop_table"; },
                        [](const DropView&) { return "drop_view"; },
                        [](const DropType&) { return "drop_type"; },
                        [](const DropFunction&) { return "drop_function"; },
                        [](const RenameTable&) { return "rename_table"; },
                        [](const ReplaceType&) { return "replace_type"; },
                        [](const Fix&) { return "fix"; },
                        [](const AddCheck&) { return "add_check"; },
                        [](const AddForeignKey&) { return "add_foreign_key"; },
                        [](const AddUnique&) { return "add_unique"; },
                        [](const CreateTable&) { return "create_table"; },
                        [](const CreateEnum&) { return "create_enum"; },
                        [](const AddEnumValue&) { return "add_enum_value"; },
                        [](const CreateView&) { return "create_view"; },
                        [](const SetComment&) { return "set_comment"; },
                        [](const DropDefault&) { return "drop_default"; },
                        [](const RenameIndex&) { return "rename_index"; },
                        [](const RenameConstraint&) { return "rename_constraint"; },
                        [](const SetStorageParameters&) { return "set_storage_parameters"; },
                        [](const SetReplicaIdentity&) { return "set_replica_identity"; },
                        [](const SetStatistics&) { return "set_statistics"; },
                        [](const SetStorage&) { return "set_storage"; },
                        [](const SqlBatched&) { return "sql_batched"; },
                        [](const AddExclusion&) { return "add_exclusion"; },
                    },
                    action);
}

std::string describe(const Action& action) {
  return std::string(kind(action)) + " " + object_of(action);
}

const TableName* table_of(const Action& action) {
  return std::visit(
      []<class StepType>(const StepType& step) -> const TableName* {
        if constexpr (requires { step.table; })
          return &step.table;
        else
          return nullptr;
      },
      action);
}

bool makes_table(const Plan& plan, const TableName& table) {
  return std::ranges::any_of(plan.expand, [&](const Step& step) {
    const auto* made = std::get_if<CreateTable>(&step.action);
    return made != nullptr && made->name == table;
  });
}

bool takes_away(const Plan& plan) {
  return !plan.contract.steps.empty() ||
         std::ranges::any_of(plan.changes, [](const Change& change) { return contracts(change.what); });
}

const std::vector<Step>& steps_of(const Plan& plan, std::string_view phase) {
  if (phase == "expand") return plan.expand;
  if (phase == "migrate") return plan.migrate;
  if (phase == "contract") return plan.contract.steps;
  throw Error(Exit::failed, Remedy::bug, "there is no phase " + std::string(phase));
}

}  // namespace switchback
