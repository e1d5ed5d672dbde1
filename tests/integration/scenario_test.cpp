// Every folder of tests/scenarios: its plan goes forward and back through all of its states under writers of both
// images.
#include "scenario.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "catch.hpp"
#include "image_writers.hpp"
#include "lock_watch.hpp"
#include "plan_view.hpp"
#include "schema_fingerprint.hpp"
#include "server.hpp"
#include "test_part.hpp"
#include "tool.hpp"

using namespace switchback;
using namespace switchback::tests;
using namespace std::chrono_literals;

namespace {

constexpr const char* surroundings =
    "CREATE EXTENSION pg_stat_statements SCHEMA public;"
    "DO $$ BEGIN CREATE ROLE scene_owner; CREATE ROLE scene_reader; EXCEPTION WHEN duplicate_object THEN NULL; END $$;";

std::string with_rows(const std::string& sql, int rows) {
  return std::regex_replace(sql, std::regex(":rows\\b"), std::to_string(rows));
}

/// A database as the scenario begins, with so many rows, and the ledger.
std::string beginning(const Scenario& scenario, int rows) {
  const std::string uri = server().fresh_database();
  const auto session = scene_session(uri, "test");
  session->exec(surroundings);
  session->exec(with_rows(scenario.before, rows));
  make_ledger(uri);
  return uri;
}

std::string without(const std::string& lines, const std::string& pattern) {
  if (pattern.empty()) return lines;
  std::istringstream in(lines);
  std::string kept;
  for (std::string line; std::getline(in, line);)
    if (!std::regex_search(line, std::regex(pattern))) kept += line + "\n";
  return kept;
}

class Play {
 public:
  explicit Play(const Scenario& scenario)
      : scenario_(scenario),
        uri_(beginning(scenario, scenario.rows)),
        tool_(uri_, Tool::default_configuration() + "environment: staging\n"),
        locks_(std::make_unique<LockWatch>(uri_)) {
    tool_.plan(scenario.plan_text);
  }

  /// Forward through the resting states alone.
  void one_way() {
    arrived(State::planned);
    on();
  }

  /// Forward, back to each earlier resting state by turns, and forward again.
  void there_and_back() {
    one_way();
    const std::vector<State> way = way_forward(scenario_.end);
    for (std::size_t back = way.size() - 1; back-- > 0;) {
      if (way[back] == State::hidden || (scenario_.end == State::done && way[back] != State::planned)) continue;
      go(way[back]);
    }
    on();
    compare_with_reference();
  }

  /// Forward to each resting state, and from it back to each before it that the design allows, and there again.
  void all_ways() {
    arrived(State::planned);
    const std::vector<State> way = way_forward(scenario_.end);
    for (std::size_t far = 1; far < way.size(); ++far) {
      go(way[far]);
      for (std::size_t back = far; back-- > 0;) {
        if (way[back] == State::hidden || (way[far] == State::done && way[back] != State::planned)) continue;
        go(way[back]);
        go(way[far]);
      }
    }
    compare_with_reference();
  }

  /// What the runner says of the locks it had, held against what was seen of them; and for the documentation's table.
  void record() {
    only({});
    const auto seen = locks_->stop();
    const auto rows = scene_session(uri_, "test")
                          ->exec("SELECT relation, mode, state, held_us, had_us FROM switchback.lock_held ORDER BY id");
    std::set<std::pair<std::string, std::string>> recorded;
    for (std::size_t i = 0; i < rows.size(); ++i) recorded.emplace(rows.text(i, 0), rows.text(i, 1));
    for (const auto& [what, times] : seen) {
      std::string names;
      for (const std::string& one : times.names) names += one + " ";
      INFO(what.second << " on " << names << "was seen, held for " << times.held.count() << " ms");
      // One that was only waited for was not had. The record has the name that the transaction left.
      CHECK((times.held == 0ms || std::ranges::any_of(times.names, [&](const std::string& one) {
               return recorded.contains({one, what.second});
             })));
    }
    const char* file = std::getenv("SWITCHBACK_SCENARIO_LOCKS");
    if (file == nullptr) return;
    const bool begins = !std::filesystem::exists(file);
    std::ofstream out(file, std::ios::app);
    if (begins)
      out << "version\tscenario\trows\trelation\tmode\tstate\theld_us\thad_us\tseen_ms\twaited_ms\tlongest_write_ms\n";
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto found = std::ranges::find_if(seen, [&](const auto& one) {
        return one.first.second == rows.text(i, 1) && one.second.names.contains(rows.text(i, 0));
      });
      const LockWatch::Seen times = found == seen.end() ? LockWatch::Seen{} : found->second;
      out << server().sandbox().version << "\t" << scenario_.name << "\t" << scenario_.rows;
      for (std::size_t column = 0; column < 5; ++column) out << "\t" << rows.text(i, column);
      out << "\t" << times.held.count() << "\t" << times.waited.count() << "\t" << longest_.count() << "\n";
    }
  }

