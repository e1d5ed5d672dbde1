/// When a plan's own conditions turn it back. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "switchback/core/signals.hpp"

namespace switchback {

/// Remembers since which reading each condition has been bad. Not thread safe.
class ConditionMemory {
 public:
  /// The reasons of those that were bad in two readings in a row: one look may hit a moment. What cannot be read is
  /// neither good nor bad, and begins anew.
  std::vector<std::string> met(const std::vector<Signal>& readings);

 private:
  std::map<std::string, Monotonic> bad_since_;  ///< by the signal's name: its first bad reading
};

}  // namespace switchback
