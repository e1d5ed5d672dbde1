// One name for two images: a column of another type takes the place of one, under writers of both, and gives it back.
#include <atomic>
#include <csignal>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "catch.hpp"
#include "plan_view.hpp"
#include "schema_fingerprint.hpp"
#include "server.hpp"
#include "switchback/core/error.hpp"
#include "tool.hpp"

using namespace switchback;
using namespace switchback::tests;
using namespace std::chrono_literals;

namespace {

constexpr const char* shop =
    "CREATE EXTENSION pg_stat_statements SCHEMA public;"
    "CREATE TABLE orders (id bigint PRIMARY KEY, note text, amount integer NOT NULL CONSTRAINT amount_positive CHECK "
    "(amount >= 0), total integer);"
    "INSERT INTO orders SELECT i, 'Note' || i, i FROM generate_series(1, 2000) i;"
    "CREATE INDEX orders_amount_idx ON orders (amount);";
constexpr const char* to_bigint =
    "plan: wide\nchange:\n  - change_type: { table: orders, column: amount, to: bigint }\ncontract: { observe: 1s, "
    "soak: "
    "0s }\n";
constexpr std::int64_t beyond = 3'000'000'000;

/// Writes a number into rows of its own under the one name, and knows what it was told is there.
class Writer {
 public:
  Writer(std::string uri, const std::string& image, int first) : uri_(std::move(uri)), image_(image), first_(first) {
    thread_ = std::thread([this] { write(); });
  }
  ~Writer() { stop(); }
  void stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
  }
  /// Numbers that an integer cannot hold, from now on.
  void go_beyond() { beyond_ = true; }
  std::int64_t writes() const { return writes_; }
  std::string failures() {
    const std::lock_guard lock(mutex_);
    return failures_;
  }
  std::map<std::int64_t, std::int64_t> written() {
    const std::lock_guard lock(mutex_);
    return written_;
  }

 private:
  void write() {
    std::unique_ptr<ports::Session> session = application(uri_, image_);
    for (std::int64_t n = 1; !stopping_; ++n) {
      const std::int64_t id = n % 7 == 0 ? 100000 * (first_ + 1) + n : first_ + 2 * (n % 900) + 1;
      const std::int64_t value = n + (beyond_ ? beyond : 0);
      try {
        session->exec(
            "INSERT INTO public.orders (id, note, amount) VALUES ($1, 'new', $2) ON CONFLICT (id) DO UPDATE SET amount "
            "= "
            "excluded.amount RETURNING amount",
            {std::to_string(id), std::to_string(value)});
        const std::lock_guard lock(mutex_);
        written_[id] = value;
        ++writes_;
      } catch (const Error& error) {
        const std::lock_guard lock(mutex_);
        failures_ += image_ + ": " + error.what() + "\n";
      }
      std::this_thread::sleep_for(2ms);
    }
  }

  std::string uri_, image_;
  int first_;
  std::atomic<bool> stopping_{false}, beyond_{false};
  std::atomic<std::int64_t> writes_{0};
  std::mutex mutex_;
  std::string failures_;
  std::map<std::int64_t, std::int64_t> written_;
  std::thread thread_;
};

struct Shop {
  std::string uri = server().fresh_database();
  Tool tool{uri, Tool::default_configuration() + "environment: staging\n"};
  PlanView view{uri};

  explicit Shop(const std::string& plan = to_bigint, const std::string& more = {}) {
    server().sql(uri, shop + more);
    tool.plan(plan);
  }
  void to(const std::string& state, const std::vector<std::string>& more = {}) const {
    auto words = tool.run_to(state);
    words.insert(words.end(), {"--despite", "horizon", "--reason", "a test"});
    words.insert(words.end(), more.begin(), more.end());
    const auto outcome = tool.run(words);
    INFO("to " << state << ": " << outcome.err);
    REQUIRE(outcome.exit_code == 0);
  }
  void back_to(const std::string& state) const {
    const auto outcome =
        tool.run({"rollback", "wide", "--to", state, "--yes", "--despite", "loss", "--reason", "a test"});
    INFO("back to " << state << ": " << outcome.err);
    REQUIRE(outcome.exit_code == 0);
  }
  std::string sql(const std::string& text) const { return server().sql(uri, text); }
  std::string type() const {
    return sql(
        "SELECT format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attname = "
        "'amount'");
  }
  /// Rows that are not as a writer was told, read under the one name.
  std::string lost(Writer& writer) const {
    writer.stop();
    std::string values;
    for (const auto& [id, value] : writer.written())
      values += (values.empty() ? "(" : ", (") + std::to_string(id) + ", " + std::to_string(value) + ")";
    return sql("SELECT w.id, w.value, o.amount FROM (VALUES " + values +
               ") AS w(id, value) LEFT JOIN orders o USING (id) WHERE o.amount IS DISTINCT FROM w.value LIMIT 5");
  }
};

}  // namespace

