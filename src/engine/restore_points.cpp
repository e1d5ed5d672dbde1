#include "switchback/engine/restore_points.hpp"

#include <nlohmann/json.hpp>

#include "switchback/core/backup.hpp"

namespace switchback::engine {
namespace {

using nlohmann::json;

/// Names of restore points are cut to 63 bytes by the server (MAXFNAMELEN - 1): the time comes first.
std::string point_name(ports::Session& session, const std::string& plan, std::string_view before) {
  const std::string time =
      session
          .exec(
              "SELECT pg_catalog.to_char(pg_catalog.clock_timestamp() AT TIME ZONE 'UTC', 'YYYYMMDD\"T\"HH24MISS.US')")
          .text(0, 0);
  return ("switchback " + time + " " + plan + " before " + std::string(before)).substr(0, 63);
}

std::optional<Hold> archived_hold(Workbench& bench, const std::string& segment) {
  if (bench.despite("backup")) return std::nullopt;
  const auto rows = bench.session().exec(
      "SELECT COALESCE(last_archived_wal, ''), CASE WHEN last_failed_time > COALESCE(last_archived_time, '-infinity') "
      "THEN last_failed_wal END, pg_catalog.has_function_privilege('pg_catalog.pg_switch_wal()', 'EXECUTE') FROM "
      "pg_catalog.pg_stat_archiver");
  if (is_archived(rows.text(0, 0), segment)) return std::nullopt;
  std::string reason = "the restore point's WAL segment " + segment + " is not archived yet";
  if (rows.at(0, 1)) reason += "; archiving fails at " + rows.text(0, 1);
  return Hold{HoldKind::backup,
              reason,
              rows.boolean(0, 2)
                  ? "it is archived; or switchback approve " + bench.plan().name +
                        " --phase contract --despite backup --reason …"
                  : "it is full, or archive_timeout passes, and it is archived; GRANT EXECUTE ON FUNCTION "
                    "pg_catalog.pg_switch_wal() lets switchback end it at once",
              {}};
}

}  // namespace

std::string make_restore_point(Workbench& bench, ports::Session& session, std::string_view before) {
  const auto may = session.exec(
      "SELECT pg_catalog.has_function_privilege('pg_catalog.pg_create_restore_point(text)', 'EXECUTE'), "
      "pg_catalog.current_setting('wal_level') <> 'minimal', pg_catalog.current_setting('archive_mode')");
  if (!may.boolean(0, 0) || !may.boolean(0, 1)) {
    if (before != "drop") return "";  // said once, where it counts
    bench.note("restore_point", may.boolean(0, 1) ? "none: GRANT EXECUTE ON FUNCTION "
                                                    "pg_catalog.pg_create_restore_point(text) would allow it"
                                                  : "none: wal_level is minimal");
    return "";
  }
  const std::string name = point_name(session, bench.plan().name, before);
  const auto at = session.exec(
      "SELECT p.lsn, pg_catalog.pg_walfile_name(p.lsn), ('x' || pg_catalog.left(pg_catalog.pg_walfile_name(p.lsn), "
      "8))::pg_catalog.bit(32)::pg_catalog.int4 FROM pg_catalog.pg_create_restore_point($1) AS p(lsn)",
      {name});
  const std::string mode = may.text(0, 2);
  bench.note(
      "restore_point", name + " at " + at.text(0, 0) + (mode == "off" ? ", and archive_mode is off" : ""),
      json{{"name", name}, {"lsn", at.text(0, 0)}, {"timeline", at.integer(0, 2)}, {"archive_mode", mode}}.dump());
  return mode == "off" ? "" : at.text(0, 1);
}

Stop await_archived(Workbench& bench, const std::string& segment) {
  if (segment.empty()) return Stop::arrived();
  bool switched = false;
  const auto look = [&]() -> std::optional<Hold> {
    auto hold = archived_hold(bench, segment);
    if (hold && !switched &&
        bench.session()
            .exec("SELECT pg_catalog.has_function_privilege('pg_catalog.pg_switch_wal()', 'EXECUTE')")
            .boolean(0, 0)) {
      // Only when nothing has ended it meanwhile; an empty segment is not switched by the server at all.
      bench.session().exec(
          "SELECT pg_catalog.pg_switch_wal() WHERE pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()) "
          "<= $1",
          {segment});
      switched = true;
    }
    return hold;
  };
  std::optional<Hold> hold;
  const Stop stop = bench.outside_transaction([&](ports::Session&) { hold = look(); });
  if (!stop.ok() || !hold) return stop;
  return bench.hold_until(*hold, std::chrono::milliseconds(500), look);
}

}  // namespace switchback::engine
