/// Writing an image's manifest.
#pragma once

#include <string>

#include "switchback/core/footprint.hpp"

namespace switchback {

/// YAML that read_manifest reads as the same needs, its statements taken into account (postgres::add_statements).
/// `heading`: lines of a comment, without their `#`.
std::string write_manifest(const std::string& image, const Footprint& footprint, const std::string& heading);

}  // namespace switchback
