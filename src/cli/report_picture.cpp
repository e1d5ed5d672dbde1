#include <algorithm>
#include <cmath>

#include "report_text.hpp"
#include "switchback/cli/render.hpp"
#include "switchback/cli/report.hpp"
#include "switchback/core/state.hpp"
#include "switchback/core/units.hpp"

namespace switchback::cli {
namespace {

// Pixels.
constexpr int label_width = 130;
constexpr int axis_width = 640;
constexpr int duration_width = 150;
constexpr int row_height = 22;
constexpr int bar_height = 12;
constexpr int top = 8;
constexpr double least_width = 2;

/// Colours that keep their order of brightness for people who do not tell red from green.
std::string colour_of(const ReportSpan& span) {
  if (span.hold) return "#c2571a";
  const auto state = state_named(span.what);
  if (!state) return "#888888";
  switch (*state) {
    case State::planned:
    case State::rolled_back:
      return "#9aa3ad";
    case State::expanded:
    case State::migrated:
      return "#2f7d4f";
    case State::hidden:
    case State::contracted:
    case State::done:
      return "#1d4e89";
    case State::expanding:
    case State::migrating:
    case State::hiding:
    case State::contracting:
      return "#6fa8dc";
    case State::unhiding:
    case State::restoring:
    case State::rolling_back:
      return "#b48ead";
  }
  return "#888888";
}

struct Row {
  std::string label;
  std::vector<ReportSpan> spans;
};

std::vector<Row> rows_of(const PlanReport& report) {
  std::vector<Row> rows;
  for (const auto* spans : {&report.states, &report.holds})
    for (const ReportSpan& span : *spans) {
      const auto known = std::ranges::find(rows, span.what, &Row::label);
      if (known == rows.end())
        rows.push_back({span.what, {span}});
      else
        known->spans.push_back(span);
    }
  return rows;
}

std::string number(double value) {
  const auto tenths = std::llround(value * 10);
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10);
}

std::string text_at(double x, double y, const std::string& text, const char* more = "") {
  return "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\"" + more + ">" + escaped(text) + "</text>\n";
}

}  // namespace

std::string timeline_svg(const PlanReport& report) {
  const std::vector<Row> rows = rows_of(report);
  const int width = label_width + axis_width + duration_width;
  const int height = top + static_cast<int>(rows.size()) * row_height + 30;
  std::string svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + std::to_string(width) + " " +
                    std::to_string(height) + "\" width=\"" + std::to_string(width) + "\" height=\"" +
                    std::to_string(height) + "\" role=\"img\" font-family=\"sans-serif\" font-size=\"12\">\n<title>" +
                    escaped("When " + report.plan.name + " was in which state") + "</title>\n";
  if (report.states.empty()) return svg + "</svg>\n";
  const Instant first = report.states.front().from;
  const double whole = std::max(1.0, static_cast<double>((report.states.back().to - first).count()));
  const auto x_of = [&](Instant at) {
    return label_width + axis_width * std::clamp(static_cast<double>((at - first).count()) / whole, 0.0, 1.0);
  };
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const double y = top + static_cast<double>(i) * row_height;
    std::chrono::milliseconds all{0};
    svg += text_at(label_width - 8, y + bar_height, rows[i].label, " text-anchor=\"end\" fill=\"#333\"");
    svg += "<rect x=\"" + std::to_string(label_width) + "\" y=\"" + number(y + bar_height / 2.0 + 1) + "\" width=\"" +
           std::to_string(axis_width) + "\" height=\"1\" fill=\"#e4e4e4\"/>\n";
    for (const ReportSpan& span : rows[i].spans) {
      all += span.to - span.from;
      const double x = std::min(x_of(span.from), label_width + axis_width - least_width);
      svg += "<rect x=\"" + number(x) + "\" y=\"" + number(y + 2) + "\" width=\"" +
             number(std::max(least_width, x_of(span.to) - x)) + "\" height=\"" + std::to_string(bar_height) +
             "\" fill=\"" + colour_of(span) + "\"><title>" +
             escaped(span.what + ", " + show_iso(span.from) + " to " + show_iso(span.to)) + "</title></rect>\n";
    }
    svg += text_at(
        label_width + axis_width + 8, y + bar_height,
        show_duration(all) + (rows[i].spans.size() > 1 ? ", " + std::to_string(rows[i].spans.size()) + " times" : ""),
        " fill=\"#666\"");
  }
  const double y = top + static_cast<double>(rows.size()) * row_height + 16;
  svg += text_at(label_width, y, show_iso(first), " fill=\"#666\"");
  svg += text_at(label_width + axis_width, y, show_iso(report.states.back().to), " text-anchor=\"end\" fill=\"#666\"");
  return svg + "</svg>\n";
}

}  // namespace switchback::cli
