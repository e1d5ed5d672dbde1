#if __has_include(<catch2/catch_session.hpp>)
#include <catch2/catch_session.hpp>
#include <catch2/reporters/catch_reporter_event_listener.hpp>
#include <catch2/reporters/catch_reporter_registrars.hpp>
using ListenerBase = Catch::EventListenerBase;
#else
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
using ListenerBase = Catch::TestEventListenerBase;
#endif

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "test_part.hpp"

namespace {

/// A name as a test spec that means it alone: a comma would end it, a bracket begin a tag.
std::string escaped(const std::string& name) {
  std::string spec;
  for (const char c : name) {
    if (c == ',' || c == '[' || c == '"' || c == '\\') spec += '\\';
    spec += c;
  }
  return spec;
}

bool has_tag(const Catch::TestCaseInfo& test, const std::string& tag) {
#ifdef CATCH_CONFIG_RUNNER
  return std::find(test.lcaseTags.begin(), test.lcaseTags.end(), tag) != test.lcaseTags.end();
#else
  return std::any_of(test.tags.begin(), test.tags.end(),
                     [&](const Catch::Tag& one) { return one.original == Catch::StringRef(tag); });
#endif
}

bool is_timed(const Catch::TestCaseInfo& test) {
  return has_tag(test, "timing");
}

using Cases = std::vector<Catch::TestCaseInfo const*>;

/// What the specs choose, in the order of declaration; without specs everything but what is hidden.
Cases chosen(const Catch::IConfig& config) {
  Cases cases;
  for (const auto& test : Catch::getAllTestCasesSorted(config)) {
#ifdef CATCH_CONFIG_RUNNER
    const Catch::TestCaseInfo& info = test;
#else
    const Catch::TestCaseInfo& info = test.getTestCaseInfo();
#endif
    const Catch::TestSpec& spec = config.testSpec();
    if (spec.hasFilters() ? spec.matches(info) : !info.isHidden()) cases.push_back(&info);
  }
  return cases;
}

/// "2/3": the second of three parts, without what is tagged [timing], for processes side by side; what is tagged
/// [shared] is in each. "timing": only that, for a process by itself.
Cases part_of(const Cases& cases, const std::string& part) {
  const bool timing = part == "timing";
  Cases result;
  std::size_t place = 0;
  for (const Catch::TestCaseInfo* test : cases) {
    if (is_timed(*test) != timing) continue;
    if (timing || has_tag(*test, "shared") || switchback::tests::is_of_this_part(place++)) result.push_back(test);
  }
  return result;
}

void choose(std::vector<std::string>& specs, const std::string& name) {
  if (!specs.empty()) specs.emplace_back(",");
  specs.push_back(escaped(name));
}

/// Tests look at what is left of throwaway servers and temporary files: each part has a folder of its own for them, the
/// same the next time.
void use_own_folder(const std::string& program, std::string part) {
  namespace fs = std::filesystem;
  std::replace(part.begin(), part.end(), '/', '-');
  const std::size_t clone = std::hash<std::string>{}(fs::absolute(program).string()) % 1000000;
  const fs::path folder = fs::temp_directory_path() / ("switchback-part-" + part + "-" + std::to_string(clone));
  fs::create_directories(folder);
  fs::permissions(folder, fs::perms::all | fs::perms::sticky_bit);
  ::setenv("TMPDIR", folder.c_str(), 1);
  ::setenv("XDG_STATE_HOME", folder.c_str(), 1);
}

}  // namespace

/// SWITCHBACK_TESTS narrows what runs, as a test spec on the command line would; SWITCHBACK_TEST_NAMES to the cases
/// whose names are the lines of a file; SWITCHBACK_TEST_PART to a part of all that.
int main(int argc, char** argv) {
  Catch::Session session;
  if (const int wrong = session.applyCommandLine(argc, argv); wrong != 0) return wrong;
  auto& specs = session.configData().testsOrTags;
  if (const char* only = std::getenv("SWITCHBACK_TESTS")) specs.emplace_back(only);
  if (const char* file = std::getenv("SWITCHBACK_TEST_NAMES")) {
    std::ifstream names(file);
    for (std::string name; std::getline(names, name);) choose(specs, name);
  }
  const char* part = std::getenv("SWITCHBACK_TEST_PART");
  if (!part) return session.run();
  use_own_folder(argv[0], part);
  Catch::ConfigData data = session.configData();
  data.testsOrTags.clear();
  for (const Catch::TestCaseInfo* test : part_of(chosen(session.config()), part)) choose(data.testsOrTags, test->name);
  if (data.testsOrTags.empty()) return 0;
  session.useConfigData(data);
  return session.run();
}

namespace {

/// A copy in version 2, a pointer in version 3.
const Catch::TestCaseInfo& info_of(const Catch::TestCaseStats& ended) {
#ifdef CATCH_CONFIG_RUNNER
  return ended.testInfo;
#else
  return *ended.testInfo;
#endif
}

std::ofstream added_to(const char* variable) {
  const char* file = std::getenv(variable);
  return file ? std::ofstream(file, std::ios::app) : std::ofstream();
}

/// For whoever runs the tests; reporters cannot tell, as their formats differ between the versions of Catch2, and count
/// assertions or sections. Adds "passed failed", in test cases, to the file that SWITCHBACK_TEST_COUNTS names; to the
/// one that SWITCHBACK_TEST_FAILURES names "timing" or "plain", a tab, and the name of each case that failed.
struct Record : ListenerBase {
  using ListenerBase::ListenerBase;

  // NOLINTBEGIN(readability-identifier-naming): Catch2's names
  void testCaseEnded(const Catch::TestCaseStats& ended) override {
    if (ended.totals.assertions.failed > 0)
      added_to("SWITCHBACK_TEST_FAILURES")
          << (is_timed(info_of(ended)) ? "timing\t" : "plain\t") << info_of(ended).name << "\n";
  }
  void testRunEnded(const Catch::TestRunStats& run) override {
    added_to("SWITCHBACK_TEST_COUNTS") << run.totals.testCases.passed << " " << run.totals.testCases.failed << "\n";
  }
  // NOLINTEND(readability-identifier-naming)
};
CATCH_REGISTER_LISTENER(Record)

}  // namespace
