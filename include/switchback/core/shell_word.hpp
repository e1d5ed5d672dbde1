/// Commands that people are told to run.
#pragma once

#include <string>

namespace switchback {

/// An argument as a shell takes it: as it is where that is safe, else in single quotes.
std::string shell_word(const std::string& text);

}  // namespace switchback
