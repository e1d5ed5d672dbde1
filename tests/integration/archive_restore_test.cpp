#include <random>

#include "archive_scene.hpp"
#include "catch.hpp"
#include "switchback/core/archive_sql.hpp"
#include "switchback/core/error.hpp"

namespace switchback::tests {
namespace {

std::string full_name(ContractScene& scene, int id) {
  return scene.rows("SELECT full_name FROM users WHERE id = " + std::to_string(id));
}

/// legacy dropped without an heir.
SceneText plain_scene(std::optional<std::string> born_since) {
  SceneText text;
  text.create =
      "CREATE TABLE users (id bigint PRIMARY KEY, legacy varchar(20) DEFAULT 'usual', touched int);"
      "INSERT INTO users SELECT n, 'old' || n, 0 FROM generate_series(1, 12) AS n";
  text.contract = {{DropColumn{text.table, "legacy", std::move(born_since)}, {}}};
  return text;
}

}  // namespace

TEST_CASE(
    "after the drop and a restore every row has the right old value: untouched, written, born, deleted, born again "
    "under the same key") {
  SceneText text = split_scene(20, true);
  text.create += "; UPDATE users SET full_name = NULL WHERE id = 5";
  ContractScene scene(text);
  scene.hide();
  scene.archive();
  scene.drop();
  CHECK(scene.one(
            "SELECT count(*) FROM pg_attribute WHERE attrelid = 'users'::regclass AND attname LIKE '%switchback%'") ==
        "0");
  CHECK(scene.one("SELECT state FROM switchback.archive") == "kept");
  scene.exec("UPDATE users SET first_name = 'Written' WHERE id = 2");
  scene.exec("DELETE FROM users WHERE id IN (3, 6)");
  scene.exec("INSERT INTO users (id, first_name, last_name) VALUES (3, 'first3', 'Last3'), (100, 'Born', 'Since')");
  scene.exec("UPDATE users SET id = 204 WHERE id = 4");
  scene.begin_restore();
  // Met by writers before the fill has come to them.
  scene.exec("UPDATE users SET touched = 9 WHERE id = 7");
  scene.exec("UPDATE users SET last_name = 'Now' WHERE id = 8");
  scene.exec("INSERT INTO users (id, first_name, last_name) VALUES (101, 'Born', 'Later'), (6, 'first6', 'Last6')");
  scene.exec("UPDATE users SET full_name = 'Old Image' WHERE id = 9");
  CHECK(full_name(scene, 7) == "First7 Last7\n");
  CHECK(full_name(scene, 8) == "first8 Now\n");
  CHECK(full_name(scene, 1) == "-\n");
  scene.fill();
  scene.end_filling();
  scene.rebuild();
  scene.end_restore();
  CHECK(full_name(scene, 1) == "First1 Last1\n");
  CHECK(full_name(scene, 2) == "Written Last2\n");
  CHECK(full_name(scene, 3) == "first3 Last3\n");  // by reverse: the archive's row went with the deleted one
  CHECK(full_name(scene, 204) == "first4 Last4\n");
  CHECK(full_name(scene, 5) == "-\n");
  CHECK(full_name(scene, 6) == "first6 Last6\n");
  CHECK(full_name(scene, 7) == "First7 Last7\n");
  CHECK(full_name(scene, 9) == "Old Image\n");
  CHECK(scene.rows("SELECT first_name, last_name FROM users WHERE id = 9") == "old|Image\n");
  CHECK(full_name(scene, 20) == "First20 Last20\n");
  CHECK(full_name(scene, 100) == "Born Since\n");
  CHECK(full_name(scene, 101) == "Born Later\n");
  CHECK(scene.one("SELECT count(*) FROM users WHERE _switchback_split IS DISTINCT FROM 's'") == "0");
  CHECK(scene.one("SELECT count(*) FROM pg_proc WHERE pronamespace = 'switchback'::regnamespace AND proname ~ "
                  "'^(archive|born)'") == "0");
  CHECK(scene.one("SELECT state FROM switchback.archive") == "restored");
  // And sync is the usual one again.
  scene.exec(
      "UPDATE users SET full_name = 'Both Ways' WHERE id = 1; UPDATE users SET first_name = 'Back' WHERE id = 10");
  CHECK(scene.rows("SELECT first_name FROM users WHERE id = 1") == "both\n");
  CHECK(full_name(scene, 10) == "Back Last10\n");
}

TEST_CASE("a restored plan can be hidden, archived, dropped and restored again") {
  ContractScene scene(split_scene(9, true));
  for (int round = 0; round < 2; ++round) {
    scene.hide();
    scene.archive();
    scene.drop();
    scene.restore();
  }
  CHECK(scene.one("SELECT count(*) FROM users WHERE full_name = 'First' || id || ' Last' || id") == "9");
}

TEST_CASE("a restore under writers of the new image ends with every row right") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  ContractScene scene(split_scene(300, true));
  scene.hide();
  scene.archive();
  scene.drop();
  std::atomic<long> written{0};
  // Each owns the keys that leave its number as remainder; rows it wrote carry what reverse must give. Nobody writes
  // those over 270: they come from the archive.
  Writers writers(3, [&](int number, std::atomic<bool>& go) {
    std::mt19937 random(seed + static_cast<unsigned>(number));
    auto session = scene.connect("SET lock_timeout = '20s'");
    while (go) {
      const std::string key = std::to_string(static_cast<long>(random() % 90) * 3 + number + 1);
      const std::string word = "w" + std::to_string(random() % 1000);
      switch (random() % 4) {
        case 0:
          session->exec("DELETE FROM users WHERE id = " + key);
          break;
        case 1:
          session->exec("INSERT INTO users (id, first_name, last_name) VALUES (" + key + ", '" + word +
                        "', 'new') ON CONFLICT (id) DO UPDATE SET first_name = '" + word + "', last_name = 'new'");
          break;
        case 2:
          session->exec("UPDATE users SET touched = touched + 1 WHERE id = " + key);
          break;
        default:
          session->exec("UPDATE users SET first_name = '" + word + "', last_name = 'new' WHERE id = " + key);
      }
      ++written;
    }
  });
  until("writers write", [&] { return written > 100; });
  scene.begin_restore();
  const long before = written;
  scene.fill();
  until("writers go on", [&] { return written > before + 100; });
  scene.fill();
  CHECK(scene.one("SELECT count(*) FROM users WHERE _switchback_split IS NULL") == "0");
  scene.end_filling();
  until("writers go on", [&] { return written > before + 300; });
  writers.stop();
  scene.rebuild();
  scene.end_restore();
  CHECK(scene.rows("SELECT * FROM users WHERE full_name IS DISTINCT FROM CASE WHEN last_name = 'new' THEN concat_ws(' "
                   "', first_name, last_name) "
                   "ELSE 'First' || id || ' Last' || id END OR _switchback_split <> 's' LIMIT 5") == "");
  CHECK(std::stol(scene.one("SELECT count(*) FROM users WHERE full_name LIKE 'First%'")) > 0);
}

