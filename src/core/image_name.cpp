#include "switchback/core/image_name.hpp"

namespace switchback {
namespace {

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
}

}  // namespace

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
