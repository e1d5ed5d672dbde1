#include "switchback/core/image_name.hpp"

#include <algorithm>

#include "switchback/core/error.hpp"

namespace switchback {
namespace {

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
}

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

const std::string_view image_name_rule =
    "an image's name is a letter or digit and then up to 254 letters, digits and . _ - / : @ +, as "
    "registry.example:5000/team/shop:v41 or shop@sha256:…";

bool is_image_name(std::string_view text) {
  constexpr std::size_t longest = 255;
  constexpr std::string_view marks = "._-/:@+";
  return !text.empty() && text.size() <= longest && is_alphanumeric(text.front()) &&
         std::ranges::all_of(text,
                             [&](char c) { return is_alphanumeric(c) || marks.find(c) != std::string_view::npos; });
}

std::string shown_image_name(std::string_view text) {
  constexpr std::size_t enough = 80;
  std::string out;
  for (const char c : text.substr(0, enough)) out += static_cast<unsigned char>(c) < ' ' || c == 0x7f ? '?' : c;
  return out + (text.size() > enough ? "…" : "");
}

void require_image_name(std::string_view text) {
  if (!is_image_name(text))
    throw Error(Exit::invalid, Remedy::person, "'" + shown_image_name(text) + "' cannot be the name of an image",
                std::string(image_name_rule));
}

std::string live_name(std::string_view pattern, std::string_view image) {
  const std::size_t colon = image.rfind(':');
  std::string text(pattern);
  replace_all(text, "{name}", image.substr(0, colon));
  replace_all(text, "{tag}", colon == std::string_view::npos ? std::string_view{} : image.substr(colon + 1));
  replace_all(text, "{image}", image);
  return text;
}

std::string_view application_of(std::string_view image) {
  image = image.substr(0, image.find('@'));
  const std::size_t slash = image.rfind('/');
  const std::size_t colon = image.rfind(':');
  const bool tagged = colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash);
  return tagged ? image.substr(0, colon) : image;
}

}  // namespace switchback
