// What Barman 3.4 prints, shortened.
#include "catch.hpp"
#include "switchback/daemon/backups.hpp"

using namespace switchback;
using daemon::newest_of_barman;

namespace {

const std::string good_check =
    R"({"main": {"wal_archive": {"hint": "", "status": "OK"}, "systemid_coherence": {"hint": "", "status": "OK"}}})";
const std::string servers = R"({"main": {"name": "main", "postgres_systemid": "7710884914558462017"}})";
const std::string ours = "7710884914558462017";

std::string backups(const std::string& list) {
  return R"({"main": [)" + list + "]}";
}
std::string backup(const std::string& id, const std::string& ended, const std::string& status) {
  return R"({"backup_id": ")" + id + R"(", "end_time_timestamp": ")" + ended + R"(", "status": ")" + status + R"("})";
}

}  // namespace

TEST_CASE("of Barman's backups the newest that is done counts", "[backup]") {
  const auto newest =
      newest_of_barman(good_check, servers,
                       backups(backup("c", "1795330400", "FAILED") + "," + backup("b", "1795330359", "DONE") + "," +
                               backup("a", "1795330000", "DONE") + "," + backup("d", "1795330500", "WAITING_FOR_WALS")),
                       "main", ours);
  CHECK(newest.failure.empty());
  CHECK(newest.label == "b");
  CHECK(newest.ended == Instant(std::chrono::seconds(1795330359)));
}

TEST_CASE("a backup of another server, one that Barman's check speaks against, and none at all are none", "[backup]") {
  const std::string one = backups(backup("b", "1795330359", "DONE"));
  CHECK(newest_of_barman(good_check, servers, one, "main", "1").failure ==
        "barman: server main is another one than this database's");
  CHECK(newest_of_barman(R"({"main": {"wal_archive": {"hint": "set it up", "status": "FAILED"}}})", servers, one,
                         "main", ours)
            .failure == "barman check main: wal_archive fails: set it up");
  CHECK(newest_of_barman(good_check, servers, backups(""), "main", ours).failure ==
        "barman: server main has no backup that is done");
  CHECK(newest_of_barman(good_check, servers, one, "other", ours).failure == "barman knows no server other");
  CHECK(newest_of_barman(R"({"_ERROR": ["Unknown server 'x'"]})", servers, one, "x", ours).failure ==
        "barman: Unknown server 'x'");
  CHECK(newest_of_barman("", servers, one, "main", ours).failure == "barman printed no JSON");
  CHECK(newest_of_barman(good_check, servers, backups(R"({"status": "DONE"})"), "main", ours).failure ==
        "barman printed something that is not understood");
}
