#include <random>

#include "archive_scene.hpp"
#include "catch.hpp"
#include "switchback/core/archive_sql.hpp"
#include "switchback/core/error.hpp"

namespace switchback::tests {
namespace {

std::string gone_or_value(ContractScene& scene, int key) {
  return scene.rows("SELECT gone, v0 FROM " + archive_name(scene.taken()) + " WHERE k0 = " + std::to_string(key));
}

std::string state(ContractScene& scene) {
  return scene.one("SELECT state FROM switchback.archive");
}

}  // namespace

TEST_CASE("the archive of a quiet table holds every row's old value, NULL too, and is verified") {
  ContractScene scene(split_scene(23));
  scene.exec("UPDATE users SET full_name = NULL WHERE id = 3");
  scene.hide();
  scene.start_archive();
  scene.copy();
  CHECK(scene.verify() == 0);
  CHECK(state(scene) == "verified");
  CHECK(scene.one("SELECT rows FROM switchback.archive") == "23");
  CHECK(gone_or_value(scene, 3) == "f|-\n");
  CHECK(gone_or_value(scene, 23) == "f|First23 Last23\n");
  CHECK(scene.objections().empty());
}

TEST_CASE("a batch that waits and still sees older rows brings none of them back") {
  ContractScene scene(split_scene(20));
  scene.hide();
  scene.start_archive();
  auto holder = scene.connect();
  holder->exec("BEGIN; UPDATE users SET first_name = 'Held' WHERE id = 5");
  // The batch takes rows 1 to 4 and waits at 5, its snapshot fixed; what is committed now it must not undo.
  std::exception_ptr failure;
  std::thread batch([&] {
    try {
      scene.session().exec("SET deadlock_timeout = '60s'; SET lock_timeout = '30s'");
      scene.copy(100);
    } catch (...) {
      failure = std::current_exception();
    }
  });
  auto other = scene.connect();
  until("the batch waits", [&] {
    return other
               ->exec("SELECT count(*) FROM pg_stat_activity WHERE pid = " +
                      std::to_string(scene.session().backend_pid()) + " AND wait_event_type = 'Lock'")
               .integer(0, 0) == 1;
  });
  other->exec("DELETE FROM users WHERE id IN (8, 9)");
  other->exec("INSERT INTO users (id, first_name, last_name) VALUES (9, 'Again', 'Born')");
  other->exec("UPDATE users SET last_name = 'Changed' WHERE id = 12");
  other->exec("UPDATE users SET id = 113 WHERE id = 13");
  holder->exec("COMMIT");
  batch.join();
  if (failure) std::rethrow_exception(failure);
  CHECK(gone_or_value(scene, 5) == "f|Held Last5\n");
  CHECK(gone_or_value(scene, 8) == "t|-\n");
  CHECK(gone_or_value(scene, 9) == "f|Again Born\n");
  CHECK(gone_or_value(scene, 12) == "f|First12 Changed\n");
  CHECK(gone_or_value(scene, 13) == "t|-\n");
  CHECK(gone_or_value(scene, 113) == "f|First13 Last13\n");
  scene.sweep();
  CHECK(gone_or_value(scene, 8).empty());
  CHECK(scene.verify() == 0);
}

TEST_CASE(
    "the archive stays right under writers who insert, update, delete, rekey and reuse keys, while filled and while "
    "verified") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  ContractScene scene(split_scene(400));
  scene.hide();
  scene.start_archive();
  std::atomic<long> written{0};
  Writers writers(4, [&](int number, std::atomic<bool>& go) {
    std::mt19937 random(seed + static_cast<unsigned>(number));
    auto session = scene.connect(number % 2 == 0 ? "SET DateStyle = 'German'; SET TimeZone = 'Asia/Tokyo'" : "");
    while (go) {
      const std::string key = std::to_string(random() % 450);
      const std::string word = "w" + std::to_string(random() % 1000);
      try {
        switch (random() % 6) {
          case 0:
            session->exec("DELETE FROM users WHERE id = " + key);
            break;
          case 1:
            session->exec("INSERT INTO users (id, first_name, last_name) VALUES (" + key + ", '" + word +
                          "', 'new') ON CONFLICT (id) DO UPDATE SET last_name = 'over'");
            break;
          case 2:
            session->exec("UPDATE users SET id = " + std::to_string(random() % 450) + " WHERE id = " + key);
            break;
          case 3:
            session->exec("BEGIN; DELETE FROM users WHERE id = " + key +
                          "; INSERT INTO users (id, first_name) VALUES (" + key + ", '" + word + "'); COMMIT");
            break;
          case 4:
            session->exec("UPDATE users SET touched = touched + 1 WHERE id BETWEEN " + key + " AND " + key + " + 5");
            break;
          default:
            session->exec("UPDATE users SET first_name = '" + word + "' WHERE id = " + key);
        }
        ++written;
      } catch (const Error& error) {
        // Two writers on the same keys may meet: that is theirs alone.
        session->rollback();
        if (error.sqlstate() != "23505" && error.sqlstate() != "40P01" && error.sqlstate() != "55P03") throw;
      }
    }
  });
  until("writers write", [&] { return written > 50; });
  scene.copy(13);
  scene.sweep();
  CHECK(scene.verify(17) == 0);
  const long before = written;
  until("writers go on", [&] { return written > before + 200; });
  writers.stop();
  scene.sweep();
  scene.exec("DELETE FROM switchback.checkpoint WHERE step LIKE 'verify%'");
  CHECK(scene.verify(50) == 0);
  CHECK(scene.one("SELECT rows FROM switchback.archive") == scene.one("SELECT count(*) FROM users"));
}

