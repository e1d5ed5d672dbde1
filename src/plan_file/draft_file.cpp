#include "switchback/plan_file/draft_file.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

#include "draft_reader.hpp"
#include "draft_text.hpp"
#include "sql_look.hpp"
#include "switchback/core/error.hpp"
#include "switchback/plan_file/plan_writer.hpp"
#include "switchback/plan_file/vocabulary.hpp"

namespace switchback {
namespace plan_file {
namespace {

using Entries = std::vector<const DraftEntry*>;

/// Changes whose long form is the same whether there is a database to look at or not.
constexpr std::array<std::string_view, 30> plain_changes = {
    "add_column",  "drop_column", "split_column",   "merge_columns",   "change_default", "set_not_null",
    "add_check",   "add_unique",  "drop_not_null",  "drop_constraint", "create_index",   "create_table",
    "create_enum", "create_view", "add_enum_value", "set_comment",     "drop_index",     "drop_table",
    "drop_view",   "drop_type",   "drop_function",  "add_foreign_key", "add_exclusion", "set_storage_parameters",
    "set_replica_identity", "set_statistics", "set_storage", "rename_index", "rename_constraint", "drop_default"};

bool is_short(const DraftEntry& entry) {
  return entry.phase == "change";
}
/// A reference that is left to fill in has no long form yet: it is a table and columns there.
bool has_open_reference(const DraftEntry& entry) {
  return std::ranges::any_of(entry.arguments, [](const Argument& argument) {
    const auto* text = std::get_if<std::string>(&argument.value);
    return argument.key == "references" && text != nullptr && to_fill_in(*text);
  });
}
bool is_plain(const DraftEntry& entry) {
  if (has_open_reference(entry)) return false;
  return !is_short(entry) || std::ranges::find(plain_changes, entry.kind) != plain_changes.end();
}

/// "table.column" for each column that it names.
std::set<std::string> columns_of(const DraftEntry& entry) {
  std::set<std::string> columns;
  std::string table;
  for (const Argument& argument : entry.arguments)
    if (const auto* text = std::get_if<std::string>(&argument.value); text != nullptr && argument.key == "table")
      table = *text + ".";
  constexpr std::array<std::string_view, 5> keys = {"column", "name", "from", "to", "columns"};
  for (const Argument& argument : entry.arguments) {
    if (std::ranges::find(keys, argument.key) == keys.end()) continue;
    if (const auto* text = std::get_if<std::string>(&argument.value)) columns.insert(table + *text);
    if (const auto* texts = std::get_if<std::vector<std::string>>(&argument.value))
      for (const std::string& text : *texts) columns.insert(table + text);
  }
  return columns;
}

/// A column whose type changes is another one then: what else is done to it belongs behind that.
bool get_along(const DraftEntry& one, const DraftEntry& other) {
  if (one.kind != "change_type" && other.kind != "change_type") return true;
  const std::set<std::string> columns = columns_of(one);
  return std::ranges::none_of(columns_of(other), [&](const std::string& column) { return columns.contains(column); });
}

struct Unreadable {
  std::string message;
  std::string hint;
};

Plan plan_from(const std::string& text) {
  ReadPlan read = read_draft(text, "");
  for (const Diagnostic& found : read.diagnostics)
    if (found.severity == Severity::error) throw Unreadable{found.message, found.hint};
  return std::move(read.plan).value();
}

/// Comments stand above the first step that each entry comes to.
class Annotated {
 public:
  Annotated(const Plan& plan, const Entries& entries) : entries_(entries) {
    for (const auto* steps : {&plan.expand, &plan.migrate, &plan.contract.steps})
      for (const Step& step : *steps) places_.push_back(step.place);
  }

  std::string text(const std::string& yaml) {
    std::string text;
    std::size_t next = 0;
    for (std::size_t at = 0; at < yaml.size();) {
      const std::size_t end = std::min(yaml.find('\n', at), yaml.size());
      const std::string line = yaml.substr(at, end - at);
      const std::size_t indent = line.find_first_not_of(' ');
      if (line.starts_with("expand:") || line.starts_with("migrate:") || line.starts_with("  steps:")) in_steps_ = true;
      const bool item = in_steps_ && indent != std::string::npos && (indent == 2 || indent == 4) &&
                        line.compare(indent, 2, "- ") == 0 && line.ends_with(':');
      if (item && next < places_.size()) text += comments(places_[next++], indent);
      text += line + "\n";
      at = end + 1;
    }
    return text;
  }

