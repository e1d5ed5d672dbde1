/// A line of a file, as diagnostics show it.
#pragma once

#include <string>
#include <string_view>

namespace switchback {

/// The line of that number (from 1), without its end, cut where it is longer than one would show; empty beyond the end.
std::string line_of(std::string_view text, int number);
/// The line and, below it, a caret under its character of that number (from 1); both indented, each with a newline.
std::string marked_line(const std::string& line, int column);
/// Control characters would reach the terminal otherwise.
std::string without_controls(std::string text);

}  // namespace switchback
