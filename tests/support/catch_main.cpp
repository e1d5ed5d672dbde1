#if __has_include(<catch2/catch_session.hpp>)
#include <catch2/catch_session.hpp>
#include <catch2/reporters/catch_reporter_event_listener.hpp>
#include <catch2/reporters/catch_reporter_registrars.hpp>
using ListenerBase = Catch::EventListenerBase;
int main(int argc, char** argv) {
  return Catch::Session().run(argc, argv);
}
#else
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
using ListenerBase = Catch::TestEventListenerBase;
#endif

#include <cstdlib>
#include <fstream>

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
