/// Functions, types, sequences and relations that images name beside their tables. Private to the engine.
#pragma once

#include "switchback/engine/gate_surroundings.hpp"

namespace switchback::engine {

/// Those that are not where the image looks: in their schema, or, for a bare name, on the search_path of its role.
void find_absent(ports::Session& session, const std::vector<RegisteredImage>& images, Surroundings& found);

/// EXECUTE on the functions, USAGE on sequences: those it names, and those behind defaults that its inserts rest on;
/// and whether the role is there at all.
void find_denied_objects(ports::Session& session, const std::vector<RegisteredImage>& images, Surroundings& found);

}  // namespace switchback::engine
