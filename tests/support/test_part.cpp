#include "test_part.hpp"

#include <cstdlib>
#include <string>

namespace switchback::tests {

TestPart test_part() {
  const char* variable = std::getenv("SWITCHBACK_TEST_PART");
  const std::string part = variable ? variable : "";
  const std::size_t slash = part.find('/');
  if (slash == std::string::npos) return {};
  return {std::stoul(part.substr(0, slash)), std::stoul(part.substr(slash + 1))};
}

bool is_of_this_part(std::size_t place) {
  const TestPart part = test_part();
  return place % part.count == part.index - 1;
}

}  // namespace switchback::tests