TEST_CASE("TRUNCATE empties the archive with the table, also half-way through the copy") {
  ContractScene scene(split_scene(20));
  scene.hide();
  scene.start_archive();
  scene.transaction([&](ports::Session& session) { engine::copy_next(session, scene.taken(), scene.taken().name, 8); });
  scene.exec("TRUNCATE users");
  scene.exec("INSERT INTO users (id, first_name) VALUES (2, 'Only')");
  scene.copy();
  scene.sweep();
  CHECK(scene.rows("SELECT k0, v0, gone FROM " + archive_name(scene.taken())) == "2|Only|f\n");
  CHECK(scene.verify() == 0);
}

TEST_CASE(
    "names that need quoting, a composite key with a collation, and partitions are archived; one partition's TRUNCATE "
    "takes its rows along") {
  SceneText text;
  text.table = {"public", "Order \"Items\""};
  text.create =
      R"(CREATE TABLE "Order ""Items""" ("Day %" date, "Kéy" text COLLATE "C", "Full Name" varchar(40), "First N" text DEFAULT '', PRIMARY KEY ("Day %", "Kéy")) PARTITION BY RANGE ("Day %");
    CREATE TABLE old_days PARTITION OF "Order ""Items""" FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
    CREATE TABLE "New %s" PARTITION OF "Order ""Items""" FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
    INSERT INTO "Order ""Items""" SELECT '2020-12-20'::date + n, chr(60 + n) || 'é', 'Name ' || n, 'f' FROM generate_series(1, 30) AS n)";
  text.contract = {{DropColumn{text.table, "Full Name", std::nullopt}, {}}};
  ContractScene scene(text);
  scene.hide();
  scene.start_archive();
  scene.copy(4);
  CHECK(scene.verify(3) == 0);
  CHECK(scene.one("SELECT rows FROM switchback.archive") == "30");
  const std::string before = scene.one("SELECT count(*) FROM old_days");
  scene.exec("TRUNCATE old_days");
  scene.exec(
      "UPDATE \"Order \"\"Items\"\"\" SET \"Day %\" = '2020-02-02' WHERE \"Kéy\" = (SELECT min(\"Kéy\") FROM \"New "
      "%s\")");
  scene.sweep();
  CHECK(scene.one("SELECT count(*) FROM " + archive_name(scene.taken())) == std::to_string(30 - std::stoi(before)));
  scene.exec("DELETE FROM switchback.checkpoint WHERE step LIKE 'verify%'");
  CHECK(scene.verify(3) == 0);
  scene.drop();
  scene.exec("TRUNCATE \"New %s\"");
  CHECK(scene.one("SELECT count(*) FROM " + archive_name(scene.taken())) == "1");
}

