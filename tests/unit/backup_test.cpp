#include "switchback/core/backup.hpp"

#include "catch.hpp"

using namespace switchback;
using namespace std::chrono_literals;

namespace {
const Instant now{std::chrono::hours(500'000)};
}

TEST_CASE("a backup that is young enough is none to wait for, an older one or none at all is", "[backup]") {
  CHECK_FALSE(backup_objection({"20261122F", now - 23h, ""}, now, 24h));
  CHECK(backup_objection({"20261120F", now - 49h, ""}, now, 24h).value_or("") ==
        "the newest backup, 20261120F, ended 2d01h ago, over backup.max_age of 1d");
  CHECK(backup_objection({"", std::nullopt, "there is no backup"}, now, 24h) == "there is no backup");
  CHECK_FALSE(backup_objection({"a command said so", std::nullopt, ""}, now, 24h));
}

TEST_CASE("archiving that is off, fails or cannot be seen is something to wait for", "[backup]") {
  CHECK_FALSE(archiving_objection({true, "", ""}));
  CHECK(archiving_objection({false, "", ""}) == "archive_mode is off: a backup ends where it was taken");
  CHECK(archiving_objection({true, "000000010000000000000007", ""}) == "archiving fails at 000000010000000000000007");
  CHECK(archiving_objection({true, "", "denied"}) == "whether WAL is archived is not known: denied");
}

TEST_CASE("a segment is archived once it, or one after it, is the last that was, on any timeline", "[backup]") {
  const std::string segment = "00000001000000000000000A";
  CHECK(is_archived("00000001000000000000000A", segment));
  CHECK(is_archived("00000001000000000000000B", segment));
  CHECK(is_archived("000000020000000000000001", segment));
  CHECK_FALSE(is_archived("000000010000000000000009", segment));
  CHECK_FALSE(is_archived("", segment));
  CHECK_FALSE(is_archived("00000002.history", segment));
  CHECK_FALSE(is_archived("00000001000000000000000B.00000028.backup", segment));
}
