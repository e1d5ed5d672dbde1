/// The report of one plan, for who was not there.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "switchback/core/evidence.hpp"
#include "switchback/engine/journal.hpp"

namespace switchback::cli {

/// A time during which something was so.
struct ReportSpan {
  std::string what;  ///< a state, or "held: " and the kind
  Instant from;
  Instant to;
  bool hold = false;
};

struct PlanReport {
  engine::PlanRecord plan;
  std::vector<engine::EventRecord> events;
  std::vector<ReportSpan> states;  ///< in the order in which they were passed
  std::vector<ReportSpan> holds;
  std::size_t breaks = 0;  ///< of the whole history's chain
  std::string head;        ///< its newest hash; empty: there is none
  Instant at;              ///< when it was written
};

/// The spans that the events tell of; what still lasts ends at `now`.
void add_spans(PlanReport& report, Instant now);

/// One row a state or kind of hold, in the order of their first time, against one axis of time. Standing alone: an
/// <svg> element with its name space.
std::string timeline_svg(const PlanReport& report);
/// One page that needs nothing else; the picture is in it.
std::string report_html(const PlanReport& report);
/// `picture`: the file name of the picture, beside it.
std::string report_markdown(const PlanReport& report, const std::string& picture);

}  // namespace switchback::cli
