/// Contract: observe, hide, soak, archive, drop, purge; fail-closed at every step.
#pragma once

#include "switchback/engine/evidence_document.hpp"
#include "switchback/engine/workbench.hpp"

namespace switchback::engine {

/// migrated → hidden. Waits, or stops with a hold, until consent, approvals, quarantine, comparison and usage evidence
/// all say yes; then seals the evidence and hides, in one transaction.
Stop hide_plan(Workbench& bench);
/// hidden → contracting, once the soak is over.
Stop begin_contract(Workbench& bench);
/// contracting → contracted: archive and verify it, validate what was tightened, drop.
Stop contract_plan(Workbench& bench);
/// contracted → done, once the archive's time is over; expanded or migrated → done where nothing is taken away.
Stop finish_plan(Workbench& bench);

/// One sample and the verdict on everything the contract takes away, as of now; once that is hidden, what was sealed.
UsageReport judge_usage(Workbench& bench);

}  // namespace switchback::engine
