// What tables are like that the plan works on.
#include "lint_rules.hpp"
#include "switchback/core/units.hpp"

namespace switchback::linting {
namespace {

/// With the step that first works on it.
template <class Call>
void each_table(Looking& looking, Call call) {
  for (const auto& [name, place] : tables_of(looking.plan()))
    if (const LintTable* table = looking.table(name)) call(name, *table, place);
}
/// Those whose rows are moved.
template <class Call>
void each_filled(Looking& looking, Call call) {
  const std::set<TableName> filled = filled_tables(looking.plan());
  each_table(looking, [&](const TableName& name, const LintTable& table, const Place& place) {
    if (!filled.contains(name)) return;
    for (const Step& step : looking.plan().migrate)
      if (const TableName* of = table_of(step.action); of != nullptr && *of == name) return call(name, table, step);
    static_cast<void>(place);
  });
}

/// Below what the bench of the backfill has shown on two cores (README): an estimate that keeps its word.
constexpr double rows_per_second = 50'000;
/// Of WAL for a row beside its new version.
constexpr double wal_overhead = 400;

double wal_of(const LintTable& table) {
  const double rows = std::max(table.facts.rows_estimate, 1.0);
  return rows * (wal_overhead + static_cast<double>(table.facts.bytes) / rows);
}

void big_backfill(Looking& looking) {
  constexpr double big = 5'000'000;
  each_filled(looking, [&](const TableName& name, const LintTable& table, const Step& step) {
    if (table.facts.rows_estimate < big) return;
    const double speed = rows_per_second * (looking.settings().gentle ? 0.2 : looking.settings().workers);
    const std::chrono::seconds time(static_cast<std::int64_t>(table.facts.rows_estimate / speed));
    looking.say(looking.at(step, "table"),
                shown(name) + " has some " + show_count_short(table.facts.rows_estimate) + " rows in " +
                    show_bytes(table.total_bytes) + ": about " + show_duration(time) + " and " +
                    show_bytes(static_cast<std::int64_t>(wal_of(table))) +
                    " of WAL, when nothing holds it; replicas and archive get all of that",
                "`switchback drill` measures it on made rows; backfill.hours keeps it to the night");
  });
}

void wal_beyond_slots(Looking& looking) {
  const LintServer& server = looking.facts()->server;
  if (server.max_slot_wal < 0 || server.slots.empty()) return;
  each_filled(looking, [&](const TableName& name, const LintTable& table, const Step& step) {
    if (wal_of(table) < static_cast<double>(server.max_slot_wal)) return;
    looking.say(looking.at(step, "table"),
                "filling " + shown(name) + " writes some " + show_bytes(static_cast<std::int64_t>(wal_of(table))) +
                    " of WAL, and max_slot_wal_keep_size is " + show_bytes(server.max_slot_wal) +
                    ": a slot that stands "
                    "still meanwhile (" +
                    listed(server.slots) + ") is lost with its replica",
                "health.slots holds the backfill before that; see that what reads the slots is up");
  });
}

void autovacuum_off(Looking& looking) {
  each_filled(looking, [&](const TableName& name, const LintTable& table, const Step& step) {
    if (table.autovacuum && looking.facts()->server.autovacuum) return;
    looking.say(looking.at(step, "table"),
                "autovacuum does not look after " + shown(name) +
                    (table.autovacuum ? " (it is off on this server)" : " (it is off for the table)") +
                    ": what the backfill leaves behind stays, and every read of the table goes through it",
                "ALTER TABLE " + quoted(name) + " RESET (autovacuum_enabled), or see that something else vacuums it");
  });
}

void wraparound_near(Looking& looking) {
  each_filled(looking, [&](const TableName& name, const LintTable& table, const Step& step) {
    if (table.frozen_share < 0.8) return;
    looking.say(looking.at(step, "table"),
                "the oldest row of " + shown(name) + " has " +
                    std::to_string(static_cast<int>(table.frozen_share * 100)) +
                    " % of the age at which PostgreSQL freezes the table, whatever else runs: the backfill slows down "
                    "to let it",
                "VACUUM (FREEZE) " + quoted(name) + " beforehand");
  });
}

void single_worker_walk(Looking& looking) {
  if (looking.settings().workers < 2) return;
  const bool old = looking.facts()->server.version < 140000;
  each_filled(looking, [&](const TableName& name, const LintTable& table, const Step& step) {
    if (!old && table.heap) return;
    looking.say(looking.at(step, "table"),
                std::string(old ? "on PostgreSQL 13" : "where a table is no heap") + " the backfill of " + shown(name) +
                    " follows the key with one worker: the " + std::to_string(looking.settings().workers) +
                    " that are set are not used",
                "reckon with one worker's time");
  });
}

void needless_gentle(Looking& looking) {
  constexpr double small = 100'000;
  if (!looking.settings().gentle) return;
  each_filled(looking, [&](const TableName& name, const LintTable& table, const Step& step) {
    if (!table.analysed || table.facts.rows_estimate > small) return;
    looking.say(looking.at(step, "table"),
                shown(name) + " has some " + show_count_short(table.facts.rows_estimate) +
                    " rows: a backfill at full speed is over in seconds, a gentle one keeps sync and its cost on the "
                    "table several times as long",
                "leave backfill.gentle to tables of millions of rows");
  });
}

void no_replica_identity(Looking& looking) {
  each_filled(looking, [&](const TableName& name, const LintTable& table, const Step& step) {
    if (table.identified || table.updates_published.empty()) return;
    looking.say(looking.at(step, "table"),
                shown(name) + " publishes its updates (" + listed(table.updates_published) +
                    ") and has no replica identity: every UPDATE fails with 55000, the backfill's too",
                "ALTER TABLE " + quoted(name) + " REPLICA IDENTITY USING INDEX …, or give it a primary key");
  });
}

void subscriber_not_ready(Looking& looking) {
  const auto checked = [&](const std::string& name) { return contains(looking.plan().external_checked, name); };
  std::vector<std::string> slots = looking.facts()->server.logical_slots;
  std::erase_if(slots, checked);
  if (slots.empty()) return;
  std::set<TableName> said;
  looking.each<AddColumn>([&](const Step& step, const AddColumn& add) {
    const LintTable* table = looking.table(add.table);
    if (table == nullptr || said.contains(add.table)) return;
    std::vector<std::string> publications = table->columns_published;
    std::erase_if(publications, checked);
    if (publications.empty()) return;
    said.insert(add.table);
    looking.say(looking.at(step, "table"),
                shown(add.table) + " is published by " + listed(publications) +
                    " with every column it gets, read through " + listed(slots) +
                    ": a subscriber without the column stops, and expand waits until the plan says "
                    "that it has it",
                "add the column at the subscribers first, then external: { checked: [" + listed(publications) + "] }");
  });
}

void invalid_index(Looking& looking) {
  each_table(looking, [&](const TableName& name, const LintTable& table, const Place& place) {
    for (const IndexFacts& index : table.facts.indexes)
      if (!index.valid)
        looking.say(place,
                    "the index " + index.name.name + " of " + shown(name) +
                        " is invalid, left by a build that failed: no query uses it, every write maintains it",
                    "REINDEX INDEX CONCURRENTLY " + quoted(index.name) + ", or drop it");
  });
}

void positional_insert(Looking& looking) {
  std::set<std::pair<TableName, std::string>> said;
  for (const Step& step : looking.plan().contract.steps) {
    const auto* drop = std::get_if<DropColumn>(&step.action);
    const auto* replace = std::get_if<ReplaceColumn>(&step.action);
    if (drop == nullptr && replace == nullptr) continue;
    const TableName& table = drop != nullptr ? drop->table : replace->table;
    for (const LintImage& image : looking.facts()->images)
      for (const TableUse& use : image.footprint.tables)
        if (use.table == table && (use.insert == InsertForm::positional || use.insert == InsertForm::copy) &&
            said.emplace(table, image.name).second)
          looking.say(step.place,
                      "the image " + image.name + " inserts into " + shown(table) +
                          " without naming columns: what goes shifts its values into other columns, and the contract "
                          "holds while it may still have to run",
                      "name the columns in its INSERT or COPY, and deploy that first");
  }
}

void prepared_star(Looking& looking) {
  std::set<std::pair<TableName, std::string>> said;
  looking.each<AddColumn>([&](const Step& step, const AddColumn& add) {
    for (const LintImage& image : looking.facts()->images) {
      if (!image.footprint.prepares_star || image.footprint.star_tolerated) continue;
      const bool uses =
          std::ranges::any_of(image.footprint.tables, [&](const TableUse& use) { return use.table == add.table; });
      if (uses && said.emplace(add.table, image.name).second)
        looking.say(step.place,
                    "the image " + image.name + " keeps SELECT * of " + shown(add.table) +
                        " prepared: each fails once when a column is added (cached plan must not change result type), "
                        "and expand waits for that image",
                    "let it name its columns; where it tries again by itself, star: tolerated in its manifest");
    }
  });
}

constexpr Check checks[] = {
    {{"big-backfill", LintSeverity::note, "how long a backfill takes, and how much WAL it writes", true}, big_backfill},
    {{"wal-beyond-slots", LintSeverity::warning, "a backfill writes more WAL than a slot that stands still may keep",
      true},
     wal_beyond_slots},
    {{"autovacuum-off", LintSeverity::warning, "nothing vacuums a table whose rows are all written", true},
     autovacuum_off},
    {{"wraparound-near", LintSeverity::warning, "a table is about to be frozen against wraparound", true},
     wraparound_near},
    {{"single-worker-walk", LintSeverity::warning, "several workers are set where only one can be used", true},
     single_worker_walk},
    {{"needless-gentle", LintSeverity::note, "a small table is filled gently", true}, needless_gentle},
    {{"no-replica-identity", LintSeverity::error, "updates are published of a table without replica identity", true},
     no_replica_identity},
    {{"subscriber-not-ready", LintSeverity::error, "a logical subscriber does not have the new column", true},
     subscriber_not_ready},
    {{"invalid-index", LintSeverity::warning, "a table has an index that a failed build left", true}, invalid_index},
    {{"positional-insert", LintSeverity::warning, "an image inserts by position into a table that loses a column",
      true},
     positional_insert},
    {{"prepared-star", LintSeverity::warning, "an image keeps SELECT * prepared of a table that gets a column", true},
     prepared_star},
};

}  // namespace

std::span<const Check> table_checks() {
  return checks;
}

}  // namespace switchback::linting
