/// What the steps do that make something new, or say something about what is there. Pure.
#pragma once

#include <optional>
#include <string>

#include "switchback/core/step_sql.hpp"

namespace switchback {

StepSql create_table_sql(const CreateTable& step);
StepSql create_enum_sql(const CreateEnum& step);
/// Does nothing where the value is there already (IF NOT EXISTS). From PostgreSQL 12 on it may run in a transaction
/// that does not use the value (ALTER TYPE, "Notes").
StepSql add_enum_value_sql(const AddEnumValue& step);
StepSql create_view_sql(const CreateView& step);
/// `was`: the comment before, for the way back; empty: there was none.
StepSql set_comment_sql(const SetComment& step, const std::optional<std::string>& was);
/// A query for the comment that stands there now: one value, NULL where there is none.
std::string comment_query(const SetComment& step);

}  // namespace switchback
