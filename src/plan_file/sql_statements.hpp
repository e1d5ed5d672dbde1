/// What single statements do to tables, and what expressions read, by PostgreSQL's own grammar. Private to plan_file.
#pragma once

#include <string>
#include <vector>

#include "switchback/core/lint.hpp"

namespace switchback::plan_file {

std::vector<SqlStatement> statements_of(const std::string& sql);
SqlExpression expression_of(const std::string& expression);

}  // namespace switchback::plan_file
