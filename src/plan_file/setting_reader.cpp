#include "setting_reader.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "index_reader.hpp"
#include "sql_look.hpp"
#include "step_reader.hpp"
#include "switchback/core/batched.hpp"
#include "switchback/core/setting_sql.hpp"

namespace switchback::plan_file {
namespace {

using Names = std::array<std::string_view, 2>;

void refuse_same(const Source& source, const Fields& fields, const std::string& from, const std::string& to,
                 std::string_view what) {
  if (!to.empty() && from == to)
    source.findings.error(fields.find("to")->place, std::string(what) + ": this is the name it has", {});
}

}  // namespace

Action read_drop_default(const Source& source) {
  constexpr Names known = {"table", "column"};
  const Fields fields(source.findings, source.arguments, "drop_default", known);
  return DropDefault{fields.need_table("table"), fields.need_identifier("column")};
}

bool is_default_none(const Value& arguments) {
  if (arguments.node->kind != Node::Kind::map) return false;
  return std::ranges::any_of(arguments.node->entries, [](const auto& entry) {
    return entry.first->value == "default" && entry.second->kind == Node::Kind::scalar && entry.second->value == "none";
  });
}

Action read_default_none(const Source& source) {
  constexpr std::array<std::string_view, 3> known = {"table", "column", "default"};
  const Fields fields(source.findings, source.arguments, "change_default", known);
  return DropDefault{fields.need_table("table"), fields.need_identifier("column")};
}

Action read_rename_index(const Source& source) {
  constexpr Names known = {"name", "to"};
  const Fields fields(source.findings, source.arguments, "rename_index", known);
  RenameIndex step{fields.need_table("name"), fields.need_identifier("to")};
  refuse_same(source, fields, step.name.name, step.to, "rename_index");
  return step;
}

Action read_rename_constraint(const Source& source) {
  constexpr std::array<std::string_view, 3> known = {"table", "name", "to"};
  const Fields fields(source.findings, source.arguments, "rename_constraint", known);
  RenameConstraint step{fields.need_table("table"), fields.need_identifier("name"), fields.need_identifier("to")};
  refuse_same(source, fields, step.name, step.to, "rename_constraint");
  return step;
}

Action read_set_storage_parameters(const Source& source) {
  constexpr std::array<std::string_view, 3> known = {"table", "index", "set"};
  const Fields fields(source.findings, source.arguments, "set_storage_parameters", known);
  SetStorageParameters step;
  step.index = fields.find("index") != nullptr;
  if (fields.is_map() && (fields.find("table") != nullptr) == step.index)
    source.findings.error(fields.place(), "set_storage_parameters: say of what, once", "table, or index");
  else
    step.name = fields.need_table(step.index ? "index" : "table");
  if (const Value* set = fields.need("set")) step.set = read_storage_parameters(source.findings, "set", *set, true);
  return step;
}

Action read_set_replica_identity(const Source& source) {
  constexpr std::array<std::string_view, 3> known = {"table", "identity", "index"};
  constexpr std::array<std::string_view, 3> words = {"default", "full", "nothing"};
  const Fields fields(source.findings, source.arguments, "set_replica_identity", known);
  SetReplicaIdentity step;
  step.table = fields.need_table("table");
  if (fields.is_map() && (fields.find("identity") != nullptr) == (fields.find("index") != nullptr))
    source.findings.error(fields.place(), "set_replica_identity: say what tells one row from another, once",
                          "identity: default, full or nothing; or index: NAME of a unique index over NOT NULL columns");
  step.identity = static_cast<Identity>(fields.choice("identity", words).value_or(0));
  if (fields.find("index") == nullptr) return step;
  step.identity = Identity::index;
  step.index = fields.need_identifier("index");
  return step;
}

Action read_set_statistics(const Source& source) {
  constexpr std::array<std::string_view, 3> known = {"table", "column", "target"};
  constexpr int most = 10000;
  const Fields fields(source.findings, source.arguments, "set_statistics", known);
  SetStatistics step;
  step.table = fields.need_table("table");
  step.column = fields.need_identifier("column");
  const std::string written = fields.need_text("target");
  if (written.empty()) return step;
  const auto [end, error] = std::from_chars(written.data(), written.data() + written.size(), step.target);
  if (error != std::errc{} || end != written.data() + written.size() || step.target < -1 || step.target > most)
    source.findings.error(fields.find("target")->place, "target must be a number from 0 to 10000, or -1",
                          "-1: as default_statistics_target says; 0: no statistics");
  return step;
}

Action read_set_storage(const Source& source) {
  constexpr std::array<std::string_view, 4> known = {"table", "column", "storage", "compression"};
  constexpr std::array<std::string_view, 4> storages = {"plain", "external", "extended", "main"};
  constexpr std::array<std::string_view, 3> compressions = {"default", "pglz", "lz4"};
  const Fields fields(source.findings, source.arguments, "set_storage", known);
  SetStorage step;
  step.table = fields.need_table("table");
  step.column = fields.need_identifier("column");
  if (const auto word = fields.choice("storage", storages)) step.storage = storages.at(*word);
  if (const auto word = fields.choice("compression", compressions)) step.compression = compressions.at(*word);
  if (fields.is_map() && fields.find("storage") == nullptr && fields.find("compression") == nullptr)
    source.findings.error(fields.place(), "set_storage needs storage or compression",
                          "storage: external, or compression: lz4");
  return step;
}

Action read_sql_batched(const Source& source) {
  constexpr std::array<std::string_view, 5> known = {"table", "run", "undo", "irreversible", "batch"};
  const Fields fields(source.findings, source.arguments, "sql_batched", known);
  SqlBatched step;
  step.table = fields.need_table("table");
  step.run = fields.need_text("run");
  step.undo = fields.text("undo");
  step.irreversible = fields.text("irreversible");
  const Value* undo = fields.find("undo");
  const Value* irreversible = fields.find("irreversible");
  if (fields.is_map() && (undo != nullptr) == (irreversible != nullptr))
    source.findings.error(fields.place(), "sql_batched needs undo, or irreversible: one of the two",
                          "undo: a statement with {rows} too, which may meet rows that were not changed yet; or "
                          "irreversible: reason");
  const auto check = [&](const std::string& sql, const Value& value) {
    if (const auto why = why_not_batched(sql))
      source.findings.error(value.place, "sql_batched: " + *why,
                            "UPDATE events AS t SET kind = 'old' WHERE {rows} AND kind IS NULL");
  };
  if (!step.run.empty()) check(step.run, *fields.find("run"));
  if (step.undo) check(*step.undo, *undo);
  if (const Value* batch = fields.find("batch")) read_batch(source.findings, *batch, step.batch);
  return step;
}

Action read_add_exclusion(const Source& source) {
  constexpr std::array<std::string_view, 6> known = {"table", "method", "elements", "where", "name", "lock"};
  const Fields fields(source.findings, source.arguments, "add_exclusion", known);
  AddExclusion step;
  step.table = fields.need_table("table");
  step.method = fields.identifier("method").value_or("gist");
  step.where = fields.text("where");
  step.name = fields.identifier("name");
  step.lock = fields.text("lock");
  const Value* elements = fields.need("elements");
  if (elements == nullptr) return step;
  if (elements->node->kind != Node::Kind::map || elements->node->entries.empty()) {
    source.findings.error(elements->place, "elements must be a map of columns or expressions to operators",
                          "elements: { room: \"=\", during: \"&&\" }");
    return step;
  }
  for (const auto& [key, value] : free_entries(source.findings, *elements->node)) {
    auto element = read_index_key(source.findings, "elements", key);
    auto with = Values(source.findings).text("elements", value);
    if (element && with) step.elements.emplace_back(std::move(*element), std::move(*with));
  }
  if (step.elements.empty() || step.table.name.empty()) return step;
  if (const auto why = why_not_one(turn_over_sql(step, {}).sql.front(), "AlterTableStmt"))
    source.findings.error(fields.place(), "this is not one EXCLUDE constraint: " + *why,
                          "each element has one operator: \"&&\", or \"OPERATOR(schema.&&)\"");
  return step;
}

}  // namespace switchback::plan_file
