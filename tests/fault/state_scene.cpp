#include "state_scene.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <sstream>

#include "catch.hpp"
#include "schema_fingerprint.hpp"
#include "server.hpp"

namespace switchback::tests {
namespace {

using namespace std::chrono_literals;

constexpr int rows = 1200;
constexpr int shares = 150;  ///< of the ids; each writer gets one that nobody had before, so that its rows are known

// --- the table of transitions ------------------------------------------------------------------------------------

/// Turning back, and what follows from it.
bool leads_back(const Transition& row) {
  if (row.on == Event::turn_back) return true;
  return std::ranges::any_of(
      transitions, [&](const Transition& other) { return other.on == Event::turn_back && other.to == row.from; });
}

std::vector<State> way(State from, State to, bool back) {
  std::map<State, State> before{{from, from}};
  for (std::deque<State> next{from}; !next.empty(); next.pop_front())
    for (const Transition& row : transitions)
      if (row.from == next.front() && leads_back(row) == back && before.try_emplace(row.to, row.from).second)
        next.push_back(row.to);
  if (from == to || !before.contains(to)) return {};
  std::vector<State> states{to};
  while (states.back() != from) states.push_back(before.at(states.back()));
  std::ranges::reverse(states);
  return states;
}

// --- the scene ---------------------------------------------------------------------------------------------------

constexpr const char* belongings = R"sql(
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'walk_owner') THEN CREATE ROLE walk_owner; CREATE ROLE walk_reader; END IF;
END $$;
CREATE TABLE teams (id int PRIMARY KEY, name text);
INSERT INTO teams VALUES (1, 'red'), (2, 'green'), (3, 'blue');
ALTER TABLE users ADD COLUMN team_id int DEFAULT 1 CONSTRAINT users_team REFERENCES teams, ADD COLUMN phone text NOT NULL DEFAULT '-',
  ADD COLUMN ticket serial,
  ADD CONSTRAINT users_name_given CHECK (full_name <> ''), ADD CONSTRAINT users_email_real CHECK (email <> 'none'),
  ALTER full_name SET STATISTICS 321, ALTER full_name SET STORAGE EXTERNAL, ALTER full_name SET (n_distinct = -0.5);
UPDATE users SET ticket = id, team_id = 1 + id % 3, phone = 'p' || id;
CREATE INDEX users_lower_idx ON users (lower(full_name), email) WITH (fillfactor = 80);
ALTER INDEX users_lower_idx ALTER COLUMN 1 SET STATISTICS 222;
CREATE INDEX users_email_idx ON users (email) WHERE email IS NOT NULL;
CREATE STATISTICS users_stat ON full_name, email FROM users;
ALTER STATISTICS users_stat SET STATISTICS 111;
CREATE TABLE user_notes (id bigint PRIMARY KEY, user_id bigint CONSTRAINT notes_user REFERENCES users ON DELETE CASCADE);
INSERT INTO user_notes SELECT i, i FROM generate_series(1, 500) i;
CREATE VIEW user_names WITH (security_barrier) AS SELECT id, full_name FROM users;
COMMENT ON TABLE users IS 'whom we sell to';
COMMENT ON COLUMN users.full_name IS 'first and last';
COMMENT ON COLUMN users.team_id IS 'where one plays';
COMMENT ON SEQUENCE users_ticket_seq IS 'as in the shop';
COMMENT ON INDEX users_lower_idx IS 'for the search';
COMMENT ON INDEX users_email_idx IS 'for the newsletter';
COMMENT ON CONSTRAINT users_name_given ON users IS 'no empty names';
COMMENT ON CONSTRAINT users_email_real ON users IS 'no empty mail';
COMMENT ON STATISTICS users_stat IS 'they go together';
COMMENT ON VIEW user_names IS 'for the report';
COMMENT ON COLUMN user_names.full_name IS 'as in users';
ALTER TABLE users OWNER TO walk_owner;
ALTER VIEW user_names OWNER TO walk_owner;
ALTER STATISTICS users_stat OWNER TO walk_owner;
GRANT SELECT ON users, user_names TO walk_reader;
GRANT SELECT (full_name), UPDATE (full_name) ON users TO walk_reader WITH GRANT OPTION;
GRANT UPDATE (team_id) ON users TO PUBLIC;
GRANT USAGE ON SEQUENCE users_ticket_seq TO walk_reader;
GRANT SELECT (full_name) ON user_names TO PUBLIC;
ANALYZE users)sql";

constexpr const char* head = R"(plan: split
images: { before: shop:v41, after: shop:v42 }
expand:
)";

constexpr const char* additions = R"yaml(  - drop_not_null: { table: users, column: phone }
  - set_default: { table: users, column: email, default: "'unknown'" }
  - create_index: { table: users, columns: [phone], name: users_phone_idx }
  - sql: { run: "CREATE TABLE user_marks (id bigint)", undo: "DROP TABLE user_marks" }
)yaml";

constexpr const char* new_side = R"(  - add_column: { table: users, name: first_name, type: text }
  - add_column: { table: users, name: last_name, type: text }
)";

