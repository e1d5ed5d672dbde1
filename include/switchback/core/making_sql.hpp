/// What the steps do that make something new, or say something about what is there. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "switchback/core/step_sql.hpp"

namespace switchback {

StepSql create_table_sql(const CreateTable& step);
StepSql create_enum_sql(const CreateEnum& step);
/// Does nothing where the value is there already (IF NOT EXISTS). From PostgreSQL 12 on it may run in a transaction
/// that does not use the value (ALTER TYPE, "Notes").
StepSql add_enum_value_sql(const AddEnumValue& step);
/// A table, as a view shows it that is `like` it.
struct ShownTable {
  std::vector<std::pair<std::string, std::string>> columns;  ///< the view's column, the table's
  bool invoker = false;             ///< from PostgreSQL 15 on: read and written with the rights of whoever does so
  std::vector<std::string> rights;  ///< statements: its owner, grants and comments
};
/// `columns`: the table's, in their order. One that is shown in the place of another stands where that one stood.
std::vector<std::pair<std::string, std::string>> shown_columns(const CreateView& step,
                                                               const std::vector<std::string>& columns);
/// The table's columns that the step names.
std::vector<std::string> named_columns(const CreateView& step);
/// `sql` with the quoted column in the place of its first byte 1.
std::string with_column(std::string sql, std::string_view column);

/// Whether the plan makes that view itself.
bool makes_view(const Plan& plan, const TableName& view);

/// `table`: what `like` names; null: it is not known here, and the columns are not told.
StepSql create_view_sql(const CreateView& step, const ShownTable* table = nullptr);
/// `was`: the comment before, for the way back; empty: there was none.
StepSql set_comment_sql(const SetComment& step, const std::optional<std::string>& was);
/// A query for the comment that stands there now: one value, NULL where there is none.
std::string comment_query(const SetComment& step);

}  // namespace switchback
