#include "switchback/core/signals.hpp"

#include <set>

#include "switchback/core/units.hpp"

namespace switchback {

SignalGate::Verdict SignalGate::judge(Monotonic now, std::span<const Signal> signals, std::chrono::milliseconds grace) {
  Verdict verdict;
  std::set<std::string_view> present;
  for (const Signal& signal : signals) {
    present.insert(signal.name);
    Memory& memory = memory_[signal.name];
    const bool stale = now - signal.at > signal.fresh;
    const Signal::State state = stale ? Signal::State::unknown : signal.state;
    if (state != Signal::State::unknown) memory.is_unknown = false;
    // Nobody was looking in between (the process stood still): what was clear before says nothing about then.
    if (signal.at - memory.read_at > signal.fresh) memory.is_clear = false;
    memory.read_at = signal.at;

    if (signal.kind == Signal::Kind::gauge) {
      if (state != Signal::State::unknown) {
        memory.gauge_bad = state == Signal::State::bad;
        memory.last_reason = signal.reason;
      }
      if (memory.gauge_bad) verdict.slowed_by.push_back(memory.last_reason);
      continue;
    }
    switch (state) {
      case Signal::State::bad:
        memory.held = true;
        memory.is_clear = false;
        memory.last_reason = signal.reason;
        break;
      case Signal::State::unknown: {
        memory.is_clear = false;  // clear means seen clear
        if (!memory.is_unknown) memory.unknown_since = now;
        memory.is_unknown = true;
        const auto lasting = std::chrono::duration_cast<std::chrono::milliseconds>(now - memory.unknown_since);
        if (!signal.required || lasting < grace) break;
        memory.held = true;
        const bool silent = stale && signal.state != Signal::State::unknown;
        memory.last_reason =
            (silent ? signal.name + " has not been read" : signal.reason) + " for " + show_duration(lasting);
        break;
      }
      case Signal::State::good:
        if (!memory.is_clear) memory.clear_since = now;
        memory.is_clear = true;
        if (now - memory.clear_since >= signal.clear) memory.held = false;
        break;
    }
    if (!memory.held) continue;
    verdict.reasons.push_back(memory.is_clear ? signal.name + " has been clear for " +
                                                    show_duration(std::chrono::duration_cast<std::chrono::milliseconds>(
                                                        now - memory.clear_since)) +
                                                    " of " + show_duration(signal.clear)
                                              : memory.last_reason);
    verdict.ends_when.push_back(signal.ends_when);
  }
  std::erase_if(memory_, [&](const auto& entry) { return !present.contains(entry.first); });
  return verdict;
}

}  // namespace switchback