 private:
  std::string comments(Place place, std::size_t indent) {
    const auto number = static_cast<std::size_t>(place.line);
    if (number == 0 || number > entries_.size() || !shown_.insert(number).second) return "";
    return comment_text(entries_[number - 1]->comments, indent);
  }

  const Entries& entries_;
  std::vector<Place> places_;
  std::set<std::size_t> shown_;
  bool in_steps_ = false;
};

/// One plan's worth of entries.
class Draft {
 public:
  Draft(const DraftOptions& options, const TableLookup& lookup, std::string name, std::string required)
      : options_(options), lookup_(lookup), name_(std::move(name)), required_(std::move(required)) {}

  bool empty() const { return entries_.empty(); }

  /// Takes the entry if the plan is one with it; else says why not.
  std::optional<Unreadable> add(const DraftEntry& entry) {
    if (!empty() && (entry.fresh || !fits(entry)))
      return Unreadable{"it needs what comes before it to be done", "a plan of its own"};
    entries_.push_back(&entry);
    try {
      text_ = written();
      return std::nullopt;
    } catch (const Unreadable& why) {
      entries_.pop_back();
      return why;
    } catch (const Error& error) {
      entries_.pop_back();
      return Unreadable{error.what(), error.hint()};
    }
  }

  DraftFile file() const {
    DraftFile file{name_, heading() + text_, {}, false};
    const Plan plan = plan_from(file.text);
    file.takes_away = takes_away(plan);
    if (file.takes_away && !plan.changes.empty()) file.text += contract_comment();
    for (const Diagnostic& found : read_plan(file.text, "").diagnostics)
      if (found.severity == Severity::error) {
        file.blanks.push_back(found);
        file.blanks.back().severity = Severity::warning;  // of the draft: the reader refuses it, as it should
      }
    return file;
  }

 private:
  bool fits(const DraftEntry& entry) const {
    const bool mixed =
        std::ranges::any_of(entries_, [&](const DraftEntry* one) { return is_short(*one) != is_short(entry); });
    const bool plain =
        is_plain(entry) && std::ranges::all_of(entries_, [](const DraftEntry* one) { return is_plain(*one); });
    if (mixed && !plain && (!lookup_ || has_open_reference(entry))) return false;
    return std::ranges::all_of(entries_, [&](const DraftEntry* one) { return get_along(*one, entry); });
  }

  bool all_short() const {
    return std::ranges::all_of(entries_, [](const DraftEntry* one) { return is_short(*one); });
  }

  std::string heading() const {
    std::string text = comment_text(options_.heading, 0);
    if (!required_.empty())
      text +=
          comment_text({"Run it when " + required_ + " has got to contracted: it may need what that gives free."}, 0);
    return text;
  }

  std::string head() const {
    return "plan: " + name_ + "\n" + (required_.empty() ? "" : "requires: " + list_text({required_}) + "\n");
  }

  std::string written() const {
    const bool open = std::ranges::any_of(entries_, [](const DraftEntry* one) { return has_open_reference(*one); });
    if (open && all_short()) {
      std::string text = short_text();
      plan_from(text);
      return text;
    }
    const Plan steps = long_plan();
    const std::string long_text = to_yaml(steps);
    plan_from(long_text);
    if (!all_short() || options_.long_form) return Annotated(steps, entries_).text(long_text);
    std::string text = short_text();
    plan_from(text);
    return text;
  }

  std::string short_text() const {
    std::string text = head() + "change:\n";
    std::vector<std::string> silent;
    for (const DraftEntry* entry : entries_) {
      text += entry_text(*entry, 2, options_.explained);
      silent.insert(silent.end(), entry->allow_silent.begin(), entry->allow_silent.end());
    }
    if (silent.empty()) return text;
    return text + "contract:\n  # what goes along with what is dropped, by name\n  allow_silent: " +
           list_text(shown_names(silent)) + "\n";
  }

