#include "switchback/core/settings.hpp"

#include <cmath>

#include "catch.hpp"
#include "switchback/core/error.hpp"
#include "switchback/core/nearest.hpp"

using namespace switchback;
using namespace std::chrono_literals;

namespace {
SettingValue value(std::string key, std::string text, Origin origin = Origin::file) {
  return {std::move(key), std::move(text), origin, "here"};
}
}  // namespace

TEST_CASE("every default of the registry fits, and resolves to what Settings begins with", "[settings]") {
  std::vector<SettingValue> defaults;
  for (const SettingSpec& spec : setting_specs()) {
    CAPTURE(spec.key);
    if (spec.default_value.empty()) continue;
    CHECK_FALSE(misfit(spec.key, spec.default_value));
    if (!is_family(spec)) defaults.push_back(value(std::string(spec.key), std::string(spec.default_value)));
  }
  const Settings given = resolve(defaults);
  const Settings built_in;
  CHECK(given.environment == built_in.environment);
  CHECK(given.lock_timeout == built_in.lock_timeout);
  CHECK(given.lease == built_in.lease);
  CHECK(given.observe == built_in.observe);
  CHECK(given.soak == built_in.soak);
  CHECK(given.archive == built_in.archive);
  CHECK(given.approvals == built_in.approvals);
  CHECK(given.batch_target == built_in.batch_target);
  CHECK(given.batch_max_wal == built_in.batch_max_wal);
  CHECK(given.synchronous_commit == built_in.synchronous_commit);
  CHECK(given.quarantine_rows == built_in.quarantine_rows);
  CHECK(std::abs(given.quarantine_share - built_in.quarantine_share) < 1e-12);
  CHECK(given.health_grace == built_in.health_grace);
  CHECK(given.lag_target == built_in.lag_target);
  CHECK(given.lag_limit == built_in.lag_limit);
  CHECK(given.lag_clear == built_in.lag_clear);
  CHECK(given.health == built_in.health);
}

TEST_CASE("the narrower origin wins, and within one the last", "[settings]") {
  const std::vector values = {value("lock_timeout", "9s", Origin::flag), value("lock_timeout", "1s", Origin::file),
                              value("lock_timeout", "3s", Origin::plan), value("lease", "20s"), value("lease", "30s")};
  const Settings settings = resolve(values);
  CHECK(settings.lock_timeout == 9s);
  CHECK(settings.lease == 30s);
}

TEST_CASE("every kind of value reaches its place", "[settings]") {
  const Settings settings = resolve(std::vector{
      value("environment", "development"), value("database", "service=shop"), value("contract.observe", "5s"),
      value("contract.approvals", "2"), value("backfill.batch.max_wal", "1MiB"),
      value("backfill.synchronous_commit", "off"), value("backfill.quarantine.share", "5%"),
      value("backfill.user_triggers", "skip"), value("health.replicas.r2", "ignore"), value("backup.none", "sandbox"),
      value("drill.required", "7d")});
  CHECK(settings.environment == Environment::development);
  CHECK(settings.database == "service=shop");
  CHECK(settings.observe == 5s);
  CHECK(settings.approvals == 2);
  CHECK(settings.batch_max_wal == 1048576);
  CHECK_FALSE(settings.synchronous_commit);
  CHECK(std::abs(settings.quarantine_share - 0.05) < 1e-12);
  CHECK(settings.user_triggers == UserTriggers::skip);
  CHECK(settings.replicas.at("r2") == ReplicaPolicy::ignore);
  CHECK(settings.backup_none == "sandbox");
  CHECK(settings.drill_required == std::chrono::hours(7 * 24));
  CHECK(misfit("drill.required", "500ms") == "must be whole seconds");
}

TEST_CASE("a misfit is refused with key and source", "[settings]") {
  try {
    resolve(std::vector{value("lock_timeout", "soon")});
    FAIL("taken");
  } catch (const Error& error) {
    CHECK(error.exit() == Exit::invalid);
    CHECK(std::string(error.what()).starts_with("here: lock_timeout: \"soon\" is not a duration"));
  }
  CHECK(misfit("lock_timeout", "0s"));
  CHECK(misfit("lease", "10ms"));
  CHECK(misfit("contract.soak", "1500ms"));
  CHECK(misfit("contract.approvals", "-1"));
  CHECK(misfit("contract.approvals", "1000"));
  CHECK(misfit("backfill.batch.max_wal", "0B"));
  CHECK(misfit("backfill.quarantine.share", "101%"));
  CHECK(misfit("backfill.quarantine.share", "nan%"));
  CHECK(misfit("backfill.synchronous_commit", "maybe"));
  CHECK(misfit("health.replicas.", "ignore"));
  CHECK(misfit("health.free_space.min", "20"));
  CHECK(misfit("health.free_space.exec", "df 'open"));
  CHECK(misfit("health.free_space.exec", " "));
  CHECK(misfit("health.slots.policy", "maybe"));
  CHECK(misfit("health.replicas.r2", "maybe") == "must be required, optional or ignore");
  CHECK(misfit("lock_timout", "1s") == "is not a setting: did you mean lock_timeout?");
}

TEST_CASE("what is for the file alone is taken neither from a plan nor from the database", "[settings]") {
  const Origin origin = GENERATE(Origin::plan, Origin::live);
  for (const char* key : {"health.free_space.exec", "health.replicas.r2.connect", "database"}) {
    CAPTURE(key);
    CHECK_THROWS_AS(resolve(std::vector{value(key, "text", origin)}), Error);
  }
  CHECK_THROWS_AS(resolve(std::vector{value("contract.soak", "1s", Origin::live)}), Error);
  CHECK(resolve(std::vector{value("health.grace", "1s", origin)}).health_grace == 1s);
}

TEST_CASE("a limit below the target pulls the target down", "[settings]") {
  CHECK(resolve(std::vector{value("health.replication_lag.limit", "100ms")}).lag_target == 100ms);
}

TEST_CASE("the nearest word is found when it is near enough", "[settings][nearest]") {
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("ab", "ba") == 1);
  CHECK(nearest_setting("lock_timout") == "lock_timeout");
  CHECK(nearest_setting("grace") == "health.grace");
  CHECK_FALSE(nearest_setting("colour"));
  CHECK_FALSE(nearest_setting(""));
}
