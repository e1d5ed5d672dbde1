#include "switchback/engine/statements.hpp"

#include "switchback/core/making_sql.hpp"
#include "switchback/engine/replacing.hpp"

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
  if (const auto* view = std::get_if<CreateView>(&action)) return create_view_sql(*view);
  if (const auto* comment = std::get_if<SetComment>(&action)) return comment_sql(session, *comment);
  return sql_sql(std::get<Sql>(action));
}

}  // namespace switchback::engine
