/// The JSON columns of switchback.plan, as records. Private to the engine.
#pragma once

#include <optional>
#include <string>

#include "switchback/engine/journal.hpp"

namespace switchback::engine {

struct StoredHold {
  Hold hold;
  std::string since;
};
std::optional<StoredHold> hold_from_json(const ports::Value& text);
std::string hold_to_json(const Hold& hold, const std::string& since);
std::optional<Pause> pause_from_json(const ports::Value& text);
std::optional<Progress> progress_from_json(const ports::Value& text);
std::string progress_to_json(const Progress& progress);

/// SQL that shows a timestamptz as ISO 8601 in UTC, to the second.
std::string iso(const std::string& expression);

}  // namespace switchback::engine
