/// What the write probe's triggers have noted, where a plan has one (engine/probing makes and removes them).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "switchback/core/evidence.hpp"
#include "usage_coverage.hpp"

namespace switchback::postgres {

/// Sums the notes up in switchback.usage_writer, and looks whether every trigger is there and fires.
void sample_probe(CoverageJournal& coverage);

/// Who wrote the structure, by its name in evidence. Empty: the plan has no probe.
std::vector<Observation> writers(ports::Session& session, std::int64_t plan, const std::string& structure);

}  // namespace switchback::postgres
