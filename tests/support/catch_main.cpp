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

#include <cstdlib>
#include <fstream>

/// SWITCHBACK_TESTS narrows what runs, as a test spec on the command line would.
int main(int argc, char** argv) {
  Catch::Session session;
  if (const int wrong = session.applyCommandLine(argc, argv); wrong != 0) return wrong;
  if (const char* only = std::getenv("SWITCHBACK_TESTS")) session.configData().testsOrTags.emplace_back(only);
  return session.run();
}

namespace {

/// Adds "passed failed", in test cases, to the file that SWITCHBACK_TEST_COUNTS names. Reporters cannot tell: their
/// formats differ between the versions of Catch2, and count assertions or sections.
struct Counts : ListenerBase {
  using ListenerBase::ListenerBase;

  void testRunEnded(const Catch::TestRunStats& run) override {  // NOLINT(readability-identifier-naming): Catch2's name
    if (const char* file = std::getenv("SWITCHBACK_TEST_COUNTS")) {
      std::ofstream(file, std::ios::app) << run.totals.testCases.passed << " " << run.totals.testCases.failed << "\n";
    }
  }
};
CATCH_REGISTER_LISTENER(Counts)

}  // namespace
