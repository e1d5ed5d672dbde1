// Steps of plain SQL: locks, what cannot be taken back, what has a step of its own.
#include "lint_rules.hpp"

namespace switchback::linting {
namespace {

/// Each statement of `run`, with its place.
template <class Call>
void each_statement(Looking& looking, Call call) {
  looking.each<Sql>([&](const Step& step, const Sql& sql) {
    for (const SqlStatement& statement : looking.statements(sql.run)) call(step, sql, statement);
  });
}

std::string on(const SqlStatement& statement) {
  std::vector<std::string> names;
  for (const TableName& table : statement.tables) names.push_back(shown(table));
  return names.empty() ? statement.words : statement.words + " of " + listed(names);
}

void sql_long_lock(Looking& looking) {
  each_statement(looking, [&](const Step& step, const Sql&, const SqlStatement& one) {
    if (one.long_lock && !one.builds_index)
      looking.say(looking.at(step, "run"),
                  on(one) +
                      " reads or rewrites the whole table under a lock that keeps writers out, and mostly "
                      "readers too, for as long as that takes",
                  one.step.empty() ? "look for a form that only changes the catalog, NOT VALID and VALIDATE for one"
                                   : "the step " + one.step + " does it without");
  });
}

void sql_builds_index(Looking& looking) {
  each_statement(looking, [&](const Step& step, const Sql&, const SqlStatement& one) {
    if (one.builds_index)
      looking.say(looking.at(step, "run"), on(one) + " keeps writers out for as long as it builds",
                  "create_index under migrate builds it concurrently, and clears away what a failed build left");
  });
}

void sql_outside_transaction(Looking& looking) {
  each_statement(looking, [&](const Step& step, const Sql&, const SqlStatement& one) {
    if (one.outside_transactions)
      looking.say(looking.at(step, "run"),
                  one.words + " cannot run in a transaction, and every sql step runs in one (25001)",
                  one.step.empty() ? "run it by hand, before or after the plan" : "the step " + one.step + " does it");
  });
}

void sql_many_locks(Looking& looking) {
  looking.each<Sql>([&](const Step& step, const Sql& sql) {
    std::vector<std::string> names;
    for (const SqlStatement& one : looking.statements(sql.run))
      for (const TableName& table : one.tables)
        if (one.keeps_writers_out && !contains(names, shown(table))) names.push_back(shown(table));
    if (names.size() > 1)
      looking.say(looking.at(step, "run"),
                  "one transaction locks " + listed(names) +
                      ", one after another: the first is kept from everybody while it waits for the next, and whoever "
                      "takes them in another order deadlocks with it",
                  "a step for each table lets go in between");
  });
}

void sql_every_row(Looking& looking) {
  each_statement(looking, [&](const Step& step, const Sql&, const SqlStatement& one) {
    if (one.every_row)
      looking.say(looking.at(step, "run"),
                  on(one) +
                      " touches every row in one transaction: all of them are locked until it ends, replicas fall "
                      "behind, and the table doubles",
                  "backfill and fix work in small batches that follow the replicas");
  });
}

void sql_by_position(Looking& looking) {
  each_statement(looking, [&](const Step& step, const Sql&, const SqlStatement& one) {
    if (one.by_position)
      looking.say(looking.at(step, "run"),
                  on(one) +
                      " names no columns: which value goes where depends on the columns of that moment, and this "
                      "or another plan changes them",
                  "name them: INSERT INTO t (a, b) …");
  });
}

void sql_cascade(Looking& looking) {
  each_statement(looking, [&](const Step& step, const Sql&, const SqlStatement& one) {
    if (one.cascade)
      looking.say(looking.at(step, "run"),
                  one.words +
                      " … CASCADE takes along whatever depends on it by then, and nothing of that can be "
                      "restored",
                  "the drop steps name what goes along (allow_silent), keep it, and refuse what they do not know");
  });
}

void sql_instead_of_step(Looking& looking) {
  each_statement(looking, [&](const Step& step, const Sql&, const SqlStatement& one) {
    if (!one.step.empty() && !one.cascade && !one.builds_index && !one.long_lock && !one.outside_transactions)
      looking.say(looking.at(step, "run"),
                  on(one) +
                      " as plain SQL is neither watched, nor hidden first, nor kept: it happens at once, and its "
                      "way back is only what undo says",
                  "the step " + one.step + " has all of that");
  });
}

void sql_sets_session(Looking& looking) {
  each_statement(looking, [&](const Step& step, const Sql&, const SqlStatement& one) {
    if (one.sets_session)
      looking.say(looking.at(step, "run"),
                  one.words + " outlives the step: the session that goes on with the plan keeps it",
                  "SET LOCAL ends with the step; lock_timeout is a key of the plan");
  });
}

void undo_does_nothing(Looking& looking) {
  looking.each<Sql>([&](const Step& step, const Sql& sql) {
    if (!sql.undo) return;
    const auto undo = looking.statements(*sql.undo);
    const auto run = looking.statements(sql.run);
    if (undo.empty() || run.empty() || std::ranges::all_of(run, &SqlStatement::only_reads)) return;
    if (std::ranges::all_of(undo, &SqlStatement::only_reads))
      looking.say(looking.at(step, "undo"),
                  "undo only reads: turning the plan back leaves what run did, and says that it was taken back",
                  "write what takes it back, or irreversible: reason");
  });
}

void undo_drops_what_was_there(Looking& looking) {
  looking.each<Sql>([&](const Step& step, const Sql& sql) {
    if (!sql.undo || !std::ranges::any_of(looking.statements(sql.run), &SqlStatement::lenient)) return;
    if (std::ranges::any_of(looking.statements(*sql.undo), &SqlStatement::drops))
      looking.say(looking.at(step, "undo"),
                  "run takes what is there already for its own (IF NOT EXISTS, OR REPLACE), and undo drops it: what "
                  "was there before the plan is gone",
                  "let run fail where it is there already: leave IF NOT EXISTS or OR REPLACE out");
  });
}

constexpr Check checks[] = {
    {{"sql-long-lock", LintSeverity::error, "a statement reads or rewrites a table under a strong lock"},
     sql_long_lock},
    {{"sql-builds-index", LintSeverity::error, "CREATE INDEX without CONCURRENTLY"}, sql_builds_index},
    {{"sql-outside-transaction", LintSeverity::error, "a statement that cannot run in a transaction"},
     sql_outside_transaction},
    {{"sql-many-locks", LintSeverity::warning, "one transaction locks several tables"}, sql_many_locks},
    {{"sql-every-row", LintSeverity::warning, "one transaction writes every row of a table"}, sql_every_row},
    {{"sql-by-position", LintSeverity::warning, "INSERT without a list of columns"}, sql_by_position},
    {{"sql-cascade", LintSeverity::error, "CASCADE takes along what nobody has looked at"}, sql_cascade},
    {{"sql-instead-of-step", LintSeverity::warning, "plain SQL does what a step does with evidence, archive and undo"},
     sql_instead_of_step},
    {{"sql-sets-session", LintSeverity::warning, "SET without LOCAL"}, sql_sets_session},
    {{"undo-does-nothing", LintSeverity::warning, "an undo that takes nothing back"}, undo_does_nothing},
    {{"undo-drops-what-was-there", LintSeverity::warning, "an undo drops what may have been there before"},
     undo_drops_what_was_there},
};

}  // namespace

std::span<const Check> sql_checks() {
  return checks;
}

}  // namespace switchback::linting
