// Columns of two tables kept equal: the same few rows under writers of both images, killed runners, roles that may
// write only the one table, and what holds or is refused by name.
#include <atomic>
#include <csignal>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "catch.hpp"
#include "plan_view.hpp"
#include "server.hpp"
#include "switchback/core/error.hpp"
#include "tool.hpp"

using namespace switchback;
using namespace switchback::tests;
using namespace std::chrono_literals;

namespace {

constexpr const char* plan_text = R"yaml(plan: over
images: { before: shop:v1, after: shop:v2 }
change:
  - move_column: { table: users, column: phone, to: profiles, on: { user_id: id } }
contract:
  observe: 1s
  soak: 0s
)yaml";

constexpr const char* tables_sql =
    "CREATE EXTENSION pg_stat_statements; CREATE TABLE users (id bigint PRIMARY KEY, name text, phone text); CREATE "
    "TABLE profiles (id bigserial PRIMARY KEY, user_id bigint NOT NULL UNIQUE REFERENCES users ON DELETE CASCADE, bio "
    "text); INSERT INTO users SELECT i, 'n', 'p' || i FROM generate_series(1, 2000) i; INSERT INTO profiles (user_id) "
    "SELECT i FROM generate_series(1, 2000) i;";

struct Scene {
  std::string uri = server().fresh_database();
  Tool tool{uri};
  explicit Scene(const std::string& before = tables_sql, const std::string& plan = plan_text) {
    sql(before);
    tool.plan(plan);
  }
  std::string sql(const std::string& text) const { return server().sql(uri, text); }
  static std::vector<std::string> with_consent(std::vector<std::string> words) {
    words.insert(words.end(), {"--despite", "horizon", "--reason", "a test"});
    return words;
  }
  std::vector<std::string> words_to(const std::string& state, bool forward) const {
    if (forward) return with_consent(tool.run_to(state));
    return with_consent({"rollback", "over", "--to", state, "--yes"});
  }
  void go(const std::string& state, bool forward) const {
    const auto outcome = tool.run(words_to(state, forward));
    INFO("to " << state << ": " << outcome.out << outcome.err);
    REQUIRE(outcome.exit_code == 0);
  }
  /// The runner is killed after a while, and another one ends what it began.
  void go_killed(const std::string& state, bool forward, std::chrono::milliseconds after) const {
    const auto child = tool.start(words_to(state, forward));
    if (!child->wait(after)) child->signal_group(SIGKILL);
    child->finish(10s);
    eventually(60s, [&] { return tool.run(words_to(state, forward)).exit_code == 0; });
    CHECK(tool.status("over").state == state);
  }
  std::string differing(const std::string& old_name = "phone") const {
    return sql("SELECT count(*) FROM users u JOIN profiles p ON p.user_id = u.id WHERE u." + old_name +
               " IS DISTINCT FROM p.phone");
  }
};

constexpr const char* hidden = "_switchback_over_phone";

/// Write rows 1 to 6 of one side, and know what was last said to be committed of each.
class Writers {
 public:
  Writers(std::string uri, bool of_new_side, unsigned seed) : uri_(std::move(uri)), of_new_side_(of_new_side) {
    for (unsigned i = 0; i < 3; ++i) threads_.emplace_back([this, i, seed] { write(seed * 10 + i); });
  }
  ~Writers() { stop(); }
  void stop() {
    stopping_ = true;
    for (std::thread& thread : threads_)
      if (thread.joinable()) thread.join();
  }
  long writes() const { return writes_; }
  std::vector<std::string> failures() const { return failures_; }

 private:
  void write(unsigned seed) {
    std::mt19937 random(seed);
    const auto session = application(uri_, of_new_side_ ? "shop:v2" : "shop:v1");
    session->exec("SET search_path = public");
    while (!stopping_) {
      const std::string id = std::to_string(1 + random() % 6);
      const std::string row = of_new_side_ ? "profiles" : "users";
      const std::string key = of_new_side_ ? "user_id" : "id";
      const std::string value = std::to_string(++number_);
      const bool slowly = random() % 4 == 0;
      try {
        ports::Transaction transaction(*session, random() % 6 == 0 ? "ISOLATION LEVEL REPEATABLE READ" : "");
        // A row that is held for a while before it is written: the other side's writers wait for it meanwhile.
        if (slowly) {
          session->exec("SELECT FROM " + row + " WHERE " + key + " = " + id + " FOR UPDATE");
          session->exec("SELECT pg_sleep(0.05)");
        }
        session->exec("UPDATE " + row + " SET phone = '" + value + "' WHERE " + key + " = " + id);
        session->exec("INSERT INTO written VALUES (" + id + ", '" + value + "')");
        transaction.commit();
        ++writes_;
      } catch (const Error& error) {
        if (error.sqlstate() == "40001") continue;
        const std::lock_guard lock(mutex_);
        failures_.push_back(row + ": " + error.sqlstate() + " " + error.what());
        return;
      }
    }
  }

  static inline std::atomic<long> number_ = 0;
  std::string uri_;
  bool of_new_side_;
  std::atomic<bool> stopping_ = false;
  std::atomic<long> writes_ = 0;
  std::mutex mutex_;
  std::vector<std::string> failures_;
  std::vector<std::thread> threads_;
};

}  // namespace

