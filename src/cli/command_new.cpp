#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "command_new.hpp"
#include "json_text.hpp"
#include "private_file.hpp"
#include "switchback/core/shell_word.hpp"
#include "switchback/plan_file/draft_file.hpp"
#include "switchback/plan_file/vocabulary.hpp"
#include "switchback/postgres/catalog.hpp"
#include "switchback/postgres/migration_reader.hpp"

namespace switchback::cli {
namespace {

namespace fs = std::filesystem;
using Form = KindKey::Form;

/// Of `new` itself; and, as its kinds have them, the keys that were given.
struct NewOptions {
  std::string from_sql;
  std::string out;
  std::string plan;
  std::string phase;
  bool long_form = false;
  bool overwrite = false;
  bool list = false;
  bool offline = false;
  std::map<std::string, std::vector<std::string>> values;
  std::map<std::string, bool> flags;
};

/// A database is named by a flag or a setting, or by what libpq looks at.
bool has_target(Invocation& invocation) {
  if (!invocation.settings().database.empty()) return true;
  return std::ranges::any_of(std::array{"DATABASE_URL", "PGHOST", "PGSERVICE", "PGDATABASE"}, [](const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0';
  });
}

/// Looks tables up, each once, in a session that cannot write; empty where there is no database to look at.
TableLookup lookup_for(Invocation& invocation, const NewOptions& options) {
  if (options.offline || !has_target(invocation)) return {};
  const std::shared_ptr<ports::Session> session = invocation.connected(true);
  const auto known = std::make_shared<std::map<TableName, std::optional<TableFacts>>>();
  return [session, known](const TableName& name) {
    const auto found = known->find(name);
    if (found != known->end()) return found->second;
    postgres::PostgresCatalog catalog;
    return known->emplace(name, catalog.table(*session, name)).first->second;
  };
}

// --- a plan of one kind

/// At commas that stand outside of parentheses and quotes.
std::vector<std::string> split_names(const std::string& text) {
  std::vector<std::string> parts(1);
  int depth = 0;
  char quote = '\0';
  for (const char c : text) {
    if (quote != '\0')
      quote = c == quote ? '\0' : quote;
    else if (c == '"' || c == '\'')
      quote = c;
    else
      depth += c == '(' ? 1 : c == ')' ? -1 : 0;
    if (c == ',' && depth == 0 && quote == '\0')
      parts.emplace_back();
    else if (c != ' ' || !parts.back().empty())
      parts.back() += c;
  }
  return parts;
}

/// `name=SQL`: the first = that is none of <=, >=, !=, == parts a name from its SQL.
std::optional<std::pair<std::string, std::string>> named_value(const std::string& text) {
  const std::size_t at = text.find('=');
  if (at == std::string::npos || at == 0 || at + 1 >= text.size() || text[at + 1] == '=') return std::nullopt;
  const std::string name = text.substr(0, at);
  const bool quoted_name = name.size() > 2 && name.front() == '"' && name.find('"', 1) == name.size() - 1;
  const bool plain =
      std::ranges::all_of(name, [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c >= 0x80; });
  if (!quoted_name && !plain) return std::nullopt;
  return std::pair(name, text.substr(at + 1));
}

Argument argument_from(const Kind& kind, const KindKey& key, const std::vector<std::string>& given) {
  if (key.form == Form::names) {
    std::vector<std::string> names;
    for (const std::string& one : given)
      for (std::string& part : split_names(one)) names.push_back(std::move(part));
    return {key.name, names};
  }
  if (key.form == Form::texts) return {key.name, given};
  ColumnExpressions map;
  for (const std::string& one : given)
    if (const auto pair = key.form == Form::text ? std::nullopt : named_value(one)) map.push_back(*pair);
  if (!map.empty() && map.size() == given.size()) return {key.name, map};
  if (key.form == Form::map)
    throw usage_error("--" + key.name + " takes name=value, as often as there are names",
                      "switchback new " + kind.name + " … --" + key.name + " " + shell_word(key.example));
  if (given.size() > 1) throw usage_error("--" + key.name + " is given twice", "once is enough");
  if (given.front() == "null" && std::ranges::find(key.words, "null") != key.words.end()) return {key.name, {}};
  return {key.name, given.front()};
}

/// A command line of the kind that would do.
std::string example_of(const Kind& kind) {
  std::string words = "switchback new " + kind.name;
  const auto add = [&](const KindKey& key) {
    words += " --" + key.name;
    if (key.form != Form::flag) words += " " + shell_word(key.example);
  };
  for (const KindKey& key : kind.keys)
    if (key.required) add(key);
  for (const auto& choice : kind.one_of)
    if (const KindKey* key = kind.key(choice.front()); key != nullptr && !key->required) add(*key);
  return words;
}

void check_complete(const Kind& kind, const DraftEntry& entry) {
  const auto given = [&](const std::string& key) {
    return std::ranges::find(entry.arguments, key, &Argument::key) != entry.arguments.end();
  };
  std::string missing;
  for (const KindKey& key : kind.keys)
    if (key.required && !given(key.name)) missing += (missing.empty() ? "--" : ", --") + key.name;
  for (const auto& choice : kind.one_of) {
    if (std::ranges::any_of(choice, given)) continue;
    missing += missing.empty() ? "" : ", ";
    for (std::size_t i = 0; i < choice.size(); ++i) missing += (i == 0 ? "--" : " or --") + choice[i];
  }
  if (!missing.empty()) throw usage_error("new " + kind.name + " needs " + missing, example_of(kind));
}

DraftEntry entry_from(const Kind& kind, const NewOptions& options) {
  DraftEntry entry;
  entry.kind = kind.name;
  entry.phase = options.phase.empty() ? kind.phase : options.phase;
  const std::vector<std::string_view> phases(kind.phases.begin(), kind.phases.end());
  require_one_of("--phase", entry.phase, phases);
  for (const KindKey& key : kind.keys) {
    if (const auto flag = options.flags.find(key.name); flag != options.flags.end() && flag->second)
      entry.arguments.push_back({key.name, true});
    if (const auto found = options.values.find(key.name); found != options.values.end() && !found->second.empty())
      entry.arguments.push_back(argument_from(kind, key, found->second));
  }
  check_complete(kind, entry);
  return entry;
}

/// "rename-column-users-mail".
std::string made_plan_name(const DraftEntry& entry) {
  std::string name = entry.kind;
  std::ranges::replace(name, '_', '-');
  constexpr std::array<std::string_view, 5> keys = {"table", "name", "column", "from", "type"};
  int words = 0;
  for (const Argument& argument : entry.arguments)
    if (const auto* text = std::get_if<std::string>(&argument.value);
        text != nullptr && words < 2 && std::ranges::find(keys, argument.key) != keys.end()) {
      name += "-" + *text;
      ++words;
    }
  return plan_name_from(name);
}

// --- where it goes

void write(Invocation& invocation, const NewOptions& options, const std::string& path, const std::string& text) {
  if (fs::exists(path) && !options.overwrite)
    throw Error(Exit::refused, Remedy::person, path + " is there already, and nothing was written",
                "--overwrite replaces it");
  write_private_file(path, text);
  invocation.say("written: " + path);
}

/// The files' paths, empty for standard output.
std::vector<std::string> deliver(Invocation& invocation, const NewOptions& options,
                                 const std::vector<DraftFile>& files) {
  std::vector<std::string> paths;
  const bool folder = !options.out.empty() && (options.out.ends_with('/') || fs::is_directory(options.out));
  if (options.out.empty()) {
    for (std::size_t i = 0; i < files.size(); ++i) invocation.data((i == 0 ? "" : "---\n") + files[i].text);
    return paths;
  }
  if (!folder && files.size() > 1)
    throw usage_error(std::to_string(files.size()) + " plans come of it, which cannot share one file",
                      "--out DIR/ writes a file each, to be run in their order");
  for (const DraftFile& file : files)
    paths.push_back(folder ? (fs::path(options.out) / (file.name + ".yaml")).string() : options.out);
  if (folder) fs::create_directories(options.out);
  if (!options.overwrite)
    for (const std::string& path : paths)
      if (fs::exists(path)) write(invocation, options, path, "");  // refuses, before any is written
  for (std::size_t i = 0; i < files.size(); ++i) write(invocation, options, paths[i], files[i].text);
  return paths;
}

void say_next(Invocation& invocation, const std::vector<std::string>& paths) {
  const std::string file = paths.empty() ? "FILE" : shell_word(paths.front());
  invocation.say("next: switchback explain " + file + "; switchback drill " + file);
}

int write_kind(Invocation& invocation, const Kind& kind, const NewOptions& options) {
  if (!options.from_sql.empty()) throw usage_error("give a kind or --from-sql, not both", "switchback new --help");
  DraftEntry entry = entry_from(kind, options);
  DraftOptions how;
  how.name = options.plan.empty() ? made_plan_name(entry) : options.plan;
  if (!kind.what.empty()) how.heading.push_back(kind.what);
  how.explained = true;
  how.long_form = options.long_form;
  if (options.long_form) {
    how.lookup = lookup_for(invocation, options);
    if (!how.lookup)
      how.heading.emplace_back(
          "Written without a database: indexes, constraints and NOT NULL that go along are not in it "
          "(with -d URI they are)");
  }
  const DraftFiles drafted = write_drafts({entry}, how);
  if (!drafted.refused.empty())
    throw usage_error(drafted.refused.front().message,
                      drafted.refused.front().hint.empty() ? example_of(kind) : drafted.refused.front().hint);
  say_next(invocation, deliver(invocation, options, drafted.files));
  return 0;
}

// --- a plan of a migration

Diagnostic diagnostic_at(const std::string& file, const std::string& text, Place place, std::string message,
                         Severity severity) {
  Diagnostic found;
  found.file = file;
  found.line = place.line;
  found.column = place.column;
  found.message = std::move(message);
  found.severity = severity;
  std::size_t begin = 0;
  for (int line = 1; line < place.line && begin != std::string::npos; ++line) {
    begin = text.find('\n', begin);
    if (begin != std::string::npos) ++begin;
  }
  if (begin != std::string::npos)
    found.line_text = text.substr(begin, std::min(text.find('\n', begin) - begin, std::size_t{200}));
  return found;
}

int write_migration(Invocation& invocation, const NewOptions& options) {
  const std::string& path = options.from_sql;
  const std::string text = content_of(path);
  if (text.size() > std::size_t{1} << 20)
    throw Error(Exit::invalid, Remedy::person, path + " is longer than 1 MiB", "cut it in two");
  DraftOptions how;
  how.lookup = lookup_for(invocation, options);
  const Drafted drafted = draft_plans(postgres::read_migration(text), how.lookup);
  for (const DraftNote& note : drafted.notes)
    invocation.warn(render(diagnostic_at(path, text, note.place, note.message, Severity::warning)));
  how.name = options.plan.empty() ? plan_name_from(path == "-" ? "migration" : fs::path(path).stem().stem().string())
                                  : options.plan;
  how.heading = {"From " + (path == "-" ? std::string("standard input") : fs::path(path).filename().string()) +
                 (how.lookup
                      ? ""
                      : ", without a database: types, NOT NULL, keys and dependents were not looked up (-d URI does)")};
  how.long_form = options.long_form;
  const DraftFiles files = write_drafts(drafted.entries, how);
  std::vector<Diagnostic> refused;
  for (const RefusedEntry& one : files.refused) {
    refused.push_back(diagnostic_at(path, text, one.place, one.message, Severity::error));
    refused.back().hint = one.hint;
  }
  if (files.files.empty() && refused.empty())
    throw Error(Exit::invalid, Remedy::person, path + " has nothing for a plan in it",
                "every statement was passed over");
  const std::vector<std::string> paths = deliver(invocation, options, files.files);
  if (!refused.empty()) throw FileError(refused, "not all of " + path + " is in the plan");
  std::size_t blanks = 0;
  for (std::size_t i = 0; i < files.files.size(); ++i)
    for (Diagnostic found : files.files[i].blanks) {
      found.file = i < paths.size() ? paths[i] : files.files[i].name;
      invocation.warn(render(found));
      ++blanks;
    }
  if (blanks > 0)
    throw Error(Exit::approval, Remedy::person,
                std::to_string(blanks) + (blanks == 1 ? " place is" : " places are") +
                    " left to fill in: what the SQL does not say",
                "put it between the quotes of <fill in: …>, then switchback validate " +
                    (paths.empty() ? "FILE" : paths.front()));
  say_next(invocation, paths);
  return 0;
}

// --- the vocabulary

int list_kinds(Invocation& invocation) {
  if (invocation.json()) {
    Json kinds = Json::array();
    for (const Kind& kind : vocabulary()) {
      Json keys = Json::array();
      for (const KindKey& key : kind.keys)
        keys.push_back({{"key", key.name}, {"required", key.required}, {"what", key.what}});
      kinds.push_back({{"kind", kind.name}, {"phases", kind.phases}, {"what", kind.what}, {"keys", keys}});
    }
    invocation.data(dumped({{"schema_version", 1}, {"kinds", kinds}}, true) + "\n");
    return 0;
  }
  for (const Kind& kind : vocabulary()) {
    std::string phases;
    for (const std::string& phase : kind.phases) phases += (phases.empty() ? "" : ", ") + phase;
    std::string line = kind.name;
    line.resize(std::max<std::size_t>(line.size() + 2, 26), ' ');
    line += phases;
    line.resize(std::max<std::size_t>(line.size() + 2, 54), ' ');
    invocation.data(line + kind.what + "\n");
  }
  invocation.say("next: switchback new KIND --help");
  return 0;
}

int new_plan(Invocation& invocation, const NewOptions& options) {
  if (options.list) return list_kinds(invocation);
  if (!options.from_sql.empty()) return write_migration(invocation, options);
  throw usage_error(
      "new needs a kind of change, or --from-sql FILE",
      "switchback new --list shows the kinds; switchback new rename_column --table users --from mail --to email");
}

void add_kind(CLI::App& parent, Action& chosen, const std::shared_ptr<NewOptions>& options, const Kind& kind) {
  CLI::App* command =
      add_command(parent, kind.name,
                  {kind.what.empty() ? "A plan of one " + kind.name + "." : kind.what, example_of(kind),
                   "switchback explain FILE. Also --out FILE, --overwrite, --long, --plan NAME: switchback "
                   "new --help"});
  for (const KindKey& key : kind.keys) {
    const std::string what = key.what + (key.required ? " (required)" : "");
    if (key.form == Form::flag) {
      command->add_flag("--" + key.name, options->flags[key.name], what);
      continue;
    }
    const char* type = key.form == Form::map || key.form == Form::any ? "NAME=SQL"
                       : key.form == Form::names                      ? "NAME,…"
                                                                      : "TEXT";
    command->add_option("--" + key.name, options->values[key.name], what)
        ->type_name(type)
        ->expected(1)
        ->take_all()
        ->allow_extra_args(false);
  }
  command->callback([&chosen, options, name = kind.name] {
    chosen = [options, name](Invocation& invocation) { return write_kind(invocation, *find_kind(name), *options); };
  });
}

}  // namespace

void add_new(CLI::App& app, Action& chosen) {
  CLI::App* command =
      add_command(app, "new",
                  {"Write a commented plan: of one kind of change, or of a migration in plain SQL.",
                   "switchback new rename_column --table users --from mail --to email --out rename-mail.yaml\n"
                   "switchback new --from-sql migrations/V12__split_name.sql --out plans/\n"
                   "switchback new --list",
                   "switchback validate FILE says what is left to fill in, if anything is; switchback explain FILE.\n"
                   "--from-sql exits with 9 where only you know something: the place is marked <fill in: …>."});
  auto options = std::make_shared<NewOptions>();
  command->add_option("--from-sql", options->from_sql, "a migration in plain SQL, or - for standard input")
      ->type_name("FILE");
  command
      ->add_option("--out", options->out,
                   "where to write; a folder (DIR/) for a file each plan; left out: standard output")
      ->type_name("FILE");
  command->add_option("--plan", options->plan, "the plan's name; left out: made from the kind, or from the file's name")
      ->type_name("NAME");
  command->add_option("--phase", options->phase, "where a step stands that may stand in several phases")
      ->type_name("PHASE");
  command->add_flag("--long", options->long_form, "the long form: every step of every phase");
  command->add_flag("--overwrite", options->overwrite, "replace files that are there");
  command->add_flag("--offline", options->offline, "do not look at the database, though one is named");
  command->add_flag("--list", options->list, "the kinds of changes and steps");
  for (const Kind& kind : vocabulary()) add_kind(*command, chosen, options, kind);
  command->callback([&chosen, options, command] {
    if (command->get_subcommands().empty())
      chosen = [options](Invocation& invocation) { return new_plan(invocation, *options); };
  });
}

}  // namespace switchback::cli
