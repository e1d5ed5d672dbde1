#include "switchback/core/replay.hpp"

namespace switchback {

std::string_view name(ReplayOutcome outcome) {
  switch (outcome) {
    case ReplayOutcome::ok:
      return "ok";
    case ReplayOutcome::shape:
      return "other result";
    case ReplayOutcome::unknown:
      return "unknown";
    case ReplayOutcome::breaks:
      return "breaks";
  }
  return "unknown";
}

ReplayOutcome joined(TextWord text, ReplayWord server) {
  if (text == TextWord::uses || server == ReplayWord::refused) return ReplayOutcome::breaks;
  if (text == TextWord::unclear) return ReplayOutcome::unknown;
  if (text == TextWord::star || server == ReplayWord::shape) return ReplayOutcome::shape;
  return ReplayOutcome::ok;
}

}  // namespace switchback
