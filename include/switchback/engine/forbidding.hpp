/// Texts of plans that must not be run again.
#pragma once

#include <optional>
#include <string>

#include "switchback/core/plan.hpp"
#include "switchback/engine/journal.hpp"

namespace switchback::engine {

struct Forbidden {
  std::string hash;  ///< of the text, its first 12 digits at least
  std::string plan;  ///< its name, where it is known
};

/// `what`: a plan of the journal, whose text it is, or the first 12 to 64 digits of a text's sha256. On record.
/// Error(Exit::invalid) when it is neither.
Forbidden forbid(ports::Session& session, const Actor& actor, std::string_view what, std::string_view reason);
/// Takes it back, on record. Error(Exit::invalid) when it is not forbidden.
Forbidden lift(ports::Session& session, const Actor& actor, std::string_view what, std::string_view reason);

/// Error(Exit::refused) that says who forbade it and why.
void refuse_forbidden(ports::Session& session, const Plan& plan);

}  // namespace switchback::engine
