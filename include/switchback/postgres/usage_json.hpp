/// Usage evidence as JSON: what `usage -o json` prints, and what is sealed in switchback.evidence.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "switchback/core/evidence.hpp"

namespace switchback::postgres {

/// {"schema_version": 1, "plan", "structures": [{"structure", "verdict", "window": {"from", "to", "covered"},
/// "findings": [{"source", "server", "finding", "detail", "last_seen", "remedy"}], "reasons": […]}]}
std::string usage_json(std::string_view plan, const std::vector<Judgement>& judgements);

/// The same with every observation and stretch of coverage that the verdicts rest on; for switchback.evidence.document.
std::string sealed_document(std::string_view plan, const std::vector<Judgement>& judgements,
                            const std::vector<StructureEvidence>& evidence);

/// ISO 8601 in UTC, to the second: 2026-01-31T02:00:00Z.
std::string iso_time(Instant instant);

}  // namespace switchback::postgres
