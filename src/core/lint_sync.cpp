// What sync cannot do, or does at a price.
#include <array>

#include "lint_rules.hpp"

namespace switchback::linting {
namespace {

bool both_ways(const Backfill& backfill) {
  return !backfill.reverse.empty();
}

const LintSample* sample_of(const Looking& looking, const TableName& table) {
  if (looking.facts() == nullptr) return nullptr;
  const auto& samples = looking.facts()->samples;
  const auto found = std::ranges::find(samples, table, &LintSample::table);
  return found == samples.end() ? nullptr : &*found;
}

/// New columns of which an INSERT that leaves them at their default looks like one of the old image.
std::vector<std::string> ambiguous_columns(const Looking& looking, const Backfill& backfill) {
  if (const LintSample* sample = sample_of(looking, backfill.table)) return sample->ambiguous;
  std::vector<std::string> columns;
  for (const auto& [name, sql] : backfill.set) {
    const AddColumn* add = added(looking.plan(), backfill.table, name);
    const SqlExpression expression = looking.expression(sql);
    const bool defaulted = add != nullptr && add->default_value && *add->default_value != sql;
    if (defaulted || (expression.parsed && !expression.columns.empty() && expression.of_nulls)) columns.push_back(name);
  }
  return columns;
}

void ambiguous_insert(Looking& looking) {
  looking.each<Backfill>([&](const Step& step, const Backfill& backfill) {
    if (backfill.exact || backfill.master || !both_ways(backfill)) return;
    const std::vector<std::string> columns = ambiguous_columns(looking, backfill);
    if (columns.empty()) return;
    looking.say(looking.at(step, "set"),
                "an INSERT of the new image that leaves " + listed(columns) + " of " + shown(backfill.table) +
                    " at the default looks like one of the old image: sync then writes what forward makes of the old "
                    "side's defaults, through ON CONFLICT into rows that exist",
                "`exact: true` tells them apart at some 5 µs a row; or `master: new`; or add the column without a "
                "default, with a forward expression that gives NULL for NULL");
  });
}

void exact_mode(Looking& looking) {
  looking.each<Backfill>([&](const Step& step, const Backfill& backfill) {
    if (backfill.exact)
      looking.say(looking.at(step, "exact"),
                  "exact mode puts a function call into the defaults of both sides of " + shown(backfill.table) +
                      ": an INSERT costs some 5 µs a row more, and what reads column_default (ORMs, dumps) sees it "
                      "until the plan is over",
                  "leave it out where forward of the old defaults is the new defaults");
  });
}

/// Functions and types that keep less than they get.
constexpr std::array lossy_calls = {
    "lower",      "upper",   "initcap",   "btrim",          "ltrim",     "rtrim",   "trim",     "round",   "trunc",
    "ceil",       "floor",   "left",      "right",          "md5",       "sha256",  "sha512",   "abs",     "sign",
    "date_trunc", "replace", "translate", "regexp_replace", "date_part", "extract", "unaccent", "hashtext"};
constexpr std::array lossy_types = {"date", "int2", "int4", "float4", "bool", "char", "time"};
/// These keep a part; several columns together may keep the whole.
constexpr std::array part_calls = {"split_part", "substr", "substring"};

template <class Words>
std::string first_of(const Words& words, const std::vector<std::string>& in) {
  for (const std::string& one : in)
    if (std::ranges::find(words, std::string_view(one)) != words.end()) return one;
  return {};
}

void lossy_pair(Looking& looking) {
  looking.each<Backfill>([&](const Step& step, const Backfill& backfill) {
    if (!both_ways(backfill) || sample_of(looking, backfill.table) != nullptr) return;
    for (const auto& [name, sql] : backfill.set) {
      const SqlExpression expression = looking.expression(sql);
      std::string why = first_of(lossy_calls, expression.calls);
      if (why.empty() && backfill.set.size() == 1) why = first_of(part_calls, expression.calls);
      if (why.empty()) why = first_of(lossy_types, expression.casts);
      if (why.empty()) continue;
      looking.say(looking.at(step, "set." + name),
                  column(backfill.table, name) + " keeps less than it is made of (" + why +
                      "): the reverse cannot give back what is lost, and an old image's write replaces all of the new "
                      "side",
                  "keep the rest in a column of its own; lint with a database (-d) tries it on rows");
      return;
    }
  });
}

void not_undone_by_reverse(Looking& looking) {
  looking.each<Backfill>([&](const Step& step, const Backfill& backfill) {
    const LintSample* sample = sample_of(looking, backfill.table);
    if (sample == nullptr || sample->not_undone == 0) return;
    looking.say(looking.at(step, "reverse"),
                "reverse does not undo forward in " + std::to_string(sample->not_undone) + " of " +
                    std::to_string(sample->rows) + " rows of " + shown(backfill.table) + ", " + sample->example +
                    ": once the new image has written such a row, the old one reads another value than it had",
                "mend the pair, or keep what is lost in a column of its own");
  });
}

void forward_fails_on_rows(Looking& looking) {
  looking.each<Backfill>([&](const Step& step, const Backfill& backfill) {
    const LintSample* sample = sample_of(looking, backfill.table);
    if (sample == nullptr || sample->failed.empty()) return;
    looking.say(looking.at(step, "set"),
                "forward fails on rows that are there: " + sample->failed + "; they are quarantined, and over " +
                    std::to_string(looking.settings().quarantine_rows) + " of them hold the plan",
                "write an expression that takes them, or mend them first");
  });
}

void reverse_none(Looking& looking) {
  looking.each<Backfill>([&](const Step& step, const Backfill& backfill) {
    if (backfill.reverse_none)
      looking.say(looking.at(step, "reverse"),
                  "what the new image writes to " + shown(backfill.table) +
                      " never reaches the old side: after a rollback the old image reads values from before",
                  "give `reverse` an expression for each old column that has one");
  });
}

void where_leaves_old_values(Looking& looking) {
  looking.each<Backfill>([&](const Step& step, const Backfill& backfill) {
    if (!backfill.where) return;
    const std::vector<std::string> old = old_side(looking, backfill);
    looking.each<DropColumn>([&](const Step&, const DropColumn& drop) {
      if (drop.table == backfill.table && contains(old, drop.name))
        looking.say(looking.at(step, "where"),
                    "rows for which this is not true keep their " + drop.name +
                        " unconverted, and the contract drops it: after the archive's time it is gone",
                    "convert every row, or let the contract leave the column");
    });
  });
}

void reject_on_error(Looking& looking) {
  looking.each<Backfill>([&](const Step& step, const Backfill& backfill) {
    if (backfill.on_error == OnError::reject)
      looking.say(looking.at(step, "on_error"),
                  "a value that cannot be converted fails the statement of whichever image writes it, also of the old "
                  "one, which knows nothing of the plan",
                  "leave it out: the row is stored, marked and counted, and contract waits until it is mended");
  });
}

constexpr std::array volatile_calls = {
    "random", "gen_random_uuid", "uuid_generate_v1", "uuid_generate_v4", "nextval",  "currval",     "lastval",
    "setval", "clock_timestamp", "timeofday",        "random_normal",    "pg_sleep", "txid_current"};

void volatile_expression(Looking& looking) {
  const auto look = [&](const Step& step, const std::string& key, const std::string& sql) {
    if (const std::string call = first_of(volatile_calls, looking.expression(sql).calls); !call.empty())
      looking.say(looking.at(step, key),
                  call +
                      " gives another value each time: the comparison of both sides would find every row wrong, and "
                      "`run` refuses it",
                  "give the column a default (set_default in expand) for new rows, and fill the old ones from "
                  "something that stays");
  };
  looking.each<Backfill>([&](const Step& step, const Backfill& backfill) {
    for (const auto& [name, sql] : backfill.set) look(step, "set." + name, sql);
    for (const auto& [name, sql] : backfill.reverse) look(step, "reverse." + name, sql);
    if (backfill.where) look(step, "where", *backfill.where);
  });
}

void forgiven_not_null(Looking& looking) {
  looking.each<Backfill>([&](const Step& step, const Backfill& backfill) {
    const LintTable* table = looking.table(backfill.table);
    if (table == nullptr) return;
    for (const auto& [name, sql] : backfill.reverse) {
      const ColumnFacts* facts = table->facts.column(name);
      if (facts == nullptr || !facts->not_null || facts->default_value || facts->identity) continue;
      if (!looking.expression(sql).of_nulls) continue;
      looking.say(looking.at(step, "reverse." + name),
                  "an INSERT of the old image that forgets " + name +
                      " failed with 23502 until now; meanwhile it gets what reverse makes of NULLs",
                  "an expression that gives NULL for NULL keeps the refusal");
    }
  });
}

bool is_side(const Looking& looking, const Backfill& backfill, const std::string& name) {
  return has(backfill.set, name) || contains(old_side(looking, backfill), name);
}

void trigger_reads_other_side(Looking& looking) {
  looking.each<Backfill>([&](const Step& step, const Backfill& backfill) {
    const LintTable* table = looking.table(backfill.table);
    if (table == nullptr || !both_ways(backfill)) return;
    for (const LintTrigger& trigger : table->triggers) {
      if (!trigger.before) continue;
      for (const auto& [name, sql] : backfill.reverse)
        if (mentions_word(trigger.body, name)) {
          looking.say(looking.at(step, "table"),
                      "the BEFORE trigger " + trigger.name + " reads " + name +
                          ": sync fires after it, so when the new image writes it still sees the value from before",
                      "let it read the new side, in a plan that comes before this one, or compute from both");
          break;
        }
    }
  });
}

void trigger_update_of(Looking& looking) {
  looking.each<Backfill>([&](const Step& step, const Backfill& backfill) {
    const LintTable* table = looking.table(backfill.table);
    if (table == nullptr) return;
    for (const LintTrigger& trigger : table->triggers)
      for (const std::string& name : trigger.update_of)
        if (is_side(looking, backfill, name)) {
          looking.say(looking.at(step, "table"),
                      "the trigger " + trigger.name + " fires for UPDATE OF " + name +
                          ", which looks at what the statement names: it does not fire when sync writes the column",
                      "make it UPDATE without a list, and compare OLD and NEW in its WHEN");
          break;
        }
  });
}

void index_on_filled_column(Looking& looking) {
  looking.each<Backfill>([&](const Step& step, const Backfill& backfill) {
    const LintTable* table = looking.table(backfill.table);
    if (table == nullptr) return;
    for (const auto& [name, sql] : backfill.set) {
      const ColumnFacts* facts = table->facts.column(name);
      if (facts == nullptr) continue;
      for (const IndexFacts& index : table->facts.indexes)
        if (std::ranges::find(index.mentions, facts->number) != index.mentions.end()) {
          looking.say(looking.at(step, "set." + name),
                      "the index " + index.name.name + " is on " + name +
                          ": no update of the backfill can be HOT, so every row gets a new entry in every index",
                      "drop the index in a plan before this one and build it again in migrate, after the backfill");
          break;
        }
    }
  });
}

void index_before_backfill(Looking& looking) {
  const Plan& plan = looking.plan();
  for (const Step& step : plan.expand) {
    const auto* index = std::get_if<CreateIndex>(&step.action);
    if (index == nullptr) continue;
    looking.each<Backfill>([&](const Step&, const Backfill& backfill) {
      if (backfill.table != index->table) return;
      for (const std::string& name : index->columns)
        if (has(backfill.set, name))
          looking.say(looking.at(step, "columns"),
                      "the index is built before " + name +
                          " is filled: no update of the backfill can be HOT, and every row is put into every index",
                      "write create_index under migrate, behind the backfill");
    });
  }
}

void unique_on_synced_column(Looking& looking) {
  looking.each<CreateIndex>([&](const Step& step, const CreateIndex& index) {
    if (!index.unique) return;
    looking.each<Backfill>([&](const Step&, const Backfill& backfill) {
      if (backfill.table != index.table) return;
      for (const auto& [name, sql] : backfill.set)
        if (contains(index.columns, name) && !looking.expression(sql).copy)
          looking.say(looking.at(step, "unique"),
                      "two rows of the old image may give the same " + name +
                          ": then this index cannot be built, and afterwards the old image's write fails with 23505",
                      "add_unique in the contract counts such rows and writes first");
    });
  });
}

void not_valid_check(Looking& looking) {
  for (const TableName& name : filled_tables(looking.plan())) {
    const LintTable* table = looking.table(name);
    if (table == nullptr) continue;
    for (const ConstraintFacts& constraint : table->facts.constraints) {
      if (constraint.type != 'c' || constraint.validated) continue;
      for (const Step& step : looking.plan().migrate)
        if (const TableName* of = table_of(step.action); of != nullptr && *of == name) {
          looking.say(looking.at(step, "table"),
                      "the constraint " + constraint.name + " of " + shown(name) +
                          " was never validated: a row that breaks it cannot be updated, and the backfill "
                          "quarantines it (23514)",
                      "validate it first: ALTER TABLE " + quoted(name) + " VALIDATE CONSTRAINT " +
                          quote_identifier(constraint.name));
          break;
        }
    }
  }
}

constexpr Check checks[] = {
    {{"ambiguous-insert", LintSeverity::warning,
      "an INSERT that leaves the new side at its defaults counts as the old image's"},
     ambiguous_insert},
    {{"exact-mode", LintSeverity::note, "exact mode costs every INSERT, and shows in column_default"}, exact_mode},
    {{"lossy-pair", LintSeverity::warning, "the new column keeps less than the old one held"}, lossy_pair},
    {{"not-undone-by-reverse", LintSeverity::warning,
      "reverse does not give back what forward was given, on rows that are there", true},
     not_undone_by_reverse},
    {{"forward-fails-on-rows", LintSeverity::warning, "forward fails on rows that are there", true},
     forward_fails_on_rows},
    {{"reverse-none", LintSeverity::warning, "what the new image writes reaches no old image"}, reverse_none},
    {{"where-leaves-old-values", LintSeverity::warning,
      "a drop takes values that the backfill's where left unconverted"},
     where_leaves_old_values},
    {{"reject-on-error", LintSeverity::warning, "a value that cannot be converted fails the application's statement"},
     reject_on_error},
    {{"volatile-expression", LintSeverity::error, "an expression gives another value each time"}, volatile_expression},
    {{"forgiven-not-null", LintSeverity::note, "an old image's forgotten NOT NULL column is no longer refused", true},
     forgiven_not_null},
    {{"trigger-reads-other-side", LintSeverity::warning, "a BEFORE trigger reads a column that sync writes after it",
      true},
     trigger_reads_other_side},
    {{"trigger-update-of", LintSeverity::warning, "a trigger UPDATE OF a column does not fire when sync writes it",
      true},
     trigger_update_of},
    {{"index-on-filled-column", LintSeverity::warning, "a backfill updates a column that is in an index", true},
     index_on_filled_column},
    {{"index-before-backfill", LintSeverity::warning, "an index is built before its column is filled"},
     index_before_backfill},
    {{"unique-on-synced-column", LintSeverity::warning, "a unique index stands on what sync computes"},
     unique_on_synced_column},
    {{"not-valid-check", LintSeverity::warning, "rows that break a NOT VALID check cannot be filled", true},
     not_valid_check},
};

}  // namespace

std::span<const Check> sync_checks() {
  return checks;
}

}  // namespace switchback::linting
