#include "change_partition.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <optional>

#include "change_parts.hpp"
#include "change_steps.hpp"

namespace switchback::changing {
namespace {

using std::chrono::days;
using std::chrono::months;
using std::chrono::sys_days;
using std::chrono::year_month_day;
using std::chrono::years;

constexpr std::size_t most_partitions = 1000;

/// 2026-03-01, or 2026-03 for the first of it.
std::optional<year_month_day> parse_date(std::string_view text) {
  std::array<int, 3> parts = {0, 0, 1};
  std::size_t given = 0;
  for (const char* at = text.data(); given < parts.size();) {
    const auto [end, error] = std::from_chars(at, text.data() + text.size(), parts[given]);
    if (error != std::errc() || parts[given] < 0) return std::nullopt;
    ++given;
    if (end == text.data() + text.size()) break;
    if (*end != '-') return std::nullopt;
    at = end + 1;
  }
  const year_month_day date{std::chrono::year(parts[0]), std::chrono::month(static_cast<unsigned>(parts[1])),
                            std::chrono::day(static_cast<unsigned>(parts[2]))};
  return given >= 2 && date.ok() && parts[0] >= 1 && parts[0] <= 9999 ? std::optional(date) : std::nullopt;
}

std::string written(const year_month_day& date, const char* format) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), format, static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()));
  return text.data();
}

class Partitioning {
 public:
  Partitioning(Plan& plan, const ChangePartition& change, Place place, std::optional<TableFacts> facts)
      : plan_(plan),
        change_(change),
        place_(place),
        facts_(std::move(facts)),
        new_name_{change.table.schema, fit_name(change.table.name + "_new")} {}

  void run() {
    if (facts_) refuse_what_cannot_go_over();
    CreateTable made;
    made.name = new_name_;
    made.like = change_.table;
    made.partition_by = std::string(change_.by == PartitionBy::range  ? "RANGE"
                                    : change_.by == PartitionBy::list ? "LIST"
                                                                      : "HASH") +
                        " (" + quote_identifier(change_.key) + ")";
    made.partitions = partitions();
    const std::vector<std::string> key = primary_key(made);
    if (facts_) copy_constraints(made);
    put_step(plan_.expand, place_, std::move(made));
    put_step(plan_.migrate, place_, CopyTable{change_.table, new_name_, key, {}});
    if (facts_) copy_indexes();
    put_step(plan_.contract.steps, place_, ReplaceTable{change_.table, new_name_, names_});
  }

 private:
  [[noreturn]] void stop(const std::string& why, const std::string& hint) const {
    refuse_change(plan_, place_, "partition_table: " + shown(change_.table) + " " + why, hint);
  }

  void refuse_what_cannot_go_over() const {
    if (facts_->kind != 'r') stop("is partitioned already", "partitions are added by sql, or by pg_partman");
    const ColumnFacts* column = facts_->column(change_.key);
    if (column == nullptr)
      stop("has no column " + shown(std::string_view(change_.key)), "name one to part the rows by");
    if (column->generated) stop("has a generated column as key, by which no table is partitioned", "name another one");
    const auto in_key = [&](const std::string& name) {
      return std::ranges::find(change_.primary_key, name) != change_.primary_key.end();
    };
    for (const ColumnFacts& one : facts_->columns) {
      if (in_key(one.name) && (!one.not_null || one.generated))
        stop("has " + shown(std::string_view(one.name)) +
                 (one.generated ? " as a generated column" : " without NOT NULL") + ": it cannot be in the primary key",
             one.generated ? "leave it out of primary_key" : "set_not_null it first, in a plan of its own");
      if (one.identity && !is_in_old_key(one.name))
        stop("has the identity column " + shown(std::string_view(one.name)) + " outside its primary key",
             "make it a plain column with a default from a sequence first");
    }
    for (const std::string& name : change_.primary_key)
      if (facts_->column(name) == nullptr) stop("has no column " + shown(std::string_view(name)), "see primary_key");
    for (const TriggerFacts& trigger : facts_->triggers)
      if (trigger.definition.starts_with("CREATE CONSTRAINT TRIGGER"))
        stop("has the constraint trigger " + shown(std::string_view(trigger.name)), "make it a plain trigger first");
    for (const TriggerFacts& trigger : facts_->triggers)
      if (trigger.definition.find(" REFERENCING ") != std::string::npos &&
          trigger.definition.find(" FOR EACH ROW ") != std::string::npos)
        stop("has the trigger " + shown(std::string_view(trigger.name)) +
                 ", for each row with transition tables, which a partitioned table cannot have",
             "make it one for each statement first");
  }