constexpr const char* migrate = R"(migrate:
  - backfill:
      table: users
      set:
        first_name: split_part(full_name, ' ', 1)
        last_name: nullif(substr(full_name, strpos(full_name, ' ') + 1), full_name)
      reverse:
        full_name: concat_ws(' ', first_name, last_name)
  - create_index: { table: users, columns: [last_name], name: users_last_name_idx }
  - sql: { run: "COMMENT ON COLUMN users.first_name IS 'given'", undo: "COMMENT ON COLUMN users.first_name IS NULL" }
  - verify: { table: users, check: first_name IS NOT NULL }
)";

constexpr const char* contract = R"(contract:
  observe: 1s
  soak: 0s
  archive: 30d
  allow_silent: [users_full_name_idx, users_lower_idx, users_name_given, users_stat, users_team, users_ticket_seq]
  steps:
    - set_not_null: { table: users, column: first_name }
    - drop_view: { name: user_names }
    - drop_index: { name: users_email_idx }
    - drop_constraint: { table: users, name: users_email_real }
    - drop_column: { table: users, name: full_name }
    - drop_column: { table: users, name: team_id, born_since: "1" }
    - drop_column: { table: users, name: ticket }
)";

std::string plan_text(Takes takes) {
  std::string text = head;
  if (takes == Takes::nothing) return text + additions;
  text += new_side;
  text += additions;
  // Without sync the new image fills in no old name.
  if (takes == Takes::nothing_synced) text += "  - drop_not_null: { table: users, column: full_name }\n";
  text += migrate;
  return takes == Takes::columns ? text + contract : text;
}

bool works(ShopImage image, State state, Takes takes) {
  const bool takes_away = takes != Takes::nothing;
  const ImageSafety safety = image_safety(state, takes_away);
  if (image == ShopImage::v41) return safety.before == Safety::works;
  return safety.after != Safety::breaks && takes != Takes::nothing;
}

/// A runner that dies while it observes leaves its write probes where they are: the next one's evidence rests on them.
std::string without_probes(const std::string& apparatus) {
  std::istringstream lines(apparatus);
  std::string kept;
  for (std::string line; std::getline(lines, line);)
    if (line.find("function probe_") == std::string::npos && line.find("trigger ~switchback_0_") == std::string::npos)
      kept += line + "\n";
  return kept;
}

}  // namespace

std::vector<State> way_forward(State from, State to) {
  return way(from, to, false);
}

std::vector<State> way_back(State from, State to) {
  return way(from, to, true);
}

std::vector<Back> ways_back() {
  std::vector<Back> all;
  for (const StateFacts& from : state_table)
    for (const StateFacts& to : state_table) {
      const bool on_the_way_back = leads_back({from.state, Event::arrive, to.state});
      const bool earlier = on_the_way_back || !way_forward(to.state, from.state).empty();
      if (to.resting && earlier && !way_back(from.state, to.state).empty()) all.push_back({from.state, to.state});
    }
  return all;
}

std::string words(Back way) {
  return std::string(name(way.from)) + " to " + std::string(name(way.to));
}

StateScene::StateScene(Takes takes) : uri_(server().fresh_database()), takes_(takes) {
  make_users(uri_, rows);
  server().sql(uri_, belongings);
  for (std::int64_t id = 1; id <= rows; ++id)
    written_[id] = Traffic::Name{"First" + std::to_string(id), "Last" + std::to_string(id)};
  tool_ = std::make_unique<Tool>(uri_, Tool::default_configuration() + "environment: staging\n");
  tool_->plan(plan_text(takes));
  const auto made = tool_->run({"init"});
  INFO(made.err);
  REQUIRE(made.ok());
  compare();
}

StateScene::StateScene(const StateScene& other, std::string uri)
    : uri_(std::move(uri)),
      takes_(other.takes_),
      tool_(std::make_unique<Tool>(uri_, Tool::default_configuration() + "environment: staging\n")),
      seen_(other.seen_),
      shares_(other.shares_),
      written_(other.written_) {
  tool_->plan(plan_text(takes_));
}

std::unique_ptr<StateScene> StateScene::copy() const {
  static int copies = 0;
  const std::size_t slash = uri_.rfind('/') + 1;
  const std::string name = "copy_" + std::to_string(++copies);
  server().sql(server().uri(), "CREATE DATABASE " + name + " TEMPLATE " + uri_.substr(slash));
  return std::unique_ptr<StateScene>(new StateScene(*this, uri_.substr(0, slash) + name));
}

StateScene::~StateScene() {
  writing_.clear();
  // Hundreds of copies are many files.
  if (const std::size_t slash = uri_.rfind('/') + 1; uri_.substr(slash).starts_with("copy_")) {
    try {
      server().sql(server().uri(), "DROP DATABASE " + uri_.substr(slash) + " WITH (FORCE)");
    } catch (const std::exception&) {  // the server goes with the tests, and the database with it
    }
  }
}

State StateScene::state() const {
  return state_named(ask("SELECT coalesce((SELECT state FROM switchback.plan), 'planned')")).value();
}

