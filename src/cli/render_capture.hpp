/// What `image capture` prints. Private to the command line; pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "switchback/cli/render.hpp"
#include "switchback/core/footprint_difference.hpp"

namespace switchback::cli {

struct CaptureReport {
  std::string image;
  std::string role;
  std::size_t statements = 0;  ///< different ones
  bool registered = false;
  Footprint found;
  bool known_before = false;   ///< it was registered, by more than a plan
  std::vector<Need> beyond;    ///< found, and not registered before
  std::vector<Need> not_seen;  ///< registered before, and not found
};

std::string capture_text(const CaptureReport& report, Paint paint);
std::string capture_json(const CaptureReport& report);

}  // namespace switchback::cli