  const IndexFacts* old_key() const {
    if (!facts_) return nullptr;
    const auto found = std::ranges::find_if(facts_->indexes, &IndexFacts::primary);
    return found == facts_->indexes.end() ? nullptr : &*found;
  }
  bool is_in_old_key(const std::string& column) const {
    const IndexFacts* key = old_key();
    return key != nullptr && std::ranges::find(key->columns, column) != key->columns.end();
  }

  /// Of the new table: the old one's columns and the partition key, as the plan says.
  std::vector<std::string> primary_key(CreateTable& made) {
    std::vector<std::string> key = change_.primary_key;
    if (facts_) {
      const IndexFacts* old_one = old_key();
      if (old_one == nullptr || !old_one->immediate)
        stop(old_one == nullptr ? "has no primary key: its rows could not be told apart"
                                : "has a deferrable primary key: its rows may be twice for a moment",
             "give it a plain one first");
      if (key.empty()) key = old_one->columns;
      for (const std::string& column : old_one->columns)
        if (std::ranges::find(key, column) == key.end())
          stop("would lose " + shown(std::string_view(column)) + " from its primary key", "add it to primary_key");
      const std::string name = fit_name(old_one->name.name + "_new");
      names_.emplace_back(old_one->name.name, name);
      made.constraints.push_back("CONSTRAINT " + quote_identifier(name) + " PRIMARY KEY (" + listed(key) + ")");
    }
    if (key.empty())
      refuse_change(plan_, place_, "partition_table: without a database the primary key is not known",
                    "give primary_key: [columns], the partition key among them");
    if (!facts_) made.primary_key = key;
    if (std::ranges::find(key, change_.key) == key.end()) {
      std::vector<std::string> longer = key;
      longer.push_back(change_.key);
      stop("has a primary key without " + shown(std::string_view(change_.key)) +
               ": a partitioned table is unique only together with what parts it",
           "if " + shown_list(key) + " need not be unique by itself once the old table is gone, say primary_key: [" +
               shown_list(longer) + "]");
    }
    return key;
  }

  static std::string shown_list(const std::vector<std::string>& columns) {
    std::string text;
    for (const std::string& column : columns) text += (text.empty() ? "" : ", ") + shown(std::string_view(column));
    return text;
  }
  static std::string listed(const std::vector<std::string>& columns) {
    std::string text;
    for (const std::string& column : columns) text += (text.empty() ? "" : ", ") + quote_identifier(column);
    return text;
  }

  ColumnExpressions partitions() const {
    ColumnExpressions all = change_.partitions;
    const auto named = [&](const std::string& suffix) { return fit_name(change_.table.name + "_" + suffix); };
    for (int i = 0; i < change_.modulus; ++i)
      all.emplace_back(named("p" + std::to_string(i)), "FOR VALUES WITH (MODULUS " + std::to_string(change_.modulus) +
                                                           ", REMAINDER " + std::to_string(i) + ")");
    if (!change_.every.empty()) stretches(all, named);
    const bool has_default = std::ranges::any_of(all, [](const auto& one) { return lower(one.second) == "default"; });
    if (change_.by != PartitionBy::hash && !has_default) all.emplace_back(named("default"), "DEFAULT");
    return all;
  }

  template <class Named>
  void stretches(ColumnExpressions& all, const Named& named) const {
    const auto from = parse_date(change_.from);
    const auto to = parse_date(change_.to);
    if (!from || !to || sys_days(*from) >= sys_days(*to))
      refuse_change(plan_, place_, "partition_table: from and to must be dates, from the earlier one",
                    "from: 2026-01-01, to: 2027-01-01: the last partition ends before the second");
    const ColumnFacts* column = facts_ ? facts_->column(change_.key) : nullptr;
    // A date alone would mean another instant in each session's time zone.
    const char* zone =
        column != nullptr && column->type.find("with time zone") != std::string::npos ? " 00:00:00+00" : "";
    for (year_month_day at = *from; sys_days(at) < sys_days(*to);) {
      const year_month_day next = after(at);
      if (!next.ok())
        refuse_change(plan_, place_, "partition_table: every month needs a from that each month has",
                      "begin on the first of a month");
      if (all.size() == most_partitions)
        refuse_change(plan_, place_, "partition_table: that would be more than 1000 partitions", "take longer ones");
      all.emplace_back(named(written(at, suffix())), "FOR VALUES FROM ('" + written(at, "%04d-%02u-%02u") + zone +
                                                         "') TO ('" + written(next, "%04d-%02u-%02u") + zone + "')");
      at = next;
    }
  }

