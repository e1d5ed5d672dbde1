#include "schema_dump.hpp"

#include <sstream>
#include <stdexcept>

#include "switchback/process/child.hpp"
#include "switchback/process/installation.hpp"

namespace switchback::tests {

std::string schema_dump(const std::string& uri) {
  const auto outcome = process::run({.argv = {process::find_installation().bin + "/pg_dump", "--schema-only",
                                              "--exclude-schema=switchback", "-d", uri}},
                                    std::chrono::seconds(60));
  if (!outcome.ok()) throw std::runtime_error("pg_dump: " + outcome.err);
  std::istringstream lines(outcome.out);
  std::string kept;
  for (std::string line; std::getline(lines, line);)
    if (!line.empty() && !line.starts_with("--") && !line.starts_with("\\")) kept += line + "\n";
  return kept;
}

}  // namespace switchback::tests
