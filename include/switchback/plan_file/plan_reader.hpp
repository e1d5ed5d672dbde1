/// Reading a plan file: YAML in, a Plan or every diagnostic at once out. No database, no network.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "switchback/core/plan.hpp"
#include "switchback/plan_file/diagnostic.hpp"

namespace switchback {

struct ReadPlan {
  std::optional<Plan> plan;             ///< empty when any diagnostic is an error
  std::vector<Diagnostic> diagnostics;  ///< in the order of the file
};

/// Reads `text`; `file` is the name that diagnostics show. Plan::text keeps the bytes, Plan::hash their sha256.
/// Limits: 1 MiB, 32 levels, 100 aliases, 50,000 values.
ReadPlan read_plan(std::string_view text, std::string file);

/// The same from a file; one that cannot be read is a diagnostic as well.
ReadPlan read_plan_file(const std::string& path);

/// Lower-case hex of the SHA-256 of `bytes`.
std::string sha256_hex(std::string_view bytes);

}  // namespace switchback
