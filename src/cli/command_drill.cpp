#include <charconv>
#include <random>

#include "command.hpp"
#include "private_file.hpp"
#include "progress_view.hpp"
#include "render_drill.hpp"
#include "switchback/daemon/drill.hpp"

namespace switchback::cli {
namespace {

struct DrillOptions {
  std::string plan;
  std::string schema;
  std::string seed_sql;
  std::int64_t rows = 500;
  std::optional<std::uint64_t> seed;
  std::string server;
  bool replica = false;
  bool quick = false;
  bool first = false;
  std::vector<std::string> sizes;
  std::string junit;
  std::string report;
};

/// "users=43M" is 43 million rows.
std::map<std::string, double> sizes_of(const std::vector<std::string>& all) {
  std::map<std::string, double> sizes;
  for (const std::string& one : all) {
    const std::size_t at = one.find('=');
    double rows = 0;
    const char* end = one.data() + one.size();
    const auto [rest, error] = at == std::string::npos ? std::from_chars_result{end, std::errc::invalid_argument}
                                                       : std::from_chars(one.data() + at + 1, end, rows);
    const std::string unit(rest, end);
    const double factor = unit == "k" ? 1e3 : unit == "M" ? 1e6 : unit == "G" ? 1e9 : 1;
    if (error != std::errc{} || rows < 0 || (factor == 1 && !unit.empty()))
      throw usage_error("--sizes takes TABLE=ROWS, not '" + one + "'", "--sizes users=43M --sizes orders=120000");
    sizes[one.substr(0, at)] = rows * factor;
  }
  return sizes;
}

/// A database is named by a setting or a flag, or by what libpq looks at.
bool has_target(Invocation& invocation) {
  if (!invocation.settings().database.empty()) return true;
  for (const char* name : {"DATABASE_URL", "PGHOST", "PGSERVICE", "PGDATABASE"})
    if (const char* value = std::getenv(name); value != nullptr && *value != '\0') return true;
  return false;
}

daemon::DrillRequest request_for(Invocation& invocation, const DrillOptions& options) {
  if (options.rows < 8 || options.rows > 1'000'000)
    throw usage_error("--rows takes 8 to 1000000", "switchback drill --help");
  daemon::DrillRequest request;
  request.settings = invocation.given_settings();
  request.actor = invocation.actor();
  request.schema_file = options.schema == "none" ? "" : options.schema;
  request.schema = options.schema == "none"  ? daemon::DrillRequest::Schema::none
                   : !options.schema.empty() ? daemon::DrillRequest::Schema::file
                                             : daemon::DrillRequest::Schema::target;
  if (request.schema == daemon::DrillRequest::Schema::target && !has_target(invocation))
    throw usage_error("a drill needs a schema: there is no database to take it from",
                      "-d URI, DATABASE_URL, or --schema FILE.sql; --schema none with --seed-sql makes one");
  request.seed_file = options.seed_sql;
  request.rows = options.rows;
  request.seed = options.seed.value_or(std::random_device{}() % 1'000'000);
  request.server = options.server;
  request.replica = options.replica || !options.quick;
  request.faults = !options.quick;
  request.first_only = options.first;
  request.sizes = sizes_of(options.sizes);
  return request;
}

int drill(Invocation& invocation, const DrillOptions& options) {
  const Plan plan = invocation.plan_from(options.plan);
  daemon::DrillRequest request = request_for(invocation, options);
  if (!invocation.json()) {
    request.on_case = [&](const DrillCase& one) { invocation.detail(drill_case_text(one, invocation.err())); };
    request.say = [&](std::string_view line) { invocation.say(line); };
  }
  const daemon::DrillOutcome outcome = daemon::drill_plan(plan, request);
  const DrillReport& report = outcome.report;
  if (outcome.signal != 0) {
    invocation.say("interrupted; what was made for the drill is gone");
    return 128 + outcome.signal;
  }
  if (!options.junit.empty()) write_private_file(options.junit, drill_junit(report));
  if (!options.report.empty()) write_private_file(options.report, drill_markdown(report));
  invocation.data(invocation.json() ? drill_json(report) : drill_text(report, invocation.out()));
  if (!report.passed()) {
    invocation.say("next: mend the step that is named, then drill again with --seed " + std::to_string(report.seed));
    return static_cast<int>(Exit::failed);
  }
  if (options.schema.empty() && daemon::record_drill(report, request))
    invocation.say("on record in the target's history, for sha256:" + report.hash.substr(0, 12));
  invocation.say("next: switchback run " + plan.file);
  return 0;
}

}  // namespace

void add_drill(CLI::App& app, Action& chosen) {
  CLI::App* command = add_command(
      app, "drill",
      {"Rehearse a plan on a throwaway server, with the schema of the database and rows made for it: forward, back and "
       "forward again at every boundary while both images write, with the runner killed at every step, the server "
       "restarted and the replica paused in the middle of the backfill. Schema and rows are compared at each stop.",
       "switchback drill plans/split-full-name.yaml\n"
       "switchback drill plan.yaml --schema schema.sql --seed-sql rows.sql --sizes users=43M\n"
       "switchback drill plan.yaml --quick --junit drill.xml --report drill.md",
       "exit 0: run it. Exit 1: a fault was found, and the step that has it is named.\n"
       "drill: { required: 7d } in switchback.yaml or in a plan lets no text run that was not drilled."});
  auto options = std::make_shared<DrillOptions>();
  command->add_option("PLAN", options->plan, "the plan file")->type_name("")->required();
  command
      ->add_option("--schema", options->schema, "SQL file with the schema, or none; left out: pg_dump of the database")
      ->type_name("FILE");
  command
      ->add_option("--seed-sql", options->seed_sql, "SQL file that makes rows; empty tables get made ones all the same")
      ->type_name("FILE");
  command->add_option("--rows", options->rows, "how many rows an empty table gets (500)")->type_name("N");
  command->add_option("--seed", options->seed, "the same rows again: the number that a drill printed")->type_name("N");
  command
      ->add_option("--server", options->server, "a scratch server instead of a throwaway one; its role needs CREATEDB")
      ->type_name("URI");
  command->add_flag("--replica", options->replica, "a throwaway server with a replica, also with --quick");
  command->add_flag("--quick", options->quick, "boundaries only: no kills, no restart, no paused replica");
  command->add_flag("--first", options->first, "end at the first finding");
  command->add_option("--sizes", options->sizes, "rows of a table where the database is not asked: TABLE=ROWS (43M)")
      ->type_name("TABLE=ROWS")
      ->expected(1)
      ->take_all();
  command->add_option("--junit", options->junit, "write a test case for each thing that was tried")->type_name("FILE");
  command->add_option("--report", options->report, "write a report in Markdown, for a reviewer")->type_name("FILE");
  on_call(command, chosen, options, drill);
}

}  // namespace switchback::cli
