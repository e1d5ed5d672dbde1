/// How a session shows which image it belongs to.
#pragma once

#include <string>
#include <string_view>

namespace switchback {

/// The pattern with `{image}` replaced by the image, `{name}` by what stands before its last colon and `{tag}` by what
/// stands behind it: `app_{tag}` for `shop:v41` gives `app_v41`. An image without a colon is all name.
std::string live_name(std::string_view pattern, std::string_view image);

/// What images of one application share: the name without its tag or digest, the registry's path included. `shop` of
/// `shop:v41`, `registry.example:5000/team/shop` of `registry.example:5000/team/shop@sha256:…`.
std::string_view application_of(std::string_view image);

}  // namespace switchback
