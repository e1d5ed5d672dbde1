/// The evidence as it is kept: sealed in the journal at hide, and written to a file for the audit.
#pragma once

#include <string>
#include <vector>

#include "switchback/core/evidence.hpp"
#include "switchback/engine/workbench.hpp"

namespace switchback::engine {

/// One look: the verdicts, and everything that they rest on.
struct UsageReport {
  std::vector<Judgement> judged;
  std::string document;  ///< JSON; empty until everything was looked at
};

/// JSON: what was asked and of whom (the plan with its hash, the server, the window, switchback's version), when, the
/// verdicts as `usage -o json` has them, and every observation and stretch of coverage, also those that do not count.
std::string evidence_document(Workbench& bench, const ports::UsageRequest& request, Instant at,
                              const std::vector<Judgement>& judged, const std::vector<StructureEvidence>& evidence);
/// Of that, what an event keeps: structures, verdicts, windows.
std::string verdicts_document(const std::vector<Judgement>& judged);

}  // namespace switchback::engine
