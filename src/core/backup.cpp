#include "switchback/core/backup.hpp"

#include <algorithm>

#include "switchback/core/units.hpp"

namespace switchback {
namespace {

bool is_segment(const std::string& name) {
  return name.size() == 24 && name.find_first_not_of("0123456789ABCDEF") == std::string::npos;
}

}  // namespace

std::optional<std::string> backup_objection(const BackupReading& reading, Instant now, std::chrono::seconds max_age) {
  if (!reading.failure.empty()) return reading.failure;
  if (!reading.ended || now - *reading.ended <= max_age) return std::nullopt;
  return "the newest backup, " + reading.label + ", ended " +
         show_duration(std::chrono::floor<std::chrono::seconds>(now - *reading.ended)) +
         " ago, over backup.max_age of " + show_duration(max_age);
}

std::optional<std::string> archiving_objection(const ArchivingReading& reading) {
  if (!reading.unreadable.empty()) return "whether WAL is archived is not known: " + reading.unreadable;
  if (!reading.on) return "archive_mode is off: a backup ends where it was taken";
  if (!reading.failing.empty()) return "archiving fails at " + reading.failing;
  return std::nullopt;
}

bool is_archived(const std::string& last_archived, const std::string& segment) {
  const std::string last = last_archived.substr(0, 24);  // 000000010000000000000001.00000028.backup: of that segment
  return is_segment(last) && is_segment(segment) && last >= segment && last_archived.size() == 24;
}

}  // namespace switchback
