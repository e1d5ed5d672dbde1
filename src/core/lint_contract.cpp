// What a contract takes away, and how soon.
#include "lint_rules.hpp"
#include "switchback/core/units.hpp"

namespace switchback::linting {
namespace {

using std::chrono::hours;

std::string shown_time(std::chrono::seconds time) {
  return format_duration(time);
}

bool takes(const Looking& looking) {
  return !structures_of(looking.plan().contract.steps).empty();
}
bool has_contract(const Looking& looking) {
  return !looking.plan().contract.steps.empty();
}

void short_observe(Looking& looking) {
  const auto window = looking.plan().contract.observe.value_or(looking.settings().observe);
  if (!has_contract(looking) || !looking.production() || window >= hours(24)) return;
  looking.say(looking.at_contract("observe"),
              "usage is watched for " + shown_time(window) +
                  " only: what runs once a day (reports, dumps, jobs at night) is not seen",
              "24h sees a day's jobs, 8d a week's");
}

void short_soak(Looking& looking) {
  const auto time = looking.plan().contract.soak.value_or(looking.settings().soak);
  if (!has_contract(looking) || !looking.production() || time >= hours(24)) return;
  looking.say(looking.at_contract("soak"),
              "after " + shown_time(time) +
                  " hidden it is dropped: until then it comes back in milliseconds, afterwards it is copied back row "
                  "by row",
              "soak: 72h leaves a weekend to notice");
}

void no_archive(Looking& looking) {
  const auto& archive = looking.plan().contract.archive;
  if (takes(looking) && archive && archive->none)
    looking.say(looking.at_contract("archive"),
                "nothing is kept of what is dropped: from then on only a backup of the whole database has it",
                "archive: 30d costs its space until then, and `switchback restore` works");
}

void short_archive(Looking& looking) {
  const auto& archive = looking.plan().contract.archive;
  const auto time = archive && archive->keep ? *archive->keep : looking.settings().archive;
  if (!takes(looking) || !looking.production() || (archive && archive->none) || time >= hours(7 * 24)) return;
  looking.say(looking.at_contract("archive"),
              "what is dropped is kept for " + shown_time(time) + ": `switchback restore` works no longer than that",
              "archive: 30d sees a month's end");
}

void no_approval(Looking& looking) {
  const int approvals = looking.plan().contract.approvals.value_or(looking.settings().approvals);
  if (!takes(looking) || !looking.production() || approvals > 0 || !looking.settings().approve_contract.empty()) return;
  looking.say(looking.at_contract("approvals"),
              "in production whoever may run this plan takes things away alone: nobody else need agree",
              "contract: { approvals: 1 }, or approve: { contract: [person] } in switchback.yaml");
}

void no_backup(Looking& looking) {
  const Settings& settings = looking.settings();
  const bool known = settings.backup_none || !settings.backup_pgbackrest.empty() || !settings.backup_barman.empty() ||
                     !settings.backup_command.empty();
  if (!takes(looking) || !looking.production() || known) return;
  looking.say(looking.at_contract("steps"),
              "no backup is configured: in production the drop waits until one is, or until somebody says why none is "
              "needed",
              "backup: { pgbackrest: { stanza: main } } in switchback.yaml, or backup: { none: reason }");
}

void no_images(Looking& looking) {
  if (!takes(looking) || looking.plan().images.before) return;
  looking.say(looking.at("images"),
              "the plan does not say which image needs what it takes away: the gates cannot name it, and where none is "
              "registered the contract holds (horizon)",
              "images: { before: shop:v41, after: shop:v42 }");
}

void irreversible_sql(Looking& looking) {
  looking.each<Sql>([&](const Step& step, const Sql& sql) {
    if (sql.irreversible)
      looking.say(looking.at(step, "irreversible"),
                  "turning the plan back leaves what this statement did: " + *sql.irreversible,
                  "write undo, if only a statement that brings back the shape");
  });
}

/// The step that takes the structure.
Place place_of(const Looking& looking, const Structure& structure) {
  for (const Step& step : looking.plan().contract.steps) {
    const auto of = structures_of({step});
    const auto same = [&](const Structure& one) {
      return one.kind == structure.kind && one.name == structure.name &&
             (one.kind == Structure::Kind::index || one.table == structure.table);
    };
    if (std::ranges::any_of(of, same)) return step.place;
  }
  return looking.at("contract");
}

void silent_dependent(Looking& looking) {
  for (const LintTaken& taken : looking.facts()->taken)
    for (const LintDependent& one : taken.dependents) {
      if (!one.silent || one.settled) continue;
      looking.say(place_of(looking, taken.structure),
                  "the drop of " + shown(taken.structure) + " takes the " + one.kind + " " + one.identity +
                      " along without a word: the contract holds until it is named",
                  "allow_silent: [" + shown(std::string_view(one.name)) + "]");
    }
}

void blocking_dependent(Looking& looking) {
  for (const LintTaken& taken : looking.facts()->taken)
    for (const LintDependent& one : taken.dependents) {
      if (one.silent || one.settled) continue;
      looking.say(place_of(looking, taken.structure),
                  "the " + one.kind + " " + one.identity + " rests on " + shown(taken.structure) +
                      ": a drop without CASCADE refuses, and the contract holds",
                  "take it away in this plan as well, or change it in one that comes before");
    }
}

void unchecked_publication(Looking& looking) {
  std::set<TableName> said;
  for (const Structure& structure : structures_of(looking.plan().contract.steps)) {
    if (structure.kind != Structure::Kind::column && structure.kind != Structure::Kind::table) continue;
    const LintTable* table = looking.table(structure.table);
    if (table == nullptr || !said.insert(structure.table).second) continue;
    std::vector<std::string> publications = table->updates_published;
    publications.insert(publications.end(), table->columns_published.begin(), table->columns_published.end());
    std::ranges::sort(publications);
    publications.erase(std::unique(publications.begin(), publications.end()), publications.end());
    std::erase_if(publications, [&](const std::string& name) {
      return std::ranges::find(looking.plan().external_checked, name) != looking.plan().external_checked.end();
    });
    if (publications.empty()) continue;
    looking.say(place_of(looking, structure),
                shown(structure.table) + " is published by " + listed(publications) +
                    ": who reads that is not seen here, and the contract holds",
                "see that the subscribers do without " + shown(structure) + ", then external: { checked: [" +
                    listed(publications) + "] }");
  }
}

void stale_allow_silent(Looking& looking) {
  for (const std::string& name : looking.plan().contract.allow_silent) {
    const bool named = std::ranges::any_of(looking.facts()->taken, [&](const LintTaken& taken) {
      return std::ranges::any_of(taken.dependents, [&](const LintDependent& one) {
        return one.name == name || one.identity == name || one.identity.ends_with("." + name);
      });
    });
    if (!named)
      looking.say(looking.at("contract.allow_silent"),
                  "nothing that this plan takes away has a dependent " + name +
                      ": the name stands for one that may come later, and would then go unseen",
                  "take it out, or mend the name");
  }
}

void drop_of_used_index(Looking& looking) {
  for (const LintTaken& taken : looking.facts()->taken)
    if (taken.structure.kind == Structure::Kind::index && taken.scans > 0 && !taken.constraint)
      looking.say(place_of(looking, taken.structure),
                  shown(taken.structure) + " was scanned " + show_count(taken.scans) +
                      " times since the statistics were reset: the contract waits until it is not any more",
                  "find the statements first: switchback usage shows them once the plan runs");
}

void drop_of_constraint_index(Looking& looking) {
  for (const LintTaken& taken : looking.facts()->taken)
    if (taken.structure.kind == Structure::Kind::index && taken.constraint)
      looking.say(place_of(looking, taken.structure),
                  shown(taken.structure) + " belongs to the constraint " + *taken.constraint +
                      ", which keeps rows unique: DROP INDEX refuses",
                  "drop_constraint: { table: …, name: " + shown(std::string_view(*taken.constraint)) + " }");
}

void quiet_brownout(Looking& looking) {
  const bool wanted = looking.plan().contract.brownout ? !looking.plan().contract.brownout->empty()
                                                       : !looking.settings().brownout.empty();
  if (!wanted || !has_contract(looking) || !looking.settings().brownout_log.empty() || looking.web_alerts()) return;
  looking.say(looking.at_contract("brownout"),
              "nothing is configured that would see a refusal: a quiet stretch proves nothing, and who is refused is "
              "not told",
              "brownout: { log: server }, or an http source under alerts, in switchback.yaml");
}

void dump_reader(Looking& looking) {
  for (const std::string& role : looking.facts()->dumpers) {
    const bool known =
        std::ranges::any_of(looking.plan().readers, [&](const TolerantReader& reader) { return reader.role == role; });
    if (!known && takes(looking))
      looking.say(looking.at_contract("steps"),
                  "the role " + role +
                      " copies whole tables out, as pg_dump does: each dump names every column, and counts as a use",
                  "readers: [ { role: " + shown(std::string_view(role)) + ", star: tolerated } ]");
  }
}

constexpr Check checks[] = {
    {{"short-observe", LintSeverity::warning, "usage is watched for less than a day"}, short_observe},
    {{"short-soak", LintSeverity::warning, "what is hidden is dropped within a day"}, short_soak},
    {{"no-archive", LintSeverity::warning, "nothing is kept of what is dropped"}, no_archive},
    {{"short-archive", LintSeverity::warning, "what was dropped can be restored for less than a week"}, short_archive},
    {{"no-approval", LintSeverity::warning, "one person alone takes things away in production"}, no_approval},
    {{"no-backup", LintSeverity::warning, "no backup is configured before something is dropped"}, no_backup},
    {{"no-images", LintSeverity::warning, "the plan does not say which image needs what it takes away"}, no_images},
    {{"irreversible-sql", LintSeverity::warning, "a statement that nothing undoes"}, irreversible_sql},
    {{"silent-dependent", LintSeverity::error, "a drop takes something along that the plan does not name", true},
     silent_dependent},
    {{"blocking-dependent", LintSeverity::error, "something rests on what is dropped", true}, blocking_dependent},
    {{"unchecked-publication", LintSeverity::warning,
      "what is taken away is published, and nobody has said that the subscribers do without it", true},
     unchecked_publication},
    {{"stale-allow-silent", LintSeverity::note, "allow_silent names what no drop takes along", true},
     stale_allow_silent},
    {{"drop-of-used-index", LintSeverity::warning, "an index that is dropped is being used", true}, drop_of_used_index},
    {{"drop-of-constraint-index", LintSeverity::error, "an index that is dropped belongs to a constraint", true},
     drop_of_constraint_index},
    {{"quiet-brownout", LintSeverity::warning, "a brownout that nobody would see complaints about"}, quiet_brownout},
    {{"dump-reader", LintSeverity::warning, "a dump counts as a use of what is taken away", true}, dump_reader},
};

}  // namespace

std::span<const Check> contract_checks() {
  return checks;
}

}  // namespace switchback::linting