  year_month_day after(const year_month_day& at) const {
    if (change_.every == "day") return {sys_days(at) + days(1)};
    if (change_.every == "week") return {sys_days(at) + days(7)};
    if (change_.every == "month") return at + months(1);
    if (change_.every == "year") return at + years(1);
    refuse_change(plan_, place_, "partition_table: every must be day, week, month or year", "take one of them");
  }
  const char* suffix() const {
    if (change_.every == "month") return "%04d_%02u";
    return change_.every == "year" ? "%04d" : "%04d_%02u_%02u";
  }

  /// Checks come by LIKE. The new table is empty: a foreign key has nothing to read.
  void copy_constraints(CreateTable& made) {
    for (const ConstraintFacts& one : facts_->constraints) {
      const std::string what = "the constraint " + shown(std::string_view(one.name));
      if (one.type == 'x')
        stop("has " + what + ", which excludes: a partitioned table cannot have it", "drop it first");
      if ((one.type == 'c' || one.type == 'f') && !one.validated)
        stop("has " + what + ", which is not validated", "ALTER TABLE … VALIDATE CONSTRAINT first");
      if (one.type == 'u') copy_unique(made, one);
      if (one.type != 'f') continue;
      const std::string_view actions = split_at(one.definition, " ON ").second;
      if (!actions.empty() && actions.find("ON DELETE RESTRICT") == std::string_view::npos &&
          actions.find("ON UPDATE RESTRICT") == std::string_view::npos)
        stop("has " + what +
                 ", which deletes or changes rows by itself: both tables would be written in an order that "
                 "nobody sets",
             "make it one without an action for the time of the plan");
      made.constraints.push_back("CONSTRAINT " + quote_identifier(one.name) + " " + one.definition);
    }
  }

  void copy_unique(CreateTable& made, const ConstraintFacts& one) {
    if (std::ranges::find(one.columns, change_.key) == one.columns.end()) refuse_unique(one.name);
    if (one.definition.find("DEFERRABLE") != std::string::npos)
      stop("has the unique constraint " + shown(std::string_view(one.name)) + ", which is deferrable",
           "make it a plain one first");
    const std::string name = fit_name(one.name + "_new");
    names_.emplace_back(one.name, name);
    made.constraints.push_back("CONSTRAINT " + quote_identifier(name) + " " + one.definition);
  }

  [[noreturn]] void refuse_unique(const std::string& name) const {
    stop("is unique by " + shown(std::string_view(name)) + ", which does not contain " +
             shown(std::string_view(change_.key)) + ": a partitioned table cannot keep that",
         "drop it first where the application does not rest on it, or part the rows by a column that is in it");
  }

  void copy_indexes() {
    for (const IndexFacts& index : facts_->indexes) {
      if (index.primary || index.constraint || !index.valid) continue;
      if (index.unique && std::ranges::find(index.columns, change_.key) == index.columns.end())
        refuse_unique(index.name.name);
      const auto tail = split_at(index.definition, " USING ").second;
      CreateIndex twin;
      twin.table = new_name_;
      for (const std::string& column : index.columns)
        if (!column.empty()) twin.columns.push_back(column);
      twin.unique = index.unique;
      twin.name = fit_name(index.name.name + "_new");
      twin.definition = std::string(index.unique ? "CREATE UNIQUE INDEX " : "CREATE INDEX ") +
                        quote_identifier(*twin.name) + " ON " + quoted(new_name_) + std::string(tail);
      names_.emplace_back(index.name.name, *twin.name);
      put_step(plan_.migrate, place_, std::move(twin));
    }
  }

  Plan& plan_;
  const ChangePartition& change_;
  Place place_;
  std::optional<TableFacts> facts_;
  TableName new_name_;
  std::vector<std::pair<std::string, std::string>> names_;
};

}  // namespace

void expand_partition(Plan& plan, const ChangePartition& change, Place place, const TableLookup& lookup) {
  auto facts = lookup ? lookup(change.table) : std::nullopt;
  Partitioning(plan, change, place, std::move(facts)).run();
}

}  // namespace switchback::changing
