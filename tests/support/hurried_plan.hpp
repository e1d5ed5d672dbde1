/// Plans with windows that a test can wait for.
#pragma once

#include <string>

namespace switchback::tests {

/// The plan with short windows, and nothing that it waits for of others: approvals, brownouts, conditions, other plans.
std::string hurried(std::string text);

/// All of a file; empty when it cannot be read.
std::string content(const std::string& file);

}  // namespace switchback::tests
