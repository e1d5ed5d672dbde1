/// Long texts as they are shown in a line.
#pragma once

#include <string>
#include <string_view>

namespace switchback {

/// The beginning of a text (UTF-8), some 200 bytes, as one line: control characters become blanks.
std::string excerpt(std::string text);
/// The same of the first line: what a program or a server said first.
std::string first_line(std::string_view text);

}  // namespace switchback