  static std::vector<std::string> shown_names(const std::vector<std::string>& names) {
    std::vector<std::string> written;
    for (const std::string& name : names)
      if (std::ranges::find(written, shown(std::string_view(name))) == written.end())
        written.push_back(shown(std::string_view(name)));
    return written;
  }

  Plan long_plan() const {
    Plan plan;
    plan.name = name_;
    if (!required_.empty()) plan.requires_plans = {required_};
    for (std::size_t i = 0; i < entries_.size(); ++i) put(plan, *entries_[i], {static_cast<int>(i) + 1, 0});
    for (const DraftEntry* entry : entries_)
      for (const std::string& name : entry->allow_silent)
        if (std::ranges::find(plan.contract.allow_silent, name) == plan.contract.allow_silent.end())
          plan.contract.allow_silent.push_back(name);
    return plan;
  }

  void put(Plan& plan, const DraftEntry& entry, Place place) const {
    const bool contract = entry.phase == "contract";
    const std::string above = contract ? "contract:\n  steps:\n" : entry.phase + ":\n";
    Plan one = plan_from("plan: one\n" + above + entry_text(entry, contract ? 4 : 2, false));
    for (Change& change : one.changes) change.place = place;
    if (!one.changes.empty()) {
      plan.changes = std::move(one.changes);
      plan = expand_changes(std::move(plan), lookup_);
    }
    const auto append = [&](std::vector<Step>& to, std::vector<Step>& from) {
      for (Step& step : from) to.push_back({std::move(step.action), place});
    };
    append(plan.expand, one.expand);
    append(plan.migrate, one.migrate);
    append(plan.contract.steps, one.contract.steps);
  }

  const DraftOptions& options_;
  const TableLookup& lookup_;
  std::string name_;
  std::string required_;
  Entries entries_;
  std::string text_;
};

}  // namespace
}  // namespace plan_file

Drafted draft_plans(const std::vector<MigrationStatement>& statements, const TableLookup& lookup) {
  const auto has_change = [](std::string_view kind) {
    const Kind* found = find_kind(kind);
    return found != nullptr && found->phase == "change";
  };
  return draft_migration(statements, {lookup, plan_file::bears_both_images, has_change});
}

DraftFiles write_drafts(const std::vector<DraftEntry>& entries, const DraftOptions& options) {
  DraftFiles result;
  const TableLookup nowhere;
  // Only the first plan starts from what the database is like now.
  std::optional<plan_file::Draft> draft(std::in_place, options, options.lookup, options.name, "");
  std::string last = options.name;
  std::set<std::string> named;  // columns that entries before speak of: what the catalog says of them holds no longer
  for (const DraftEntry& entry : entries) {
    const std::set<std::string> columns = plan_file::columns_of(entry);
    const bool known = std::ranges::none_of(columns, [&](const std::string& column) { return named.contains(column); });
    named.insert(columns.begin(), columns.end());
    auto why = draft->add(entry);
    const bool stands_alone = !known || !plan_file::Draft(options, options.lookup, options.name, "").add(entry);
    if (why && stands_alone && !draft->empty()) {
      result.files.push_back(draft->file());
      const std::string name = options.name.substr(0, 60) + "-" + std::to_string(result.files.size() + 1);
      draft.emplace(options, nowhere, name, std::exchange(last, name));
      why = draft->add(entry);
    }
    if (!why) continue;
    const bool said = why->message.starts_with(entry.kind);
    result.refused.push_back({entry.place, (said ? "" : entry.kind + ": ") + why->message, why->hint});
  }
  if (!draft->empty()) result.files.push_back(draft->file());
  return result;
}

std::string plan_name_from(std::string_view text) {
  std::string name;
  for (const char c : text) {
    const bool fits = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
    if (fits)
      name += c;
    else if (!name.empty() && name.back() != '-')
      name += '-';
  }
  name = name.substr(0, 60);
  while (name.ends_with('-')) name.pop_back();
  return name.empty() ? "plan" : name;
}

}  // namespace switchback
