/// What a plan does to primary keys, for explain. Private to it. Empty where no key is concerned.
#pragma once

#include <vector>

#include "switchback/core/plan.hpp"
#include "switchback/core/step_sql.hpp"
#include "switchback/ports/catalog.hpp"
#include "switchback/ports/session.hpp"

namespace switchback::engine {

/// On the way to the hide: the indexes that stand ready, NOT NULL proved.
std::vector<StepSql> ready_key_steps(ports::Session& session, ports::Catalog& catalog, const Plan& plan);
/// In the hide's transaction, around the columns' own steps.
std::vector<StepSql> turn_key_steps(ports::Session& session, ports::Catalog& catalog, const Plan& plan);
/// After the soak.
std::vector<StepSql> validate_pointing_steps(ports::Session& session, ports::Catalog& catalog, const Plan& plan);

}  // namespace switchback::engine
