#include "switchback/core/conditions.hpp"

namespace switchback {

std::vector<std::string> ConditionMemory::met(const std::vector<Signal>& readings) {
  std::vector<std::string> reasons;
  for (const Signal& reading : readings) {
    if (reading.state != Signal::State::bad) {
      bad_since_.erase(reading.name);
      continue;
    }
    const auto [first, fresh] = bad_since_.try_emplace(reading.name, reading.at);
    if (!fresh && reading.at > first->second) reasons.push_back(reading.reason);
  }
  return reasons;
}

}  // namespace switchback
