/// What Alertmanager and Prometheus answer, read.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "switchback/core/alerts.hpp"

namespace switchback::http {

/// The alerts in an answer of Alertmanager's GET /api/v2/alerts. Error when it is none.
std::vector<FiringAlert> alerts_in(std::string_view body);

struct QueryOutcome {
  Signal::State state = Signal::State::unknown;
  std::string reason;  ///< the first sample and how many more, or why it says nothing
};
/// An answer of Prometheus's GET /api/v1/query, as its alerting rules see it: any sample is true, none is false. NaN, a
/// scalar, a warning and an error are unknown.
QueryOutcome outcome_in(std::string_view body);

}  // namespace switchback::http
