#include <iostream>
#include <random>

#include "catch.hpp"
#include "plan_view.hpp"
#include "server.hpp"
#include "switchback/core/state.hpp"
#include "tool.hpp"
#include "traffic.hpp"

using namespace switchback;
using namespace switchback::tests;
using namespace std::chrono_literals;

namespace {

using Words = std::vector<std::string>;
using Writes = std::map<std::int64_t, std::optional<Traffic::Name>>;

unsigned seed() {
  const unsigned value = std::random_device{}();
  std::cerr << "seed " << value << "\n";
  return value;
}

/// A table of names and a plan that splits them, driven from state to state as a person would, forth and back.
struct Journey {
  std::string uri = server().fresh_database();
  Tool tool{uri,
            "environment: staging\ncontract: { observe: 1s, soak: 0s }\nlease: 3s\nlock_timeout: 1s\nhealth: { grace: "
            "10s }\n"};
  PlanView view{uri};

  explicit Journey(int rows) {
    make_users(uri, rows);
    tool.plan(split_plan("split"));
  }

  /// To a resting state, by `run` or `rollback`, whichever leads there.
  void go(const std::string& state) {
    const State from = state_named(view.state().empty() ? "planned" : view.state()).value();
    const bool back = state == "rolled_back" || (state == "expanded" && from == State::migrated) ||
                      (state == "migrated" && (from == State::hidden || from == State::contracted));
    const Words words =
        back ? Words{"rollback", "split", "--to", state, "--yes", "--despite", "loss", "--reason", "a test"}
        : (state == "hidden" || state == "contracted") ? tool.run_to(state)
                                                       : Words{"run", "plan.yaml", "--to", state};
    const auto outcome = tool.run(words);
    INFO(view.states() << " to " << state << "\n" << outcome.err);
    REQUIRE(outcome.exit_code == 0);
    REQUIRE(view.state() == state);
  }
};

/// What an image reads of a row, through its own columns.
std::string seen_by(ShopImage image, ports::Session& session, const std::string& id) {
  const auto rows = session.exec(image == ShopImage::v41
                                     ? "SELECT full_name FROM public.users WHERE id = " + id
                                     : "SELECT first_name || ' ' || last_name FROM public.users WHERE id = " + id);
  return rows.empty() ? "gone" : rows.text(0, 0);
}

/// Every kind of write by one image, each seen at once by `readers`. Keys from `key` on.
void write_and_look(const std::string& uri, ShopImage writer, const std::vector<ShopImage>& readers, int key) {
  const auto session = application(uri, writer == ShopImage::v41 ? "shop:v41" : "shop:v42");
  const bool old = writer == ShopImage::v41;
  const auto look = [&](const std::string& id, const std::string& name) {
    for (const ShopImage reader : readers) {
      CAPTURE(id, old, reader == ShopImage::v41);
      CHECK(seen_by(reader, *session, id) == name);
    }
  };
  const std::string update = std::to_string(key), part = std::to_string(key + 1), unrelated = std::to_string(key + 2),
                    gone = std::to_string(key + 3), born = std::to_string(100000 + key);
  session->exec("UPDATE public.users SET " +
                std::string(old ? "full_name = 'Ann Lee'" : "first_name = 'Ann', last_name = 'Lee'") +
                " WHERE id = " + update);
  look(update, "Ann Lee");
  session->exec("UPDATE public.users SET " +
                std::string(old ? "full_name = split_part(full_name, ' ', 1) || ' Part'" : "last_name = 'Part'") +
                " WHERE id = " + part);
  look(part, "First" + part + " Part");
  session->exec("UPDATE public.users SET email = 'x' WHERE id = " + unrelated);
  look(unrelated, "First" + unrelated + " Last" + unrelated);
  const std::string insert =
      "INSERT INTO public.users (id, " + std::string(old ? "full_name) VALUES (" : "first_name, last_name) VALUES (");
  session->exec(insert + born + std::string(old ? ", 'Bea Born')" : ", 'Bea', 'Born')"));
  look(born, "Bea Born");
  session->exec(insert + born +
                std::string(old ? ", 'Cleo Again') ON CONFLICT (id) DO UPDATE SET full_name = excluded.full_name"
                                : ", 'Cleo', 'Again') ON CONFLICT (id) DO UPDATE SET first_name = excluded.first_name, "
                                  "last_name = excluded.last_name"));
  look(born, "Cleo Again");
  session->exec("DELETE FROM public.users WHERE id = " + gone);
  look(gone, "gone");
  session->exec(insert + gone + std::string(old ? ", 'Dan Back')" : ", 'Dan', 'Back')"));
  look(gone, "Dan Back");
}

void none_lost(const std::string& uri, const Writes& writes, ShopImage through) {
  const auto lost = lost_writes(uri, writes, through);
  INFO((lost.empty() ? "" : lost.front()));
  CHECK(lost.empty());
}

void none_failed(Traffic& traffic) {
  const auto failures = traffic.failures();
  INFO((failures.empty() ? "" : failures.front()));
  CHECK(failures.empty());
}

}  // namespace

