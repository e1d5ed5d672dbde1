/// How a session shows which image it belongs to.
#pragma once

#include <string>
#include <string_view>

namespace switchback {

/// A letter or digit, then up to 254 more of those and `.` `_` `-` `/` `:` `@` `+`: every reference of Docker's, with a
/// registry, a tag or a digest, and nothing that a shell, a log or a table reads otherwise.
bool is_image_name(std::string_view text);
/// The same in words, for diagnostics.
extern const std::string_view image_name_rule;
/// A name as it is shown where it was refused: short, control characters made visible.
std::string shown_image_name(std::string_view text);
/// Error(Exit::invalid) where it is no name of an image.
void require_image_name(std::string_view text);

/// The pattern with `{image}` replaced by the image, `{name}` by what stands before its last colon and `{tag}` by what
/// stands behind it: `app_{tag}` for `shop:v41` gives `app_v41`. An image without a colon is all name.
std::string live_name(std::string_view pattern, std::string_view image);

/// What images of one application share: the name without its tag or digest, the registry's path included. `shop` of
/// `shop:v41`, `registry.example:5000/team/shop` of `registry.example:5000/team/shop@sha256:…`.
std::string_view application_of(std::string_view image);

}  // namespace switchback