TEST_CASE("a column changes its type under its name while both images write, and back from each state", "[swap]") {
  Shop world;
  const std::string before = schema_fingerprint(world.uri);
  {
    Writer v1(world.uri, "shop:v1", 0), v2(world.uri, "shop:v2", 1);
    world.to("migrated");
    const std::string migrated = schema_fingerprint(world.uri);
    world.to("hidden");
    CHECK(world.type() == "bigint");
    v2.go_beyond();
    const std::int64_t so_far = v2.writes();
    REQUIRE(eventually(30s, [&] { return v2.writes() > so_far + 50; }));
    // The image from before the change goes on writing what its integers hold.
    const std::int64_t by_old = v1.writes();
    REQUIRE(eventually(30s, [&] { return v1.writes() > by_old + 50; }));
    CHECK(v1.failures() + v2.failures() == "");
    CHECK(world.lost(v2) == "");
    CHECK(world.sql("SELECT indexdef FROM pg_indexes WHERE indexname = 'orders_amount_idx'") ==
          "CREATE INDEX orders_amount_idx ON public.orders USING btree (amount)");
    CHECK(world.sql("SELECT count(*) FROM orders WHERE amount > 2147483647") != "0");
    world.back_to("migrated");
    CHECK(world.type() == "integer");
    CHECK(fingerprint_difference(migrated, schema_fingerprint(world.uri)) == "");
    CHECK(world.lost(v1) == "");
    // What the old type cannot hold is kept on the new side, marked, and hidden from nobody who looks.
    CHECK(world.sql("SELECT count(*) > 0 AND bool_and(_switchback_wide = 'r') FROM orders WHERE amount_new > "
                    "2147483647") == "t");
    CHECK(has(world.tool.run({"verify", "wide"}).out, "in quarantine"));
  }
  world.sql("UPDATE orders SET amount = 7 WHERE amount_new > 2147483647");
  CHECK(world.sql("SELECT count(*) FROM orders WHERE amount IS DISTINCT FROM amount_new") == "0");
  Writer v1(world.uri, "shop:v1", 0), v2(world.uri, "shop:v2", 1);
  world.to("contracted");
  CHECK(world.type() == "bigint");
  CHECK(world.sql("SELECT attnotnull FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attname = 'amount'") ==
        "t");
  CHECK(world.sql("SELECT convalidated FROM pg_constraint WHERE conname = 'amount_positive'") == "t");
  CHECK(world.sql("SELECT count(*) FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attnum > 0 AND NOT "
                  "attisdropped") == "4");
  world.back_to("migrated");
  CHECK(world.type() == "integer");
  world.to("hidden");
  world.back_to("rolled_back");
  CHECK(v1.failures() + v2.failures() == "");
  CHECK(world.lost(v1) == "");
  CHECK(world.lost(v2) == "");
  CHECK(fingerprint_difference(before, schema_fingerprint(world.uri)) == "");
}

TEST_CASE("a swap that is killed while it is made, or taken back, is made or taken back by whoever comes next",
          "[swap]") {
  Shop world;
  std::mt19937 random(7);
  Writer v1(world.uri, "shop:v1", 0), v2(world.uri, "shop:v2", 1);
  world.to("migrated");
  std::map<std::string, std::string> schemas{{"migrated", schema_fingerprint(world.uri)}};
  for (int round = 0; round < 4; ++round) {
    for (const std::string target : {"hidden", "migrated"}) {
      auto words = target == "hidden" ? world.tool.run_to(target)
                                      : std::vector<std::string>{"rollback", "wide", "--to", target, "--yes"};
      words.insert(words.end(), {"--despite", "horizon", "--reason", "a test"});
      const auto runner = world.tool.start(words);
      // From where it begins to take locks on: the moment differs from round to round.
      if (target == "hidden") eventually(30s, [&] { return !runner->running() || world.view.hold_kind() == "usage"; });
      runner->wait(std::chrono::milliseconds(random() % 1500));
      runner->signal(SIGKILL);
      runner->wait(10s);
      if (target == "hidden")
        world.to(target);
      else if (world.view.state() != "migrated")
        world.back_to(target);
      REQUIRE(world.view.state() == target);
      const std::string here = schema_fingerprint(world.uri);
      CHECK(fingerprint_difference(schemas.try_emplace(target, here).first->second, here) == "");
      CHECK(world.type() == (target == "hidden" ? "bigint" : "integer"));
    }
  }
  CHECK(v1.failures() + v2.failures() == "");
  CHECK(world.lost(v1) == "");
  CHECK(world.lost(v2) == "");
  CHECK(world.sql("SELECT count(*) FROM orders WHERE amount IS DISTINCT FROM amount_new") == "0");
}

