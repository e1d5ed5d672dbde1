#include "switchback/engine/statements.hpp"

#include "switchback/core/making_sql.hpp"
#include "switchback/core/setting_sql.hpp"
#include "switchback/engine/replacing.hpp"
#include "switchback/engine/shown_table.hpp"

namespace switchback::engine {
namespace {

std::optional<ColumnFacts> column_now(ports::Session* session, ports::Catalog* catalog, const TableName& table,
                                      const std::string& column) {
  if (catalog == nullptr) return std::nullopt;
  const auto facts = catalog->table(*session, table);
  const ColumnFacts* found = facts ? facts->column(column) : nullptr;
  return found ? std::optional<ColumnFacts>(*found) : std::nullopt;
}

/// Where the plan is only looked at, what the comment is for may still have to be made: then there was none.
StepSql comment_sql(ports::Session* session, const SetComment& step) {
  const auto now = session ? session->exec(comment_query(step)) : ports::Rows{};
  return set_comment_sql(step, now.empty() ? std::nullopt : now.at(0, 0));
}

std::optional<std::vector<std::string>> parameters_now(ports::Session* session, const SetStorageParameters& step) {
  if (session == nullptr) return std::nullopt;
  const auto rows = session->exec(storage_parameters_query(step));
  std::vector<std::string> parameters;
  for (std::size_t i = 0; i < rows.size(); ++i) parameters.push_back(rows.text(i, 0));
  return parameters;
}

std::optional<SetReplicaIdentity> identity_now(ports::Session* session, const TableName& table) {
  const auto rows = session ? session->exec(replica_identity_query(table)) : ports::Rows{};
  if (rows.empty()) return std::nullopt;
  return identity_from(table, rows.text(0, 0).at(0), rows.text(0, 1));
}

std::optional<int> statistics_now(ports::Session* session, const SetStatistics& step) {
  const auto rows = session ? session->exec(statistics_query(step)) : ports::Rows{};
  return rows.empty() ? std::nullopt : std::optional(static_cast<int>(rows.integer(0, 0)));
}

std::optional<SetStorage> storage_now(ports::Session* session, const SetStorage& step) {
  const auto rows = session ? session->exec(storage_query(step)) : ports::Rows{};
  if (rows.empty()) return std::nullopt;
  return storage_from(step, rows.text(0, 0).at(0), rows.text(0, 1));
}

StepSql view_sql(ports::Session* session, const CreateView& step) {
  const auto table = session && step.like ? shown_table(*session, step) : std::nullopt;
  return create_view_sql(step, table ? &*table : nullptr);
}

}  // namespace

StepSql statement_sql(ports::Session* session, ports::Catalog* catalog, const Step& step) {
  const Action& action = step.action;
  if (const auto* relax = std::get_if<DropNotNull>(&action)) {
    const auto was = column_now(session, catalog, relax->table, relax->column);
    return drop_not_null_sql(*relax, was ? &*was : nullptr);
  }
  if (const auto* value = std::get_if<SetDefault>(&action)) {
    const auto was = column_now(session, catalog, value->table, value->column);
    return set_default_sql(*value, was ? &*was : nullptr);
  }
  if (const auto* table = std::get_if<CreateTable>(&action)) {
    StepSql out = create_table_sql(*table);
    if (session != nullptr)
      for (std::string& sql : likeness_sql(*session, *table)) out.sql.push_back(std::move(sql));
    return out;
  }
  if (const auto* type = std::get_if<CreateEnum>(&action)) return create_enum_sql(*type);
  if (const auto* value = std::get_if<AddEnumValue>(&action)) return add_enum_value_sql(*value);
  if (const auto* view = std::get_if<CreateView>(&action)) return view_sql(session, *view);
  if (const auto* comment = std::get_if<SetComment>(&action)) return comment_sql(session, *comment);
  if (const auto* rename = std::get_if<RenameIndex>(&action)) return rename_index_step(*rename);
  if (const auto* set = std::get_if<SetStorageParameters>(&action))
    return set_storage_parameters_sql(*set, parameters_now(session, *set));
  if (const auto* set = std::get_if<SetReplicaIdentity>(&action))
    return set_replica_identity_sql(*set, identity_now(session, set->table));
  if (const auto* set = std::get_if<SetStatistics>(&action))
    return set_statistics_sql(*set, statistics_now(session, *set));
  if (const auto* set = std::get_if<SetStorage>(&action)) return set_storage_sql(*set, storage_now(session, *set));
  return sql_sql(std::get<Sql>(action));
}

}  // namespace switchback::engine
