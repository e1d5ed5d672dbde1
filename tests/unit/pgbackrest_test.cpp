#include <nlohmann/json.hpp>

#include "catch.hpp"
#include "switchback/daemon/backups.hpp"

using namespace switchback;
using daemon::newest_of_pgbackrest;
using nlohmann::json;

namespace {

json backup(const std::string& label, std::int64_t stop, bool error = false, int database = 1) {
  return {{"label", label},
          {"type", "full"},
          {"error", error},
          {"database", {{"id", database}, {"repo-key", 1}}},
          {"timestamp", {{"start", stop - 60}, {"stop", stop}}}};
}

/// As pgBackRest 2.45 prints it, shortened.
std::string info(const json& backups, int code = 0) {
  return json{{{"name", "main"},
               {"status", {{"code", code}, {"message", code == 0 ? "ok" : "no valid backups"}}},
               {"db", {{{"id", 1}, {"repo-key", 1}, {"system-id", 7710836649944378533ULL}, {"version", "15"}}}},
               {"backup", backups}}}
      .dump();
}

const std::string ours = "7710836649944378533";

}  // namespace

TEST_CASE("the newest backup of this very server counts, with the time at which it ended", "[backup]") {
  const auto reading =
      newest_of_pgbackrest(info({backup("old", 1000), backup("new", 3000), backup("middle", 2000)}), "main", ours);
  CHECK(reading.failure.empty());
  CHECK(reading.label == "new");
  CHECK(reading.ended == Instant{std::chrono::seconds(3000)});
}

TEST_CASE("a backup with errors, or of another server, is none", "[backup]") {
  CHECK(newest_of_pgbackrest(info({backup("old", 1000), backup("broken", 3000, true)}), "main", ours).label == "old");
  CHECK(newest_of_pgbackrest(info(json::array({backup("before", 3000, false, 2)})), "main", ours).failure ==
        "pgbackrest: stanza main has no backup of this server");
  CHECK(newest_of_pgbackrest(info(json::array({backup("new", 3000)})), "main", "1").failure ==
        "pgbackrest: stanza main is of another server than this database");
}

TEST_CASE("what cannot be told is said, and is no backup", "[backup]") {
  CHECK(newest_of_pgbackrest(info(json::array(), 2), "main", ours).failure ==
        "pgbackrest: stanza main: no valid backups");
  CHECK(newest_of_pgbackrest("[]", "main", ours).failure == "pgbackrest knows no stanza main");
  for (const char* text :
       {"", "null", "{}", "no JSON", R"([{"name": 1}])", R"([{"name": "main", "db": 1}])",
        R"([{"name": "main", "db": [{"system-id": 7710836649944378533}]}])",
        R"([{"name": "main", "db": [{"id": 1, "system-id": 7710836649944378533}], "backup": [{}]}])"})
    CHECK_FALSE(newest_of_pgbackrest(text, "main", ours).failure.empty());
}
