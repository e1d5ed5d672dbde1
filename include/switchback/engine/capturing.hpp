/// Registering what a capture found an image to need.
#pragma once

#include <optional>
#include <string>

#include "switchback/engine/images.hpp"

namespace switchback::engine {

struct Capture {
  std::string image;
  std::string role;     ///< whose statements were captured
  std::string through;  ///< the command, or for how long; on record
  Footprint footprint;
};

/// What is registered of the image; empty: nothing. Its login role alone may be known from elsewhere.
std::optional<Footprint> registered_footprint(ports::Session& session, const std::string& image);

/// Adds to what is registered of the image, or with `replace` takes its place: then what no statement shows (its role,
/// whether its stars are tolerated and prepared) stays. With an event. Returns what is registered now.
Footprint register_capture(ports::Session& session, const Actor& actor, const Capture& capture, bool replace);

}  // namespace switchback::engine
