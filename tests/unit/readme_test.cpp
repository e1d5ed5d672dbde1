#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "catch.hpp"
#include "source_folder.hpp"
#include "switchback/core/error.hpp"
#include "switchback/core/evidence_sources.hpp"
#include "switchback/core/settings.hpp"
#include "switchback/core/state.hpp"

namespace fs = std::filesystem;
using namespace switchback;

namespace {

std::string text_of(const fs::path& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string readme() {
  return text_of(tests::source_folder() / "README.md");
}

/// What stands between `<!-- name -->` and `<!-- /name -->`, which must be there once each.
std::string section(const std::string& text, const std::string& name) {
  const std::string from = "<!-- " + name + " -->\n";
  const std::string to = "<!-- /" + name + " -->";
  const auto begin = text.find(from);
  const auto end = text.find(to);
  CAPTURE(name);
  REQUIRE(begin != std::string::npos);
  REQUIRE(end != std::string::npos);
  REQUIRE(begin < end);
  CHECK(text.find(from, begin + 1) == std::string::npos);
  CHECK(text.find(to, end + 1) == std::string::npos);
  return text.substr(begin + from.size(), end - begin - from.size());
}

std::vector<std::string> quoted_in(const std::string& text) {
  std::vector<std::string> found;
  for (auto open = text.find('"'); open != std::string::npos; open = text.find('"', open)) {
    const auto close = text.find('"', open + 1);
    REQUIRE(close != std::string::npos);
    found.push_back(text.substr(open + 1, close - open - 1));
    open = close + 1;
  }
  return found;
}

/// The name behind each TEST_CASE of the tests. None of them has a quote or a backslash in it.
std::set<std::string> test_cases() {
  const std::string macro = "TEST_CASE(";
  std::set<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(tests::source_folder() / "tests")) {
    if (entry.path().extension() != ".cpp") continue;
    const std::string text = text_of(entry.path());
    for (auto at = text.find(macro); at != std::string::npos; at = text.find(macro, at + 1)) {
      const auto open = text.find_first_not_of(" \n", at + macro.size());
      if (open == std::string::npos || text[open] != '"') continue;
      names.insert(text.substr(open + 1, text.find('"', open + 1) - open - 1));
    }
  }
  return names;
}

/// `a|b` is two cells of a table, unless the bar is escaped.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out;
}

std::string row_of(const SettingSpec& spec) {
  const std::string value = spec.default_value.empty() ? "" : "`" + std::string(spec.default_value) + "`";
  const std::string places = spec.live ? "file, plan, `set`" : spec.in_plan ? "file, plan" : "file";
  return "| `" + std::string(spec.key) + "` | " + value + " | " + cell(spec.form) + " | " + places + " | ";
}

}  // namespace

TEST_CASE("the README's picture and table of the states are those of the code", "[readme]") {
  const std::string text = readme();
  CHECK(section(text, "states") == "```mermaid\n" + state_diagram() + "```\n");
  CHECK(section(text, "state table") == state_table_text());
}

TEST_CASE("every test that the README's promises name exists", "[readme]") {
  const auto names = quoted_in(section(readme(), "promises"));
  const auto known = test_cases();
  CHECK(names.size() >= 12);  // two for each promise, at the least
  for (const std::string& name : names) {
    CAPTURE(name);
    CHECK(known.contains(name));
  }
}

TEST_CASE("the README has every setting with its default, and no other", "[readme]") {
  const std::string table = section(readme(), "settings");
  for (const SettingSpec& spec : setting_specs()) {
    CAPTURE(row_of(spec));
    CHECK(table.find(row_of(spec)) != std::string::npos);
  }
  const auto rows = static_cast<std::size_t>(std::count(table.begin(), table.end(), '\n'));
  CHECK(rows == setting_specs().size() + 2);
}

TEST_CASE("the README has every source of usage evidence in the words of the code, and no other", "[readme]") {
  const std::string table = section(readme(), "evidence");
  for (const EvidenceSource& source : evidence_sources()) {
    std::string row = "| `" + std::string(source.name) + "` |";
    for (const auto text : {source.sees, source.cut_by, source.cannot_see, source.needs})
      row += " " + cell(text) + " |";
    CAPTURE(row);
    CHECK(table.find(row + "\n") != std::string::npos);
  }
  const auto rows = static_cast<std::size_t>(std::count(table.begin(), table.end(), '\n'));
  CHECK(rows == evidence_sources().size() + 2);
}

TEST_CASE("the README has every exit code", "[readme]") {
  const std::string table = section(readme(), "exit codes");
  for (const Exit exit : {Exit::done, Exit::failed, Exit::refused, Exit::invalid, Exit::drift, Exit::not_yet,
                          Exit::busy, Exit::unreachable, Exit::approval, Exit::usage}) {
    const std::string row = "\n| " + std::to_string(static_cast<int>(exit)) + " | ";
    CAPTURE(row);
    CHECK(table.find(row) != std::string::npos);
  }
}
