#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "catch.hpp"
#include "source_folder.hpp"

namespace fs = std::filesystem;

namespace {

/// Which folders a folder's files may include from, beside themselves.
const std::map<std::string, std::set<std::string>> allowed{
    {"core", {}},
    {"ports", {"core"}},
    {"engine", {"core", "ports"}},
    {"postgres", {"core", "ports"}},
    {"plan_file", {"core", "ports"}},
    {"process", {"core", "ports"}},
    {"http", {"core", "ports"}},
    {"daemon", {"core", "ports", "engine", "postgres", "plan_file", "process", "http"}},
    {"cli", {"core", "ports", "engine", "postgres", "plan_file", "process", "daemon"}},
};

struct Include {
  std::string file;    ///< within the source tree
  std::string folder;  ///< core, ports, …
  std::string header;  ///< as written, without the quotes
  bool is_public = false;
};

fs::path root_of_sources() {
  return switchback::tests::source_folder();
}

/// A private header in the same folder.
bool is_beside(const fs::path& file, const std::string& header) {
  return header.find('/') == std::string::npos && fs::exists(file.parent_path() / header);
}

std::vector<Include> includes() {
  const fs::path root = root_of_sources();
  const std::regex line_of_include(R"re(^\s*#\s*include\s*[<"]([^>"]+)[>"])re");
  std::vector<Include> result;
  for (const auto& top : {root / "include/switchback", root / "src"}) {
    for (const auto& entry : fs::recursive_directory_iterator(top)) {
      const std::string extension = entry.path().extension().string();
      const fs::path inside = fs::relative(entry.path(), top);
      if ((extension != ".hpp" && extension != ".cpp") || !inside.has_parent_path()) continue;  // main.cpp may use all
      std::ifstream in(entry.path());
      std::smatch match;
      for (std::string line; std::getline(in, line);) {
        if (!std::regex_search(line, match, line_of_include)) continue;
        result.push_back({fs::relative(entry.path(), root).string(), inside.begin()->string(), match[1],
                          top.filename() == "switchback"});
      }
    }
  }
  return result;
}

std::vector<std::string> violations(const std::vector<Include>& found) {
  // The core decides and does nothing: no I/O, no clock's sleep, no threads, no libraries.
  const std::regex acting("iostream|fstream|filesystem|thread|mutex|condition_variable|future|pqxx|unistd.h");
  const std::regex heavy(R"((nlohmann/json\.hpp|CLI/|spdlog/|yaml-cpp/|boost/|pqxx/|libpq).*)");
  std::vector<std::string> result;
  for (const auto& [file, folder, header, is_public] : found) {
    const std::string says = file + " includes " + header;
    if (!allowed.contains(folder)) {
      result.push_back(file + " is in a folder that this test does not know");
    } else if (header.starts_with("switchback/")) {
      const std::string other = header.substr(11, header.find('/', 11) - 11);
      if (other != folder && !allowed.at(folder).contains(other)) result.push_back(says);
    } else if (header.find("..") != std::string::npos) {
      result.push_back(says);
    }
    if ((folder == "core" || folder == "ports") && !header.starts_with("switchback/") &&
        ((header.find_first_of("/.") != std::string::npos && !is_beside(root_of_sources() / file, header)) ||
         std::regex_match(header, acting))) {
      result.push_back(says);
    }
    if (header.starts_with("pqxx/") && file != "src/postgres/session.cpp") result.push_back(says);
    if (is_public && std::regex_match(header, heavy)) result.push_back(says);
  }
  return result;
}

}  // namespace

TEST_CASE("every #include follows the layers", "[layering]") {
  const auto found = includes();
  REQUIRE(found.size() > 50);
  for (const std::string& violation : violations(found)) FAIL_CHECK(violation);
}

TEST_CASE("the layering check sees what breaks the layers", "[layering]") {
  const std::vector<Include> broken{
      {"src/core/a.cpp", "core", "switchback/engine/journal.hpp", false},
      {"src/core/a.cpp", "core", "fstream", false},
      {"src/core/a.cpp", "core", "nlohmann/json.hpp", false},
      {"src/engine/a.cpp", "engine", "switchback/postgres/session.hpp", false},
      {"src/postgres/a.cpp", "postgres", "pqxx/pqxx", false},
      {"include/switchback/cli/a.hpp", "cli", "CLI/CLI.hpp", true},
      {"src/process/a.cpp", "process", "../postgres/private.hpp", false},
      {"src/other/a.cpp", "other", "vector", false},
  };
  CHECK(violations(broken).size() >= broken.size());
  for (const Include& one : broken) {
    CAPTURE(one.file, one.header);
    CHECK_FALSE(violations({one}).empty());
  }
  const std::vector<Include> fine{{"src/core/a.cpp", "core", "switchback/core/plan.hpp", false},
                                  {"src/core/a.cpp", "core", "vector", false},
                                  {"src/daemon/a.cpp", "daemon", "boost/asio.hpp", false},
                                  {"src/postgres/session.cpp", "postgres", "pqxx/pqxx", false}};
  CHECK(violations(fine).empty());
}
