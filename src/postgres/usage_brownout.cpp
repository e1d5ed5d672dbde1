#include "usage_brownout.hpp"

#include "switchback/core/brownout.hpp"

namespace switchback::postgres {

std::vector<Observation> brownouts_of(ports::Session& session, std::int64_t plan, const std::string& structure) {
  const auto rows = session.exec(
      "SELECT outcome, seconds, detail->>'who', detail->>'says', (extract(epoch FROM undone_at) * 1000)::bigint FROM "
      "switchback.brownout WHERE plan_id = $1::bigint AND outcome IN ('quiet', 'tripped', 'suspected') AND $2 = ANY "
      "(columns) ORDER BY id",
      {std::to_string(plan), structure});
  std::vector<Observation> out;
  Stretches quiet;
  std::string says;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (brownout_outcome_named(rows.text(i, 0)) == BrownoutOutcome::quiet) {
      quiet.emplace_back(rows.integer(i, 1));
      says = rows.text(i, 3);
      continue;
    }
    quiet.clear();
    const bool certain = brownout_outcome_named(rows.text(i, 0)) == BrownoutOutcome::tripped;
    out.push_back({"brownout", "primary", certain ? Finding::used : Finding::unknown, rows.text(i, 2),
                   Instant{std::chrono::milliseconds{rows.integer(i, 4)}},
                   certain ? "" : "say that it does without with --despite usage --reason …"});
  }
  if (!quiet.empty())
    out.push_back({"brownout", "primary", Finding::clear, show_stretches(quiet) + ": nothing tripped; " + says,
                   std::nullopt, ""});
  return out;
}

}  // namespace switchback::postgres
