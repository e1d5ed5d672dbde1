/// Long texts as they are shown in a line.
#pragma once

#include <string>

namespace switchback {

/// The beginning of a text (UTF-8), some 200 bytes, as one line: control characters become blanks.
std::string excerpt(std::string text);

}  // namespace switchback
