/// The pages of plans/lint, put into the program when it is built (CMakeLists.txt). Private to the command line.
#pragma once

#include <span>
#include <string_view>

namespace switchback::cli {

struct LintPage {
  std::string_view rule;
  std::string_view text;
};
std::span<const LintPage> lint_pages();

}  // namespace switchback::cli
