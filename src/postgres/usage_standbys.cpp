#include "usage_standbys.hpp"

#include <algorithm>
#include <cstdint>

namespace switchback::postgres {
namespace {

using nlohmann::json;

/// A connection is named as the server names the standby, or by its slot.
bool take(std::vector<std::string>& sampled, const Standby& standby) {
  for (const std::string& name : {standby.application, standby.slot}) {
    const auto found = std::find(sampled.begin(), sampled.end(), name);
    if (name.empty() || found == sampled.end()) continue;
    sampled.erase(found);
    return true;
  }
  return false;
}

std::string configure(const std::string& replica) {
  return "configure a connection to it: health: { replicas: [ { name: " + replica +
         ", connect: … } ] }; or say there that no queries run on it: { name: " + replica +
         ", queries: { none: reason } }";
}

const std::string* reason_for(const std::map<std::string, std::string>& without_queries, const Standby& standby) {
  for (const std::string& name : {standby.slot, standby.application})
    if (const auto found = without_queries.find(name); !name.empty() && found != without_queries.end())
      return &found->second;
  return nullptr;
}

}  // namespace

std::vector<Standby> standbys_of(ports::Session& server) {
  // A role without pg_read_all_stats sees of a walsender that it is there, and NULLs (pg_stat_get_wal_senders).
  const ports::Rows rows = server.exec(R"sql(
SELECT COALESCE(r.application_name, ''), COALESCE(s.slot_name::text, ''), r.state IS NULL
FROM pg_catalog.pg_stat_replication r
LEFT JOIN pg_catalog.pg_replication_slots s ON s.active_pid = r.pid
WHERE COALESCE(s.slot_type, 'physical') = 'physical' AND (r.state IS NULL OR r.replay_lsn IS NOT NULL)
UNION ALL
SELECT '', s.slot_name::text, false FROM pg_catalog.pg_replication_slots s
WHERE s.slot_type = 'physical' AND NOT s.active AND s.xmin IS NOT NULL
ORDER BY 1, 2)sql");
  std::vector<Standby> standbys;
  for (std::size_t i = 0; i < rows.size(); ++i)
    standbys.push_back({rows.text(i, 0), rows.text(i, 1), rows.boolean(i, 2)});
  return standbys;
}

json with_unsampled(json kept, const std::vector<Standby>& there, std::vector<std::string>& sampled,
                    std::chrono::milliseconds now) {
  if (!kept.is_array()) kept = json::array();
  for (const Standby& standby : there) {
    if (take(sampled, standby)) continue;
    const json fresh{{"application", standby.application},
                     {"slot", standby.slot},
                     {"hidden", standby.hidden},
                     {"seen", now.count()}};
    const auto same = [&](const json& one) {
      return one.at("application") == standby.application && one.at("slot") == standby.slot &&
             one.at("hidden") == standby.hidden;
    };
    if (const auto found = std::find_if(kept.begin(), kept.end(), same); found != kept.end())
      *found = fresh;
    else
      kept.push_back(fresh);
  }
  return kept;
}

std::vector<Observation> unsampled_standbys(const std::string& upstream, const json& kept,
                                            const std::map<std::string, std::string>& without_queries) {
  std::vector<Observation> observations;
  for (const json& one : kept) {
    const Standby standby{one.at("application"), one.at("slot"), one.at("hidden")};
    Observation observation{"statements",
                            standby.name(),
                            Finding::unknown,
                            "not sampled (no connection configured)",
                            Instant{std::chrono::milliseconds{one.at("seen").get<std::int64_t>()}},
                            ""};
    if (upstream != "primary") observation.detail = "a standby of the standby " + upstream + ", " + observation.detail;
    if (const std::string* reason = reason_for(without_queries, standby)) {
      observation.finding = Finding::clear;
      observation.detail += "; the configuration says that no queries run on it: " + *reason;
    } else if (standby.hidden) {
      observation.server = standby.name().empty() ? "a standby" : standby.name();
      observation.detail += "; whether it is one that runs queries is hidden from this role";
      observation.remedy = "GRANT pg_monitor to switchback's role";
    } else {
      observation.remedy = configure(standby.name());
    }
    observations.push_back(std::move(observation));
  }
  return observations;
}

}  // namespace switchback::postgres
