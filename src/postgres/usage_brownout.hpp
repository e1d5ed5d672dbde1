/// What the stretches in which nobody might use a column say of it. Private to the usage source.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "switchback/core/evidence.hpp"
#include "switchback/ports/session.hpp"

namespace switchback::postgres {

/// What tripped is a use at its time, a suspicion an unknown; the quiet stretches since the last of these are one
/// finding, which says what could see a refusal. Nothing where there was no brownout. `structure`: as shown.
std::vector<Observation> brownouts_of(ports::Session& session, std::int64_t plan, const std::string& structure);

}  // namespace switchback::postgres
