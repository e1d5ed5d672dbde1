/// What a drill says: for people, for scripts, for CI and for a reviewer. Pure. Private to the command line.
#pragma once

#include <string>

#include "switchback/cli/render.hpp"
#include "switchback/core/drill.hpp"

namespace switchback::cli {

/// One line for each thing that was tried, with its finding below.
std::string drill_case_text(const DrillCase& one, Paint paint);
std::string drill_text(const DrillReport& report, Paint paint);
std::string drill_json(const DrillReport& report);
/// JUnit XML: a test case for each thing that was tried.
std::string drill_junit(const DrillReport& report);
std::string drill_markdown(const DrillReport& report);

}  // namespace switchback::cli
