/// What each source of usage evidence is worth, for people: `usage` and the README say it in the same words.
#pragma once

#include <span>
#include <string_view>

namespace switchback {

struct EvidenceSource {
  std::string_view name;  ///< as in Observation::source
  std::string_view sees;
  std::string_view cut_by;  ///< what cuts its coverage; empty: it looks at the present
  std::string_view cannot_see;
  std::string_view needs;  ///< what to configure or GRANT; may be empty
};

std::span<const EvidenceSource> evidence_sources();
/// Nothing for a name that is none.
const EvidenceSource* evidence_source(std::string_view name);

}  // namespace switchback
