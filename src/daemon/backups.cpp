#include "switchback/daemon/backups.hpp"

#include <nlohmann/json.hpp>
#include <set>

#include "switchback/core/error.hpp"
#include "switchback/core/excerpt.hpp"
#include "switchback/process/child.hpp"

namespace switchback::daemon {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds deadline{30};

BackupReading none(const std::string& why) {
  return {"", std::nullopt, why};
}

BackupReading from_pgbackrest(const Settings& settings, const std::string& system_identifier) {
  process::Command command;
  command.argv = {"pgbackrest", "--stanza=" + settings.backup_pgbackrest, "--output=json", "info"};
  command.die_with_us = true;
  const process::Outcome outcome = process::run(command, deadline);
  if (outcome.timed_out) return none("pgbackrest info did not end within 30 s");
  if (!outcome.ok())
    return none("pgbackrest info ended with " + std::to_string(outcome.exit_code) + ": " +
                first_line(outcome.err.empty() ? outcome.out : outcome.err));
  return newest_of_pgbackrest(outcome.out, settings.backup_pgbackrest, system_identifier);
}

/// What it prints; empty, with `why`, when nothing can be read from it. `check` ends with 1 when one fails, and still
/// says which.
std::string barman(const std::vector<std::string>& words, std::string& why) {
  process::Command command;
  command.argv = {"barman", "-f", "json"};
  command.argv.insert(command.argv.end(), words.begin(), words.end());
  command.die_with_us = true;
  const process::Outcome outcome = process::run(command, deadline);
  if (outcome.timed_out)
    why = "barman " + words[0] + " did not end within 30 s";
  else if (outcome.out.empty())
    why = "barman " + words[0] + " ended with " + std::to_string(outcome.exit_code) + ": " + first_line(outcome.err);
  return outcome.timed_out ? "" : outcome.out;
}

BackupReading from_barman(const Settings& settings, const std::string& system_identifier) {
  std::string why;
  const std::string& server = settings.backup_barman;
  const std::string check = barman({"check", server}, why);
  const std::string servers = why.empty() ? barman({"show-servers", server}, why) : "";
  const std::string backups = why.empty() ? barman({"list-backups", server}, why) : "";
  if (!why.empty()) return none(why);
  return newest_of_barman(check, servers, backups, server, system_identifier);
}

BackupReading from_command(const Settings& settings) {
  process::Command command;
  command.argv = settings.backup_command;
  command.die_with_us = true;
  const process::Outcome outcome = process::run(command, deadline);
  const std::string said = first_line(outcome.out.empty() ? outcome.err : outcome.out);
  if (outcome.timed_out) return none("the command of backup.command did not end within 30 s");
  if (!outcome.ok())
    return none("the command of backup.command ended with " + std::to_string(outcome.exit_code) +
                (said.empty() ? std::string() : ": " + said));
  return {said.empty() ? "backup.command" : said, std::nullopt, ""};
}

/// The databases of the stanza that are this server's: their ids, by repository.
std::set<std::pair<std::int64_t, std::int64_t>> ours(const json& stanza, const std::string& system_identifier) {
  std::set<std::pair<std::int64_t, std::int64_t>> ids;
  for (const json& database : stanza.value("db", json::array()))
    if (const auto id = database.find("system-id"); id != database.end() && id->is_number_unsigned() &&
                                                    std::to_string(id->get<std::uint64_t>()) == system_identifier)
      ids.emplace(database.value("repo-key", 0), database.at("id").get<std::int64_t>());
  return ids;
}

}  // namespace

BackupReading newest_of_pgbackrest(const std::string& text, const std::string& stanza,
                                   const std::string& system_identifier) {
  const json all = json::parse(text, nullptr, false);
  if (!all.is_array()) return none("pgbackrest info printed no JSON");
  try {
    for (const json& one : all) {
      if (one.value("name", "") != stanza) continue;
      if (const json status = one.value("status", json::object()); status.value("code", 0) != 0)
        return none("pgbackrest: stanza " + stanza + ": " + status.value("message", "not ok"));
      const auto ids = ours(one, system_identifier);
      if (ids.empty()) return none("pgbackrest: stanza " + stanza + " is of another server than this database");
      BackupReading newest = none("pgbackrest: stanza " + stanza + " has no backup of this server");
      for (const json& backup : one.value("backup", json::array())) {
        const json database = backup.value("database", json::object());
        if (!ids.contains({database.value("repo-key", 0), database.value("id", std::int64_t{0})})) continue;
        if (backup.value("error", false)) continue;  // pages with wrong checksums
        const Instant ended{std::chrono::seconds(backup.at("timestamp").at("stop").get<std::int64_t>())};
        if (!newest.ended || ended > *newest.ended) newest = {backup.value("label", ""), ended, ""};
      }
      return newest;
    }
  } catch (const json::exception&) {
    return none("pgbackrest info printed something that is not understood");
  }
  return none("pgbackrest knows no stanza " + stanza);
}

BackupReading newest_of_barman(const std::string& check, const std::string& servers, const std::string& backups,
                               const std::string& server, const std::string& system_identifier) {
  const auto parsed = [](const std::string& text) { return json::parse(text, nullptr, false); };
  const json checks = parsed(check);
  const json shown = parsed(servers);
  const json list = parsed(backups);
  for (const json& one : {checks, shown, list}) {
    if (!one.is_object()) return none("barman printed no JSON");
    if (const auto error = one.find("_ERROR"); error != one.end() && error->is_array() && !error->empty())
      return none("barman: " + (error->at(0).is_string() ? error->at(0).get<std::string>() : error->dump()));
    if (!one.contains(server)) return none("barman knows no server " + server);
  }
  try {
    for (const auto& [what, verdict] : checks.at(server).items())
      if (verdict.at("status") != "OK")
        return none("barman check " + server + ": " + what + " fails: " + verdict.value("hint", ""));
    if (shown.at(server).value("postgres_systemid", "") != system_identifier)
      return none("barman: server " + server + " is another one than this database's");
    BackupReading newest = none("barman: server " + server + " has no backup that is done");
    for (const json& backup : list.at(server)) {
      if (backup.value("status", "") != "DONE") continue;
      const Instant ended{std::chrono::seconds(std::stoll(backup.at("end_time_timestamp").get<std::string>()))};
      if (!newest.ended || ended > *newest.ended) newest = {backup.value("backup_id", ""), ended, ""};
    }
    return newest;
  } catch (const std::exception&) {  // of json, or stoll
    return none("barman printed something that is not understood");
  }
}

BackupReading read_backup(const Settings& settings, const std::string& system_identifier) {
  try {
    if (!settings.backup_pgbackrest.empty()) return from_pgbackrest(settings, system_identifier);
    return settings.backup_barman.empty() ? from_command(settings) : from_barman(settings, system_identifier);
  } catch (const Error& error) {
    return none(error.what());
  }
}

}  // namespace switchback::daemon