TEST_CASE("writers of both images on the same few rows lose nothing and meet no deadlock", "[pair_tables]") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  const Scene scene(std::string(tables_sql) +
                    "CREATE TABLE written (id bigint, value text, at bigserial PRIMARY KEY);");
  scene.go("migrated", true);
  {
    Writers old_image(scene.uri, false, seed);
    Writers new_image(scene.uri, true, seed + 1);
    CHECK(eventually(60s, [&] { return old_image.writes() > 150 && new_image.writes() > 50; }));
    old_image.stop();
    new_image.stop();
    for (const std::string& failure : old_image.failures()) FAIL_CHECK(failure);
    for (const std::string& failure : new_image.failures()) FAIL_CHECK(failure);
  }
  CHECK(scene.differing() == "0");
  // Each noted its value while it held the row: the last one noted is what stands on both sides.
  CHECK(scene.sql("SELECT count(*) FROM (SELECT DISTINCT ON (id) id, value FROM written ORDER BY id, at DESC) w JOIN "
                  "users u USING (id) WHERE u.phone <> w.value") == "0");
}

TEST_CASE("runners that are killed on any way leave both sides equal under writers", "[pair_tables]") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const auto a_while = [&] { return std::chrono::milliseconds(100 + random() % 1500); };
  const Scene scene(std::string(tables_sql) +
                    "CREATE TABLE written (id bigint, value text, at bigserial PRIMARY KEY);");
  Writers old_image(scene.uri, false, seed);
  scene.go_killed("migrated", true, a_while());
  CHECK(scene.differing() == "0");
  old_image.stop();
  Writers new_image(scene.uri, true, seed + 1);
  scene.go_killed("hidden", true, a_while());
  CHECK(scene.differing(hidden) == "0");
  scene.go_killed("migrated", false, a_while());
  CHECK(scene.differing() == "0");
  scene.go_killed("contracted", true, a_while());
  scene.go_killed("migrated", false, a_while());
  CHECK(scene.differing() == "0");
  new_image.stop();
  for (const std::string& failure : old_image.failures()) FAIL_CHECK(failure);
  for (const std::string& failure : new_image.failures()) FAIL_CHECK(failure);
  CHECK(scene.sql("SELECT count(*) FROM (SELECT DISTINCT ON (id) id, value FROM written ORDER BY id, at DESC) w JOIN "
                  "users u USING (id) WHERE u.phone <> w.value") == "0");
}

TEST_CASE("a role that may write the one table alone goes on writing it", "[pair_tables]") {
  const Scene scene;
  scene.sql(
      "DO $$ BEGIN CREATE ROLE pair_writer; EXCEPTION WHEN duplicate_object THEN NULL; END $$; GRANT SELECT, INSERT, "
      "UPDATE, DELETE ON users TO pair_writer");
  scene.go("migrated", true);
  scene.sql("SET ROLE pair_writer; UPDATE users SET phone = 'x' WHERE id = 1");
  CHECK(scene.sql("SELECT phone FROM profiles WHERE user_id = 1") == "x");
}

TEST_CASE("a value without a row to go to holds the hide, is named, and goes along when its row comes",
          "[pair_tables]") {
  const Scene scene;
  scene.sql("DELETE FROM profiles WHERE user_id = 7");
  scene.go("migrated", true);
  CHECK(scene.sql("SELECT phone FROM users WHERE id = 7") == "p7");
  const auto outcome = scene.tool.run(scene.words_to("hidden", true));
  CHECK(outcome.exit_code != 0);
  CHECK(scene.tool.status("over").hold_kind == "violation");
  CHECK((outcome.err + outcome.out).find("no row of profiles: 7") != std::string::npos);
  scene.sql("INSERT INTO profiles (user_id) VALUES (7)");
  CHECK(scene.sql("SELECT phone FROM profiles WHERE user_id = 7") == "p7");
  scene.go("hidden", true);
}

TEST_CASE("what the new image writes after the drop is there again after a restore", "[pair_tables]") {
  const Scene scene;
  scene.go("contracted", true);
  scene.sql(
      "UPDATE profiles SET phone = 'late' WHERE user_id = 3; INSERT INTO users (id) VALUES (9001); INSERT INTO "
      "profiles "
      "(user_id, phone) VALUES (9001, 'born'); UPDATE profiles SET phone = NULL WHERE user_id = 4");
  scene.go("migrated", false);
  CHECK(scene.differing() == "0");
  CHECK(scene.sql("SELECT string_agg(coalesce(phone, '-'), ' ' ORDER BY id) FROM users WHERE id IN (3, 4, 5, 9001)") ==
        "late - p5 born");
}

TEST_CASE("tables whose rows do not answer to one another are refused before anything is made", "[pair_tables]") {
  const auto [more, said] = GENERATE(table<std::string, std::string>(
      {{"ALTER TABLE profiles DROP CONSTRAINT profiles_user_id_key", "not unique by user_id"},
       {"ALTER TABLE profiles ALTER user_id DROP NOT NULL", "not NOT NULL"},
       {"ALTER TABLE profiles ADD phone integer", "profiles.phone is integer"},
       {"CREATE TABLE more () INHERITS (users)", "inherit from users"},
       {"ALTER TABLE users ALTER phone SET DEFAULT random()::text", "differs from call to call"}}));
  CAPTURE(more);
  const Scene scene(std::string(tables_sql) + more);
  const auto outcome = scene.tool.run(scene.words_to("migrated", true));
  CHECK(outcome.exit_code != 0);
  CHECK((outcome.err + outcome.out).find(said) != std::string::npos);
  CHECK(scene.sql("SELECT count(*) FROM pg_trigger WHERE tgname LIKE '~switchback_p%'") == "0");
}