 private:
  void on() {
    for (const State state : way_forward(scenario_.end))
      if (state != State::planned) go(state);
  }
  void compare_with_reference() const { CHECK(fingerprint_difference(reference(), schema_fingerprint(uri_)) == ""); }

  /// Lets just those images write. What one failed at while it was to work is a failure of the scenario.
  void only(Works works) {
    set(old_image_, works.old_image, scenario_.old_image, scenario_.plan.images.before.value_or("old"), 1);
    set(new_image_, works.new_image, scenario_.new_image, scenario_.plan.images.after.value_or("new"), 2);
  }
  void set(std::unique_ptr<ImageWriters>& writers, bool on, const Body& body, const std::string& image, unsigned seed) {
    if (on == (writers != nullptr) || body.empty()) return;
    if (on) {
      writers = std::make_unique<ImageWriters>(uri_, image, body, scenario_.rows, seed + 10 * ++legs_);
      return;
    }
    writers->stop();
    for (const std::string& failure : writers->failures()) FAIL_CHECK(image << " failed: " << failure);
    longest_ = std::max(longest_, writers->longest());
    writers.reset();
  }

  void go(State to) {
    INFO("from " << name(at_) << " to " << name(to));
    only(works_between(scenario_, at_, to));
    const std::vector<State> way = way_forward(scenario_.end);
    const bool forward = std::ranges::find(way, to) > std::ranges::find(way, at_);
    const auto words = forward
                           ? tool_.run_to(std::string(name(to)))
                           : std::vector<std::string>{"rollback", scenario_.plan.name, "--to", std::string(name(to)),
                                                      "--yes",    "--despite",         "loss"};
    // Many rows on a machine that is busy with something else take their time; that it hangs is all this tells.
    const auto outcome = tool_.run(with_consent(words), 15min);
    INFO(outcome.out << outcome.err);
    REQUIRE(outcome.exit_code == 0);
    at_ = to;
    arrived(to);
  }
  static std::vector<std::string> with_consent(std::vector<std::string> words) {
    words.insert(words.end(), {"--despite", "horizon", "--reason", "a test"});
    return words;
  }

  void arrived(State state) {
    const std::string here = schema_fingerprint(uri_);
    const auto [before, first] = fingerprints_.try_emplace(state, here);
    CHECK(fingerprint_difference(without(before->second, scenario_.stays), without(here, scenario_.stays)) == "");
    const Works works = works_between(scenario_, state, state);
    only(works);
    for (ImageWriters* writers : {old_image_.get(), new_image_.get()})
      if (writers != nullptr)
        CHECK(eventually(30s, [&, goal = writers->writes() + 20] { return writers->writes() >= goal; }));
    if (works.old_image) finds_nothing("old_finds_wrong.sql", scenario_.old_finds_wrong);
    if (works.new_image) finds_nothing("new_finds_wrong.sql", scenario_.new_finds_wrong);
  }
  /// In one snapshot with the ledger, so that the writers may go on.
  void finds_nothing(const std::string& file, const std::string& query) {
    if (query.empty()) return;
    const auto rows = scene_session(uri_, "test")->exec(query);
    std::string row;
    for (std::size_t i = 0; !rows.empty() && i < rows.rows.front().size(); ++i) row += rows.text(0, i) + " | ";
    INFO("in " << name(at_) << ", " << file << " finds " << rows.size() << " rows: " << row);
    CHECK(rows.empty());
  }

  /// The schema that after.sql makes of an empty beginning: what the plan must have come to.
  std::string reference() const {
    const std::string uri = beginning(scenario_, 0);
    scene_session(uri, "test")->exec(scenario_.after);
    return schema_fingerprint(uri);
  }

  const Scenario& scenario_;
  std::string uri_;
  Tool tool_;
  State at_ = State::planned;
  unsigned legs_ = 0;
  std::map<State, std::string> fingerprints_;
  std::unique_ptr<LockWatch> locks_;
  std::unique_ptr<ImageWriters> old_image_, new_image_;
  std::chrono::milliseconds longest_{0};
};

}  // namespace

TEST_CASE("each scenario goes forward and back through all its states under writers of the images that work there",
          "[scenario][shared]") {
  const char* only = std::getenv("SWITCHBACK_SCENARIO");
  const char* rows = std::getenv("SWITCHBACK_SCENARIO_ROWS");
  std::size_t place = 0;
  for (Scenario scenario : scenarios()) {
    if (!is_of_this_part(place++)) continue;
    if (only != nullptr && scenario.name != only) continue;
    DYNAMIC_SECTION(scenario.name) {
      if (std::stoi(server().sandbox().version) < scenario.needs) {
        WARN(scenario.name << " needs PostgreSQL " << scenario.needs);
        continue;
      }
      if (rows != nullptr && !scenario.fixed_rows) scenario.rows = std::stoi(rows);
      Play play(scenario);
      if (rows != nullptr)
        play.one_way();
      else if (std::getenv("SWITCHBACK_SCENARIO_SHORT") != nullptr)
        play.there_and_back();
      else
        play.all_ways();
      play.record();
    }
  }
}
