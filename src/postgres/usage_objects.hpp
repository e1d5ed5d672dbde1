/// What is particular to indexes, and to tables, views, types and functions that go as a whole.
#pragma once

#include <string>
#include <vector>

#include "switchback/core/evidence.hpp"
#include "switchback/core/structure.hpp"
#include "usage_reach.hpp"

namespace switchback::postgres {

/// A type's or function's own name, and whether others share it.
void find_object(ports::Session& session, const Structure& structure, JudgeTarget& target);

/// What an index, or a constraint's, does beside being scanned: enforce, identify rows to subscribers, cluster. No
/// count of its scans says anything of that.
std::vector<Observation> duties(ports::Session& session, const Structure& structure);

/// Bodies of functions that name the table, view, type or function; those that the same plan drops (`allowed`) are left
/// out. Adds to the observations. Not seen: names put together at run time from pieces.
void look_into_bodies(ports::Session& session, Reached& reached, const Allowed& allowed);

}  // namespace switchback::postgres
