/// The steps of what tightens, as `explain` shows them. Pure.
#pragma once

#include <optional>

#include "switchback/core/rule.hpp"
#include "switchback/core/step_sql.hpp"

namespace switchback {

/// Without a database: the expressions as written.
RuleFacts sketched(const Rule& rule);

StepSql counter_step(const Plan& plan, int number, const Rule& rule, const RuleFacts& facts);
/// `set`: as the server resolved it, or as written.
StepSql fix_step(const Fix& fix, const RuleFacts& facts, const ColumnExpressions& set);
StepSql rule_check_step(const Rule& rule, const RuleFacts& facts);
StepSql enforce_step(const Plan& plan, const Rule& rule, const RuleFacts& facts);
/// Nothing for a unique rule: its index was read when it was built.
std::optional<StepSql> validate_step(const Plan& plan, const Rule& rule);
/// The end: the counter goes; NOT NULL is settled.
StepSql settle_step(const Plan& plan, const Rule& rule);

}  // namespace switchback