std::string StateScene::ask(const std::string& sql) const {
  return server().sql(uri_, sql);
}

Words StateScene::forward(State to) const {
  return tool_->run_to(std::string(name(to)));
}

Words StateScene::back(State to) const {
  return {"rollback", "split", "--to", std::string(name(to)), "--yes"};
}

process::Outcome StateScene::run(const Words& words) const {
  return tool_->run(words);
}

void StateScene::go(const Words& words, State to) {
  process::Outcome outcome;
  eventually(60s, [&] {
    outcome = tool_->run(words);
    return outcome.exit_code != 7;  // a killed one's lease still runs
  });
  INFO(words.front() << " at " << name(state()) << "\n" << outcome.err);
  REQUIRE(outcome.exit_code == 0);
  REQUIRE(state() == to);
  stop_writing();
  write_along({to});
  stop_writing();
  compare();
}

bool StateScene::killed(const Words& words, const std::string& when, int number, bool before) const {
  process::Command command;
  const char* binary = std::getenv("SWITCHBACK_BINARY");
  command.argv = {binary ? binary : "switchback"};
  command.argv.insert(command.argv.end(), words.begin(), words.end());
  command.directory = tool_->folder();
  command.environment = {{"DATABASE_URL", uri_},
                         {"SWITCHBACK_ENVIRONMENT", std::nullopt},
                         {"SWITCHBACK_SCRATCH_NONE", "a test of something else"},
                         {"LD_PRELOAD", SWITCHBACK_KILL_AT_COMMIT},
                         {"KILL_WHEN", when},
                         {"KILL_NUMBER", std::to_string(number)},
                         {"KILL_SIDE", before ? "before" : "after"}};
  command.die_with_us = true;
  const process::Outcome outcome = process::run(command, 60s);
  INFO(words.front() << " ended with " << outcome.exit_code << " at " << name(state()) << "\n" << outcome.err);
  REQUIRE((outcome.exit_code == 0 || outcome.exit_code == 128 + SIGKILL));
  return outcome.exit_code != 0;
}

void StateScene::start(ShopImage image) {
  REQUIRE(shares_ < shares);
  writing_.push_back(std::make_unique<Traffic>(uri_, image, 1, rows, shares_, shares, static_cast<unsigned>(shares_)));
  ++shares_;
}

void StateScene::write_along(const std::vector<State>& way) {
  for (const ShopImage image : {ShopImage::v41, ShopImage::v42})
    if (std::ranges::all_of(way, [&](State state) { return works(image, state, takes_); })) start(image);
  for (const auto& one : writing_) REQUIRE(eventually(30s, [&] { return one->writes() >= 15; }));
}

void StateScene::stop_writing() {
  for (const auto& one : writing_) {
    one->stop();
    const auto failures = one->failures();
    INFO((failures.empty() ? "" : failures.front()));
    CHECK(failures.empty());
    for (const auto& [id, name] : one->acknowledged()) written_.insert_or_assign(id, name);
  }
  writing_.clear();
}

StateScene& Stations::at(State state) {
  for (const State next : {State::planned, State::expanded, State::migrated, State::hidden, State::contracted}) {
    if (stations_.contains(state)) break;
    if (stations_.contains(next)) continue;
    if (next != State::planned) {
      scene_.write_along(way_forward(scene_.state(), next));
      scene_.go(scene_.forward(next), next);
    }
    stations_[next] = scene_.copy();
  }
  return *stations_.at(state);
}

void StateScene::none_lost(ShopImage through) const {
  const auto lost = lost_writes(uri_, written_, through);
  INFO((through == ShopImage::v41 ? "the old side: " : "the new side: ") << lost.size() << " rows\n"
                                                                         << (lost.empty() ? "" : lost.front()));
  CHECK(lost.empty());
}

void StateScene::compare() {
  const State now = state() == State::planned ? State::rolled_back : state();
  CAPTURE(name(now));
  const std::string own = apparatus(uri_);
  const Seen found{schema_fingerprint(uri_), now == State::migrated ? without_probes(own) : own};
  const auto known = seen_.try_emplace(now, found).first;
  const std::string difference = fingerprint_difference(known->second.schema, found.schema) +
                                 fingerprint_difference(known->second.apparatus, found.apparatus);
  INFO(difference);
  CHECK(difference.empty());
  const bool old_side = works(ShopImage::v41, now, takes_) && now != State::done;
  const bool filled = takes_ != Takes::nothing && image_safety(now, true).after == Safety::works;
  if (old_side) none_lost(ShopImage::v41);
  if (filled) none_lost(ShopImage::v42);
  // What no image writes: as it was made, in rows that no writer had.
  CHECK(ask("SELECT count(*) FROM users WHERE (id - 1) % " + std::to_string(shares) + " >= " + std::to_string(shares_) +
            " AND (email <> id || '@example.org' OR phone <> 'p' || id" +
            (old_side ? " OR team_id <> 1 + id % 3 OR ticket <> id" : "") + ")") == "0");
}

}  // namespace switchback::tests
