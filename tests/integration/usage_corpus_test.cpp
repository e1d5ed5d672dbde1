#include "usage_corpus.hpp"

#include <iomanip>
#include <iostream>
#include <map>
#include <set>

#include "catch.hpp"
#include "switchback/core/error.hpp"

using namespace switchback;
using namespace switchback::tests;

namespace {

struct Tally {
  int used = 0;
  int unknown = 0;
  int unused = 0;

  void count(Verdict verdict) {
    switch (verdict) {
      case Verdict::used:
        ++used;
        return;
      case Verdict::unknown:
        ++unknown;
        return;
      case Verdict::unused:
        ++unused;
        return;
    }
  }
  int all() const { return used + unknown + unused; }
};

std::ostream& operator<<(std::ostream& out, const Tally& tally) {
  return out << std::setw(4) << tally.all() << ": " << tally.used << " used, " << tally.unknown << " unknown, "
             << tally.unused << " unused";
}

std::string told(const UsageCase& one, const std::string& judges, const Judgement& judgement) {
  std::string text =
      one.file + ": " + one.name + " is called " + std::string(name(judgement.verdict)) + " by " + judges + "\n";
  if (!one.setup.empty()) text += one.setup;
  text += one.run;
  for (const std::string& reason : judgement.reasons) text += "  because " + reason + "\n";
  return text;
}

/// What one way of judging makes of all cases.
struct Trial {
  std::string judges;
  Tally uses;
  Tally others;

  void count(const UsageCase& one, const Judgement& judgement) {
    (one.use ? uses : others).count(judgement.verdict);
    if (one.use && judgement.verdict == Verdict::unused)
      FAIL_CHECK("a use is missed: " << told(one, judges, judgement));
    if (!one.use && judgement.verdict != Verdict::unused)
      std::cout << "no use: " << told(one, judges, judgement) << std::flush;
  }
  void check() const {
    CAPTURE(judges);
    CHECK(uses.unused == 0);
    CHECK(others.unused * 100 >= others.all() * 90);
    CHECK(others.used * 100 <= others.all() * 5);
  }
};

std::ostream& operator<<(std::ostream& out, const Trial& trial) {
  return out << "  " << trial.judges << "\n    uses     " << trial.uses << "\n    non-uses " << trial.others << "\n";
}

}  // namespace

TEST_CASE("no use of the corpus is called unused, and nearly every look-alike is", "[usage][corpus][clone]") {
  const std::vector<UsageCase> cases = read_usage_corpus();
  CorpusServer server;
  Trial parse_tree{"the parse tree alone", {}, {}};
  Trial with_clone{"parse tree and server", {}, {}};
  std::map<std::string, int> skipped;
  for (const UsageCase& one : cases) {
    if (const std::string why = server.skipped(one); !why.empty()) {
      ++skipped[why];
      continue;
    }
    CAPTURE(one.file, one.name);
    try {
      const CorpusVerdicts verdicts = server.judge(one);
      parse_tree.count(one, verdicts.parse_tree);
      with_clone.count(one, verdicts.with_clone);
    } catch (const Error& error) {
      FAIL_CHECK("the case does not run: " << error.what());
    }
  }
  std::cout << "PostgreSQL " << server.major() << "\n" << parse_tree << with_clone;
  for (const auto& [why, count] : skipped) std::cout << "  skipped " << std::setw(4) << count << ": " << why << "\n";
  parse_tree.check();
  with_clone.check();
}

TEST_CASE("the corpus is large, and each of its cases is named once", "[usage][corpus]") {
  std::set<std::string> names;
  int uses = 0;
  int others = 0;
  for (const UsageCase& one : read_usage_corpus()) {
    CAPTURE(one.file, one.name);
    CHECK(names.insert(one.name).second);
    CHECK(one.setup.size() + one.run.size() > 0);
    ++(one.use ? uses : others);
  }
  CHECK(uses >= 150);
  CHECK(others >= 100);
}
