/// Rolling forward: a new plan undoes another one, and the journal links the two.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "switchback/core/inverse.hpp"
#include "switchback/engine/journal.hpp"
#include "switchback/ports/catalog.hpp"
#include "switchback/ports/session.hpp"
#include "switchback/ports/usage_source.hpp"

namespace switchback::engine {

/// Everything that the journal and the catalog know of how to undo the plan; nothing is changed, but a plan whose
/// contract has not begun needs a transaction that may write, and is rolled back. Error(Exit::refused) with the way
/// that is open for a plan in a state that has nothing to roll forward from.
InverseFacts inverse_facts(ports::Session& session, ports::Catalog& catalog, ports::UsageSource& usage,
                           const PlanRecord& record, const Plan& plan);

/// Error unless what `plan` undoes is there in this text, has arrived, and is undone by no other plan. Nothing for a
/// plan that undoes none.
void refuse_premature_roll_forward(ports::Session& session, const Plan& plan);
/// An event of each of the two plans, with the other's name and hash; within the transaction that registers `id`.
void link_roll_forward(ports::Session& session, const Actor& actor, PlanId id, const Plan& plan);

/// `inverse` undoes `original`. Inverses that were rolled back are left out.
struct RollForward {
  std::string original;
  std::string inverse;
  State state = State::planned;  ///< the inverse's
};
std::vector<RollForward> roll_forwards(ports::Session& session);
/// What undoes the plan, has made something, and stands therefore in the way of turning it back.
std::optional<RollForward> undone_by(ports::Session& session, const std::string& plan);

}  // namespace switchback::engine