TEST_CASE(
    "a column dropped without heir comes back from the archive; rows born since get born_since, else the default") {
  const bool said = GENERATE(true, false);
  CAPTURE(said);
  ContractScene scene(plain_scene(said ? std::optional<std::string>("'born'") : std::nullopt));
  scene.hide();
  scene.archive();
  scene.drop();
  scene.exec(
      "DELETE FROM users WHERE id = 2; INSERT INTO users VALUES (2, 1), (50, 1); UPDATE users SET touched = 5 WHERE id "
      "= 3");
  scene.begin_restore();
  scene.exec("INSERT INTO users (id) VALUES (51); INSERT INTO users (id, legacy) VALUES (52, 'given')");
  scene.exec("UPDATE users SET touched = 6 WHERE id = 4; UPDATE users SET legacy = 'mine' WHERE id = 5");
  scene.fill();
  scene.exec("UPDATE users SET legacy = 'mine too' WHERE id = 6");
  scene.exec("UPDATE users SET touched = 7 WHERE id = 6");
  scene.end_filling();
  scene.rebuild();
  scene.end_restore();
  const std::string born = said ? "born" : "usual";
  CHECK(scene.rows("SELECT id, legacy FROM users ORDER BY id") ==
        "1|old1\n2|" + born +
            "\n3|old3\n4|old4\n5|mine\n6|mine too\n7|old7\n8|old8\n9|old9\n10|old10\n11|old11\n12|old12\n50|" + born +
            "\n51|" + born + "\n52|given\n");
  CHECK(scene.one("SELECT count(*) FROM pg_trigger WHERE tgrelid = 'users'::regclass") == "0");
  CHECK(
      scene.one(
          "SELECT count(*) FROM pg_attribute WHERE attrelid = 'users'::regclass AND attnum > 0 AND NOT attisdropped") ==
      "3");
}

TEST_CASE("a key used again while the deletion of its row has not ended gets nothing of the dead row") {
  ContractScene scene(plain_scene("'born'"));
  scene.hide();
  scene.archive();
  scene.drop();
  scene.begin_restore();
  auto deleter = scene.connect();
  deleter->exec("BEGIN; DELETE FROM users WHERE id = 7");
  std::exception_ptr failure;
  auto inserter = scene.connect("SET lock_timeout = '20s'");
  std::thread insert([&] {
    try {
      inserter->exec("INSERT INTO users (id) VALUES (7)");
    } catch (...) {
      failure = std::current_exception();
    }
  });
  until("the insert waits for the deletion", [&] {
    return scene.one("SELECT count(*) FROM pg_stat_activity WHERE pid = " + std::to_string(inserter->backend_pid()) +
                     " AND wait_event_type = 'Lock'") == "1";
  });
  deleter->exec("COMMIT");
  insert.join();
  if (failure) std::rethrow_exception(failure);
  scene.fill();
  CHECK(scene.rows("SELECT legacy FROM users WHERE id = 7") == "born\n");
  // The note that a row is being born does not outlive its statement.
  auto one = scene.connect();
  one->exec(
      "BEGIN; INSERT INTO users (id) VALUES (60); UPDATE users SET _switchback_plain = NULL, legacy = NULL WHERE "
      "false; COMMIT");
  CHECK(one->exec("SELECT coalesce(current_setting('switchback.born', true), '')").text(0, 0).empty());
}

