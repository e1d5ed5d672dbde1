#include "usage_coverage.hpp"

#include <ctime>
#include <fstream>
#include <optional>

#include "switchback/core/evidence.hpp"
#include "switchback/core/units.hpp"

namespace switchback::postgres {
namespace {

using nlohmann::json;
using ports::Rows;
using std::chrono::milliseconds;

/// Goes on while the machine sleeps, and cannot be set.
milliseconds since_boot() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return std::chrono::duration_cast<milliseconds>(std::chrono::seconds(now.tv_sec) +
                                                  std::chrono::nanoseconds(now.tv_nsec));
}

/// The same for every process between two boots of this machine; empty where the kernel does not say.
std::string this_boot() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id;
}

/// Readings of machines that have not looked for long are of no use, and the row must not grow.
constexpr std::size_t most_clocks = 8;

std::string in_words(milliseconds step) {
  return step.count() > 0 ? "the server's clock was set forward by " + show_duration(step)
                          : "the server's clock was set back by " + show_duration(-step);
}

}  // namespace

std::string dumped(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

void CoverageJournal::begin() {
  journal_.exec("SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('switchback usage ' || $1, 0))",
                {plan_});
  machine_ = this_boot();
  const milliseconds before = since_boot();
  const Rows rows =
      journal_.exec("SELECT (EXTRACT(epoch FROM pg_catalog.clock_timestamp())::pg_catalog.numeric * 1000)::bigint");
  own_ = since_boot();
  blur_ = own_ - before;
  server_ = milliseconds(rows.integer(0, 0));
}

Recorded CoverageJournal::recorded(const std::string& source, const std::string& server) {
  const Rows rows = journal_.exec(
      "SELECT marks, pg_catalog.clock_timestamp() - until > interval '5 minutes', "
      "(EXTRACT(epoch FROM until - pg_catalog.clock_timestamp())::pg_catalog.numeric * 1000)::bigint "
      "FROM switchback.usage_coverage WHERE plan_id = $1::bigint AND source = $2 AND server = $3",
      {plan_, source, server});
  if (rows.empty()) return {};
  Recorded before;
  before.there = true;
  before.marks = json::parse(rows.text(0, 0));
  before.looked = before.marks.value("looked", false);
  if (rows.boolean(0, 1)) {
    const std::string unread = before.marks.value("unread", "");
    before.gap = unread.empty() ? "nobody looked for more than 5 minutes"
                                : "for more than 5 minutes " + server + " could not be read: " + unread;
  }
  if (rows.integer(0, 2) > 0) before.step = in_words(milliseconds(-rows.integer(0, 2)));
  const json clocks = before.marks.value("clocks", json::object());
  if (!machine_.empty() && clocks.contains(machine_)) {
    const json& then = clocks.at(machine_);
    const milliseconds server_elapsed = server_ - milliseconds(then.at("server").get<std::int64_t>());
    const milliseconds own_elapsed = own_ - milliseconds(then.at("own").get<std::int64_t>());
    if (const auto step = clock_step(server_elapsed, own_elapsed, blur_)) before.step = in_words(*step);
  }
  return before;
}

json CoverageJournal::clocks_beside(const json& marks) const {
  json clocks = marks.value("clocks", json::object());
  if (machine_.empty()) return clocks;
  clocks[machine_] = {{"own", own_.count()}, {"server", server_.count()}};
  while (clocks.size() > most_clocks) {
    auto oldest = clocks.begin();
    for (auto one = clocks.begin(); one != clocks.end(); ++one)
      if (one.key() != machine_ && (oldest.key() == machine_ || one.value().at("server") < oldest.value().at("server")))
        oldest = one;
    clocks.erase(oldest);
  }
  return clocks;
}

void CoverageJournal::seen(const std::string& source, const std::string& server, const std::string& at,
                           const Recorded& before, json marks, std::vector<std::string> cuts) {
  if (before.marks.contains("blind")) cuts.insert(cuts.begin(), "before, " + before.marks["blind"].get<std::string>());
  if (!before.step.empty()) cuts.push_back(before.step);
  std::string cut_by;
  for (const std::string& cut : cuts) cut_by += (cut_by.empty() ? "" : "; ") + cut;
  // A row that only says that nothing could be read is no beginning.
  if (before.there && !before.looked && cuts.empty()) cut_by = before.marks.value("unread", "");
  marks["looked"] = true;
  marks["clocks"] = clocks_beside(before.marks);
  put(source, server, at, marks, cuts.empty() && (!before.there || before.looked) ? nullptr : &cut_by);
}

void CoverageJournal::blind(const std::string& source, const std::string& server, const Recorded& before,
                            const Blindness& why) {
  json marks = before.marks;
  marks.erase("unread");
  marks["blind"] = why.reason;
  marks["remedy"] = why.remedy;
  marks["clocks"] = clocks_beside(before.marks);
  put(source, server, clock(), marks, &why.reason);
}

void CoverageJournal::unread(const std::string& source, const std::string& server, const Blindness& why) {
  journal_.exec(R"sql(
INSERT INTO switchback.usage_coverage AS c (plan_id, source, server, since, until, marks)
VALUES ($1::bigint, $2, $3, pg_catalog.clock_timestamp(), pg_catalog.clock_timestamp(), $4::jsonb)
ON CONFLICT (plan_id, source, server) DO UPDATE SET marks = c.marks || excluded.marks)sql",
                {plan_, source, server, dumped(json{{"unread", why.reason}, {"remedy", why.remedy}})});
}

void CoverageJournal::put(const std::string& source, const std::string& server, const std::string& at,
                          const json& marks, const std::string* cut_by) {
  journal_.exec(R"sql(
INSERT INTO switchback.usage_coverage AS c (plan_id, source, server, since, until, marks, cut_by)
VALUES ($1::bigint, $2, $3, $4::timestamptz, $4::timestamptz, $5::jsonb, $6)
ON CONFLICT (plan_id, source, server) DO UPDATE
SET since = CASE WHEN $7 = 't' THEN excluded.since ELSE c.since END, until = excluded.until, marks = excluded.marks,
    cut_by = CASE WHEN $7 = 't' THEN excluded.cut_by ELSE c.cut_by END)sql",
                {plan_, source, server, at, dumped(marks),
                 cut_by && !cut_by->empty() ? std::optional(*cut_by) : std::nullopt, cut_by ? "t" : "f"});
}

}  // namespace switchback::postgres
