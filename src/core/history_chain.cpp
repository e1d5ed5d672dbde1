#include "switchback/core/history_chain.hpp"

#include <algorithm>
#include <set>

namespace switchback {

ChainReport check_chain(const std::vector<ChainLink>& links, const std::string& expected) {
  ChainReport report;
  report.events = links.size();
  std::set<std::string> known;
  for (const ChainLink& link : links) known.insert(link.hash);
  std::set<std::string> followed;
  bool begun = false;
  for (const ChainLink& link : links) {
    if (link.computed != link.hash) report.breaks.push_back({link.id, "is not as it was written"});
    if (link.previous.empty() && begun)
      report.breaks.push_back({link.id, "follows nothing: it was not written the way events are"});
    begun |= link.previous.empty();
    if (std::ranges::any_of(link.previous, [&](const std::string& one) { return !known.contains(one); }))
      report.breaks.push_back({link.id, "follows an event that is gone or was changed"});
    followed.insert(link.previous.begin(), link.previous.end());
  }
  for (const ChainLink& link : links)
    if (!followed.contains(link.hash)) report.heads.push_back(link.hash);
  if (!expected.empty() &&
      std::ranges::none_of(known, [&](const std::string& hash) { return hash.starts_with(expected); }))
    report.breaks.push_back({0, "the event with the hash " + expected + " is gone or was changed"});
  return report;
}

}  // namespace switchback
