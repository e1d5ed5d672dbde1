#include "switchback/core/draft.hpp"

namespace switchback {
namespace {

constexpr std::string_view opening = "<fill in: ";

}  // namespace

std::string left_to_fill_in(std::string_view what) {
  return std::string(opening) + std::string(what) + ">";
}

std::optional<std::string> to_fill_in(std::string_view text) {
  if (!text.starts_with(opening) || !text.ends_with('>')) return std::nullopt;
  return std::string(text.substr(opening.size(), text.size() - opening.size() - 1));
}

}  // namespace switchback
