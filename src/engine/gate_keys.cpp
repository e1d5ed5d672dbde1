#include "gate_keys.hpp"

#include "switchback/engine/rekeying.hpp"

namespace switchback::engine {

bool is_way_back_closed(ports::Session& session, const GatePlan& gated) {
  if (!gated.state || image_safety(*gated.state, gated.takes_away).before == Safety::works) return false;
  Plan plan;
  plan.name = gated.name;
  for (const PlanEffect::Column& swap : gated.effect.swaps) {
    const auto may_look = session.exec(
        "SELECT pg_catalog.has_table_privilege(c.oid, 'SELECT') FROM pg_catalog.pg_class c WHERE c.oid = "
        "pg_catalog.to_regclass($1)",
        {quoted(swap.table)});
    if (!may_look.empty() && may_look.boolean(0, 0))
      plan.contract.steps.push_back({ReplaceColumn{swap.table, swap.name, {}, {}}, {}});
  }
  return !beyond_old_type(session, plan).empty();
}

}  // namespace switchback::engine
