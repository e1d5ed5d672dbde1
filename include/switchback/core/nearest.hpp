/// "Did you mean": the known word most like one that is not known.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace switchback {

/// Insertions, deletions, substitutions and swaps of neighbours that make one word the other.
std::size_t edit_distance(std::string_view left, std::string_view right);

/// The nearest of `known`, when it is near enough to be what was meant: at most a third of its letters differ.
std::optional<std::string> nearest(std::string_view word, std::span<const std::string_view> known);

}  // namespace switchback
