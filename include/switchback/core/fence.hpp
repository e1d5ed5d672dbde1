/// Whether the login of an image's role may be taken. Pure.
#pragma once

#include <optional>
#include <string>

#include "switchback/core/image.hpp"

namespace switchback {

/// The login role of an image: as its manifest says, else by the pattern of images.live.role. Empty: not known.
std::string login_role(const RegisteredImage& image, const HorizonRules& rules);

struct FenceRefusal {
  std::string why;
  std::string remedy;
  bool operator==(const FenceRefusal&) const = default;
};

/// Empty when the image is past the horizon and nobody in the horizon can be meant by the role: an image of which it is
/// not known how it logs in might. Of a retired image sessions may still run. `image` is one of the facts'.
std::optional<FenceRefusal> fence_refusal(const HorizonFacts& facts, const HorizonRules& rules, Instant now,
                                          const std::string& image, const std::string& role);

}  // namespace switchback
