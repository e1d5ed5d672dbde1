#include "hurried_plan.hpp"

#include <fstream>
#include <regex>
#include <utility>
#include <vector>

namespace switchback::tests {

std::string hurried(std::string text) {
  for (const auto& [from, to] :
       std::vector<std::pair<std::string, std::string>>{{R"(observe: \d+[hd])", "observe: 1s"},
                                                        {R"(soak: \d+[hd])", "soak: 0s"},
                                                        {R"(approvals: \d)", "approvals: 0"},
                                                        {R"(brownout: \[[^\]]*\])", "brownout: none"},
                                                        {R"(\nturn_back:\n(( |#).*\n)*)", "\n"},
                                                        {R"(requires: \[[^\]]*\])", ""}})
    text = std::regex_replace(text, std::regex(from), to);
  return text;
}

std::string content(const std::string& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace switchback::tests
