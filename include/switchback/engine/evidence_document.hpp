/// The evidence as it is kept: sealed in the journal at hide, and written to a file for the audit.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "switchback/core/evidence.hpp"
#include "switchback/engine/workbench.hpp"

namespace switchback::engine {

/// One look: the verdicts, and everything that they rest on.
struct UsageReport {
  std::vector<Judgement> judged;
  std::string document;  ///< JSON; empty until everything was looked at
  bool sealed = false;   ///< not of now: as it was when the old side was hidden
};

/// JSON: what was asked and of whom (the plan with its hash, the server, the window, switchback's version), when, the
/// verdicts as `usage -o json` has them, and every observation and stretch of coverage, also those that do not count.
std::string evidence_document(Workbench& bench, const ports::UsageRequest& request, Instant at,
                              const std::vector<Judgement>& judged, const std::vector<StructureEvidence>& evidence);
/// What was sealed at the last hide; nothing where nothing was.
std::optional<UsageReport> sealed_report(Workbench& bench);
/// Of that, what an event keeps: structures, verdicts, windows.
std::string verdicts_document(const std::vector<Judgement>& judged);

}  // namespace switchback::engine
