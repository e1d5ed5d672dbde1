#include "catch.hpp"
#include "switchback/cli/render.hpp"
#include "switchback/cli/report.hpp"

using namespace switchback;
using namespace switchback::cli;

namespace {

engine::EventRecord event(const std::string& at, const std::string& kind, const std::string& to = "",
                          const std::string& reason = "", const std::string& detail = "{}") {
  engine::EventRecord record;
  record.at = "2026-01-31T" + at + "Z";
  record.kind = kind;
  record.to = to;
  record.reason = reason;
  record.detail = detail;
  record.role = "shop";
  return record;
}

PlanReport report() {
  PlanReport made;
  made.plan.name = "split";
  made.plan.text = "plan: split\n";
  made.events = {event("02:00:00.000", "registered", "planned"),
                 event("02:00:01.000", "state", "expanding"),
                 event("02:00:02.000", "hold", "expanding", "a <b>lock</b> | is taken", R"({"kind": "lock"})"),
                 event("02:00:03.000", "hold", "expanding", "still", R"({"kind": "lock"})"),
                 event("02:00:05.000", "hold_ended", "expanding"),
                 event("02:00:06.000", "state", "expanded")};
  made.at = *parse_iso("2026-01-31T02:00:10Z");
  add_spans(made, made.at);
  return made;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a report knows when a plan was in which state, and for how long it was held by what", "[report]") {
  const PlanReport made = report();
  REQUIRE(made.states.size() == 3);
  CHECK(made.states[1].what == "expanding");
  CHECK(made.states[1].to - made.states[1].from == std::chrono::seconds(5));
  CHECK(made.states[2].to == made.at);
  REQUIRE(made.holds.size() == 1);
  CHECK(made.holds[0].what == "held: lock");
  CHECK(made.holds[0].to - made.holds[0].from == std::chrono::seconds(3));
  CHECK(has(report_markdown(made, "x.svg"), "| Held for | 3 s in all, 1 times |"));
}

TEST_CASE("nothing that a report quotes is markup", "[report]") {
  const PlanReport made = report();
  CHECK(has(report_html(made), "a &lt;b&gt;lock&lt;/b&gt; | is taken"));
  CHECK(has(report_markdown(made, "x.svg"), "a &lt;b&gt;lock&lt;/b&gt; \\| is taken"));
  PlanReport nasty = made;
  nasty.plan.name = "</title><script>";
  nasty.plan.text = "```\n</pre><script>\n";
  CHECK_FALSE(has(report_html(nasty), "<script>"));
  CHECK_FALSE(has(timeline_svg(nasty), "<script>"));
  CHECK(has(report_markdown(nasty, "x.svg"), "\n````yaml\n"));
}

TEST_CASE("the shortest time is still to be seen in a report's picture, and inside of it", "[report]") {
  PlanReport made = report();
  made.states.back().to += std::chrono::hours(24 * 365);
  const std::string svg = timeline_svg(made);
  CHECK(has(svg, "width=\"2.0\""));
  CHECK(has(svg, ">expanding<"));
  PlanReport empty;
  CHECK(has(timeline_svg(empty), "</svg>"));
}