TEST_CASE("a session that has run a trigger over the column runs it after the swap too, and after the way back",
          "[swap]") {
  const std::string uri = server().fresh_database();
  server().sql(uri,
               std::string(shop) +
                   "CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := 'noted ' || "
                   "(NEW.amount + 1); RETURN NEW; END $$; CREATE TRIGGER noted BEFORE UPDATE ON orders FOR EACH ROW "
                   "EXECUTE FUNCTION noted();");
  Tool tool(uri);
  tool.plan(
      "plan: wide\nbackfill: { user_triggers: fire }\nchange:\n  - change_type: { table: orders, column: amount, to: "
      "bigint }\ncontract: { observe: 1s, soak: 0s }\n");
  const auto image = application(uri, "pooled");
  const auto write = [&](const std::string& value) {
    image->exec("UPDATE public.orders SET amount = $1 WHERE id = 7", {value});
    return image->exec("SELECT note FROM public.orders WHERE id = 7").text(0, 0);
  };
  CHECK(write("1") == "noted 2");
  tool.run(tool.run_to("migrated"));
  tool.run({"approve", "wide", "--phase", "contract", "--despite", "horizon", "--reason", "a test", "--yes"});
  auto outcome = tool.run(tool.run_to("hidden"), 45s);
  INFO(outcome.err << outcome.out);
  REQUIRE(outcome.exit_code == 0);
  CHECK(write("3000000000") == "noted 3000000001");
  CHECK(write("4") == "noted 5");
  outcome = tool.run({"rollback", "wide", "--to", "migrated", "--yes", "--despite", "loss", "--reason", "a test"});
  INFO(outcome.err << outcome.out);
  REQUIRE(outcome.exit_code == 0);
  CHECK(write("8") == "noted 9");
}

TEST_CASE("what counts columns holds a swap, and what names them does not", "[swap]") {
  Shop world;
  world.to("migrated");
  const auto image = application(world.uri, "shop:v1");
  const auto run = [&](const std::string& to) {
    return world.tool.run({"run", "plan.yaml", "--to", to, "--yes", "--approve", world.tool.plan_hash(), "--despite",
                           "horizon", "--reason", "a test"});
  };
  run("hidden");
  image->exec("SET search_path = public; INSERT INTO orders VALUES (900000, 'by place', 5)");
  run("hidden");
  REQUIRE(eventually(60s, [&] {
    run("hidden");
    return has(world.view.hold_reason(), "INSERT without a column list");
  }));
  CHECK(world.view.state() == "migrated");
  world.sql("SELECT pg_stat_statements_reset()");
  image->exec(
      "SELECT amount FROM orders WHERE amount > 5 LIMIT 1; SELECT * FROM orders LIMIT 1; UPDATE orders SET "
      "amount = 3 WHERE id = 900000");
  world.to("hidden");
}

TEST_CASE("a change of type is refused with the reason where the column's place cannot go over", "[swap]") {
  const auto [more, plan, why] = GENERATE(table<std::string, std::string, std::string>({
      {"", "{ table: orders, column: id, to: numeric }", "is in the primary key"},
      {"ALTER TABLE orders ADD serial_no serial;", "{ table: orders, column: serial_no, to: bigint }",
       "differs from call to call"},
      {"ALTER TABLE orders ADD own integer GENERATED ALWAYS AS IDENTITY;", "{ table: orders, column: own, to: bigint }",
       "is an identity column"},
      {"ALTER TABLE orders ADD only_once integer UNIQUE DEFERRABLE;",
       "{ table: orders, column: only_once, to: bigint }", "which is deferrable"},
      {"", "{ table: orders, column: note, to: integer }",
       "cannot be assigned|is of type integer but expression is of"},
  }));
  Shop world("plan: wide\nchange:\n  - change_type: " + plan + "\n", more);
  const auto outcome = world.tool.run({"run", "plan.yaml"});
  CAPTURE(outcome.err, why);
  CHECK(outcome.exit_code == 4);
  const auto bar = why.find('|');
  CHECK((has(outcome.err, why.substr(0, bar)) || (bar != std::string::npos && has(outcome.err, why.substr(bar + 1)))));
}

TEST_CASE("a view on the column holds the swap by its name", "[swap]") {
  Shop world(to_bigint, "CREATE VIEW big_orders AS SELECT id, amount FROM orders WHERE amount > 100;");
  world.to("migrated");
  const auto outcome = world.tool.run({"run", "plan.yaml", "--to", "hidden", "--yes", "--approve",
                                       world.tool.plan_hash(), "--despite", "horizon", "--reason", "a test"});
  CHECK(outcome.exit_code == 6);
  CHECK(has(world.view.hold_reason(), "view public.big_orders depends on it"));
  CHECK(world.type() == "integer");
}
