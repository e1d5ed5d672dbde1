#include "switchback/core/lag.hpp"

#include <charconv>

namespace switchback {

void LagRing::record(Monotonic at, Lsn flushed) {
  // Only the first moment at which a position was reached matters, so an idle primary adds nothing but moves the end.
  if (samples_.size() >= 2 && samples_.back().flushed == flushed && samples_[samples_.size() - 2].flushed == flushed)
    samples_.back().at = at;
  else
    samples_.push_back({at, flushed});
  while (samples_.size() > 1 && samples_[1].at < at - keep_) samples_.pop_front();
}

std::optional<std::chrono::milliseconds> LagRing::lag(Monotonic now, Lsn replayed) const {
  if (samples_.empty()) return std::nullopt;
  if (replayed >= samples_.back().flushed) return std::chrono::milliseconds(0);
  for (const Sample& sample : samples_)
    if (sample.flushed > replayed) return std::chrono::duration_cast<std::chrono::milliseconds>(now - sample.at);
  return std::chrono::milliseconds(0);
}

std::optional<Lsn> parse_lsn(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto hex = [](std::string_view part) -> std::optional<Lsn> {
    Lsn value = 0;
    if (part.empty() || part.size() > 8) return std::nullopt;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value, 16);
    if (error != std::errc{} || end != part.data() + part.size()) return std::nullopt;
    return value;
  };
  const auto high = hex(text.substr(0, slash));
  const auto low = hex(text.substr(slash + 1));
  if (!high || !low) return std::nullopt;
  return (*high << 32U) | *low;
}

}  // namespace switchback