TEST_CASE("what an application has set for dates, floats and bytes does not change the hash") {
  SceneText text = split_scene(0);
  text.create = "CREATE TABLE users (id int PRIMARY KEY, full_name text, touched int)";
  text.sync = PlanText{};
  text.sync->name = "typed";
  text.sync->add = {
      {"at", "timestamptz"}, {"weight", "float8"}, {"span", "interval"}, {"raw", "bytea"}, {"doc", "json"}};
  text.sync->set = {{"at", "CASE WHEN full_name IS NULL THEN NULL::timestamptz END"},
                    {"weight", "length(full_name)::float8"},
                    {"span", "NULL::interval"},
                    {"raw", "NULL::bytea"},
                    {"doc", "NULL::json"}};
  text.sync->reverse = {{"full_name", "weight::text"}};
  ContractScene scene(text);
  scene.hide();
  scene.start_archive();
  scene.copy();
  auto odd = scene.connect(
      "SET DateStyle = 'SQL, DMY'; SET TimeZone = 'Asia/Tokyo'; SET IntervalStyle = 'iso_8601'; SET extra_float_digits "
      "= 0; SET bytea_output = 'escape'; SET client_encoding = 'LATIN1'");
  odd->exec(
      R"(INSERT INTO users (id, at, weight, span, raw, doc) VALUES (1, '2024-01-02 03:04:05+00', 0.1::float8 + 0.2::float8, '1 day 2 hours', '\x00ff', '{"a": 1}'))");
  CHECK(scene.verify() == 0);
  CHECK(scene.one("SELECT rows FROM switchback.archive") == "1");
}

TEST_CASE("a damaged archive is found, row by row, and must be made anew") {
  ContractScene scene(split_scene(30));
  scene.hide();
  scene.start_archive();
  scene.copy();
  const std::string archive = archive_name(scene.taken());
  scene.exec("DELETE FROM " + archive + " WHERE k0 = 30");  // after the last bound
  scene.exec("INSERT INTO " + archive + " SELECT 0, 'ghost', new_hash, false FROM " + archive +
             " WHERE k0 = 1");  // before the first
  scene.exec("UPDATE " + archive + " SET v0 = 'other' WHERE k0 = 11");
  scene.exec("UPDATE " + archive + " SET new_hash = NULL WHERE k0 = 12");
  CHECK(scene.verify() == 4);
  CHECK(state(scene) == "filling");
  CHECK_FALSE(scene.objections().empty());
  CHECK_THROWS_AS(scene.drop(), Error);
  scene.transaction([&](ports::Session& session) { engine::restart_archive(session, scene.taken()); });
  scene.copy();
  CHECK(scene.verify() == 0);
  CHECK(scene.objections().empty());
}

TEST_CASE(
    "a trigger that was switched off since the verification is an objection to the drop, even when it is on again") {
  ContractScene scene(split_scene(5));
  scene.hide();
  scene.archive();
  REQUIRE(scene.objections().empty());
  const std::string trigger = quote_identifier(archive_trigger_prefix(scene.taken().plan_id) + "_u");
  scene.exec("ALTER TABLE users DISABLE TRIGGER " + trigger);
  CHECK(scene.objections().size() == 2);
  scene.exec("UPDATE users SET first_name = 'Unseen' WHERE id = 1; ALTER TABLE users ENABLE ALWAYS TRIGGER " + trigger);
  CHECK(scene.objections().size() == 1);
  scene.archive();
  CHECK(scene.objections().empty());
  CHECK(gone_or_value(scene, 1) == "f|Unseen Last1\n");
}

TEST_CASE("unhide takes a half-filled archive away, and no writer notices") {
  ContractScene scene(split_scene(200));
  scene.hide();
  std::atomic<long> written{0};
  Writers writers(3, [&](int number, std::atomic<bool>& go) {
    auto session = scene.connect("SET lock_timeout = '20s'");
    session->exec(
        "PREPARE put(bigint, text) AS INSERT INTO users (id, first_name) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE "
        "SET first_name = EXCLUDED.first_name");
    for (int i = 0; go; ++i, ++written)
      session->exec("EXECUTE put(" + std::to_string(number * 60 + i % 60) + ", 'w" + std::to_string(i) + "')");
  });
  for (int round = 0; round < 10; ++round) {
    const long before = written;
    scene.start_archive();
    scene.transaction(
        [&](ports::Session& session) { engine::copy_next(session, scene.taken(), scene.taken().name, 50); });
    scene.unhide();
    until("writers go on", [&] { return written > before + 20; });
    scene.hide();
  }
  scene.unhide();
  writers.stop();
  CHECK(
      scene.one("SELECT count(*) FROM users WHERE full_name IS DISTINCT FROM concat_ws(' ', first_name, last_name)") ==
      "0");
  CHECK(scene.one("SELECT count(*) FROM pg_class WHERE relname LIKE 'archive\\_%\\_%'") == "0");
  CHECK(scene.one("SELECT count(*) FROM switchback.archive") == "0");
  CHECK(scene.one("SELECT count(*) FROM pg_trigger WHERE tgname LIKE '~switchback_archive%'") == "0");
}

}  // namespace switchback::tests