TEST_CASE("a serial column comes back with its sequence where it was, and rows born since get numbers of their own") {
  SceneText text;
  text.create =
      "CREATE TABLE users (id bigint PRIMARY KEY, number serial UNIQUE); INSERT INTO users SELECT n FROM "
      "generate_series(1, 5) AS n";
  text.contract = {{DropColumn{text.table, "number", std::nullopt}, {}}};
  ContractScene scene(text);
  scene.hide();
  scene.exec("INSERT INTO users VALUES (6), (7)");
  scene.archive();
  scene.drop();
  scene.exec("INSERT INTO users VALUES (8)");
  scene.begin_restore();
  scene.exec("INSERT INTO users VALUES (9)");
  scene.fill();
  scene.end_filling();
  scene.rebuild();
  scene.end_restore();
  CHECK(scene.rows("SELECT id, number FROM users WHERE id < 8 ORDER BY id") == "1|1\n2|2\n3|3\n4|4\n5|5\n6|6\n7|7\n");
  CHECK(scene.one("SELECT count(*) FROM users WHERE number > 7") == "2");
}

TEST_CASE("neither archive nor validated check changes a table's shape") {
  SceneText text = split_scene(10);
  text.contract.insert(text.contract.begin(), {SetNotNull{text.table, "first_name"}, {}});
  ContractScene scene(text);
  scene.hide();
  const std::string hidden = scene.fingerprint();
  scene.archive();
  scene.transaction([&](ports::Session& session) {
    engine::validate(session, scene.plan(), SetNotNull{text.table, "first_name"});
  });
  CHECK(scene.fingerprint() == hidden);
  scene.drop();
  CHECK(scene.fingerprint() != hidden);
}

TEST_CASE("without an archive a restore goes by reverse alone") {
  SceneText text = split_scene(5, true);
  text.no_archive = true;
  ContractScene scene(text);
  scene.hide();
  scene.drop();
  scene.restore();
  CHECK(full_name(scene, 2) == "first2 Last2\n");
}

TEST_CASE("a value that reverse cannot give is marked as a failed reverse, and the archive is asked first") {
  SceneText text;
  text.create =
      "CREATE TABLE users (id bigint PRIMARY KEY, age int); INSERT INTO users SELECT n, n FROM generate_series(1, 6) "
      "AS n";
  text.sync = PlanText{};
  text.sync->name = "typed";
  text.sync->add = {{"age_text", "text"}};
  text.sync->set = {{"age_text", "age::text || 'y'"}};
  text.sync->reverse = {{"age", "age_text::int"}};  // raises for every value that forward gives
  text.contract = {{DropColumn{text.table, "age", std::nullopt}, {}}};
  ContractScene scene(text);
  scene.hide();
  scene.archive();
  scene.drop();
  scene.exec("UPDATE users SET age_text = 'unknown' WHERE id = 2; UPDATE users SET age_text = '33' WHERE id = 3");
  scene.begin_restore();
  scene.exec("UPDATE users SET age_text = 'none' WHERE id = 4; UPDATE users SET age_text = '55' WHERE id = 5");
  scene.fill();
  scene.end_filling();
  scene.rebuild();
  scene.end_restore();
  CHECK(scene.rows("SELECT id, age, _switchback_typed FROM users ORDER BY id") ==
        "1|1|s\n2|-|r\n3|33|s\n4|-|r\n5|55|s\n6|6|s\n");
}

TEST_CASE("what rolling back would lose is counted and named") {
  ContractScene scene(split_scene(30));
  scene.exec("UPDATE users SET full_name = 'Lower Case' WHERE id = 1");                 // forward gives the new side
  scene.exec("UPDATE users SET first_name = 'Ann', last_name = 'B' WHERE id = 2");      // comes back from the old side
  scene.exec("UPDATE users SET first_name = 'Ann Lee', last_name = 'B' WHERE id = 3");  // does not
  scene.exec("UPDATE users SET first_name = NULL, last_name = 'Only' WHERE id = 4");    // does not
  const engine::LossCount count = scene.losses(7);
  CHECK(count.rows == 30);
  CHECK(count.lost == 2);
  CHECK(count.samples == std::vector<std::string>{R"({"id": 3})", R"({"id": 4})"});
}

}  // namespace switchback::tests