TEST_CASE("in every resting state an image that works there sees each write of the others that do", "[both_images]") {
  Journey journey(2000);
  int key = 1;
  // Each state by the table's own word on who works; an image that works must see every write of one that does.
  const auto here = [&](bool new_side_is_there) {
    const StateFacts& state = facts(state_named(journey.view.state()).value());
    INFO(state.name);
    std::vector<ShopImage> working;
    if (state.before == Safety::works) working.push_back(ShopImage::v41);
    if (state.after == Safety::works) working.push_back(ShopImage::v42);
    for (const ShopImage writer : working) {
      write_and_look(journey.uri, writer, working, key);
      key += 10;
    }
    // Sync is there before the rows are filled: what either writes from then on is right on the other side as well.
    if (new_side_is_there && state.after == Safety::unsafe) {
      write_and_look(journey.uri, ShopImage::v41, {ShopImage::v41, ShopImage::v42}, key);
      write_and_look(journey.uri, ShopImage::v42, {ShopImage::v41, ShopImage::v42}, key + 10);
      key += 20;
    }
  };
  write_and_look(journey.uri, ShopImage::v41, {ShopImage::v41}, key);  // planned
  key += 10;
  for (const char* state :
       {"expanded", "migrated", "hidden", "migrated", "contracted", "migrated", "expanded", "migrated"}) {
    journey.go(state);
    here(true);
  }
  journey.go("rolled_back");
  here(false);
  journey.go("migrated");
  here(true);
  CHECK(journey.tool.run({"verify", "split"}).exit_code == 0);
  CHECK(journey.view.states() ==
        "expanding expanded migrating migrated hiding hidden unhiding migrated hiding hidden contracting contracted "
        "restoring migrated rolling_back expanded migrating migrated rolling_back rolled_back "
        "expanding expanded migrating migrated");
}

TEST_CASE("forth and back under traffic of each image where it works, no statement fails and no write is lost",
          "[both_images]") {
  const unsigned from = seed();
  CAPTURE(from);
  constexpr int rows = 5000;
  Journey journey(rows);
  // Two shares of the ids, so that the last acknowledged write of each is known.
  const auto start = [&](ShopImage image) {
    return std::make_unique<Traffic>(journey.uri, image, 2, rows, image == ShopImage::v41 ? 0 : 1, 2,
                                     from + (image == ShopImage::v41 ? 0U : 50U));
  };
  const auto busy = [](Traffic& traffic) {
    const auto writes = traffic.writes() + 200;
    REQUIRE(eventually(60s, [&] { return traffic.writes() >= writes; }));
  };
  Writes last;
  const auto stop = [&](std::unique_ptr<Traffic>& traffic) {
    traffic->stop();
    none_failed(*traffic);
    for (const auto& [id, name] : traffic->acknowledged()) last.insert_or_assign(id, name);
    traffic.reset();
  };

  auto old_image = start(ShopImage::v41);
  busy(*old_image);
  for (const char* state : {"expanded", "migrated", "expanded", "migrated"}) {
    journey.go(state);
    busy(*old_image);
  }
  auto new_image = start(ShopImage::v42);
  busy(*new_image);
  busy(*old_image);
  stop(old_image);  // an image that needs the old side ends before it is hidden
  none_lost(journey.uri, last, ShopImage::v41);
  for (const char* state : {"hidden", "migrated", "contracted"}) {
    journey.go(state);
    busy(*new_image);
  }
  journey.go("migrated");  // restored under the new image's traffic
  busy(*new_image);
  stop(new_image);
  none_lost(journey.uri, last, ShopImage::v42);
  none_lost(journey.uri, last, ShopImage::v41);
  const auto verified = journey.tool.run({"verify", "split"});
  INFO(verified.out);
  CHECK(verified.exit_code == 0);
  CHECK(last.size() > 500);

  // Back to where it came from: what the new image wrote is on the old side.
  journey.tool.run({"rollback", "split", "--yes", "--despite", "loss", "--reason", "a test"});
  CHECK(journey.view.state() == "rolled_back");
  none_lost(journey.uri, last, ShopImage::v41);
  CHECK(server().sql(journey.uri,
                     "SELECT string_agg(attname, ' ' ORDER BY attname) FROM pg_attribute WHERE attrelid = "
                     "'users'::regclass AND attnum > 0 AND NOT attisdropped") == "email full_name id");
  CHECK(server().sql(journey.uri,
                     "SELECT count(*) FROM pg_trigger WHERE tgrelid = 'users'::regclass AND NOT tgisinternal") == "0");
}
