#include "switchback/plan_file/plan_writer.hpp"

#include <yaml-cpp/emitter.h>
#include <yaml-cpp/emittermanip.h>

#include <algorithm>
#include <array>

#include "switchback/core/rule.hpp"
#include "switchback/core/units.hpp"

namespace switchback {
namespace {

/// A column or index name as the reader folds it back.
std::string identifier(const std::string& name) {
  return shown(std::string_view(name));
}

/// An index's key: an expression stays as it is.
std::string index_key(const std::string& key) {
  return key.starts_with('(') ? key : identifier(key);
}

class Writer {
 public:
  /// The emitter leaves DEL bare between double quotes, where scalar() puts it; the reader takes it escaped only.
  std::string text() const {
    std::string text;
    for (const char c : std::string_view(out_.c_str()))
      if (c == '\x7f')
        text += "\\x7f";
      else
        text += c;
    return text + "\n";
  }

  void plan(const Plan& plan) {
    out_ << YAML::BeginMap;
    pair("plan", plan.name);
    if (!plan.description.empty()) pair("description", plan.description);
    if (plan.rolls_forward) pair("rolls_forward", plan.rolls_forward->plan + "@" + plan.rolls_forward->hash);
    if (!plan.requires_plans.empty()) list("requires", plan.requires_plans);
    images(plan.images);
    if (!plan.external_checked.empty()) {
      out_ << YAML::Key << "external" << YAML::Value << YAML::BeginMap;
      list("checked", plan.external_checked);
      out_ << YAML::EndMap;
    }
    readers(plan.readers);
    turn_back(plan.turn_back);
    smoke(plan.smoke);
    settings(plan.settings);
    if (!plan.changes.empty()) changes(plan.changes);
    if (!plan.expand.empty()) steps("expand", plan.expand);
    if (!plan.migrate.empty()) steps("migrate", plan.migrate);
    contract(plan.contract);
    out_ << YAML::EndMap;
  }

 private:
  /// What the emitter would leave bare must not read as a list, a map or null, nor hold what no reader takes bare.
  void scalar(const std::string& value) {
    const bool control = std::ranges::any_of(value, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
    if (control || value.starts_with('-') || value.starts_with('?'))
      out_ << YAML::DoubleQuoted << value;
    else
      out_ << value;
  }
  void pair(std::string_view key, const std::string& value) {
    out_ << YAML::Key;
    scalar(std::string(key));
    out_ << YAML::Value;
    scalar(value);
  }
  void pair(std::string_view key, const std::optional<std::string>& value) {
    if (value) pair(key, *value);
  }
  void flag(std::string_view key, bool value) {
    if (value) out_ << YAML::Key << std::string(key) << YAML::Value << "true";
  }
  void list(std::string_view key, const std::vector<std::string>& values) {
    out_ << YAML::Key << std::string(key) << YAML::Value << YAML::Flow << YAML::BeginSeq;
    for (const std::string& value : values) scalar(value);
    out_ << YAML::EndSeq;
  }
  void open(std::string_view key) { out_ << YAML::Key << std::string(key) << YAML::Value << YAML::BeginMap; }
  void close() { out_ << YAML::EndMap; }

  void images(const Images& images) {
    if (!images.before && !images.after) return;
    open("images");
    pair("before", images.before);
    pair("after", images.after);
    close();
  }

  void readers(const std::vector<TolerantReader>& readers) {
    if (readers.empty()) return;
    out_ << YAML::Key << "readers" << YAML::Value << YAML::BeginSeq;
    for (const TolerantReader& reader : readers) {
      out_ << YAML::Flow << YAML::BeginMap;
      if (reader.role) pair("role", identifier(*reader.role));
      pair("application", reader.application);
      pair("star", std::string("tolerated"));
      out_ << YAML::EndMap;
    }
    out_ << YAML::EndSeq;
  }

  void turn_back(const std::vector<AlertSource>& sources) {
    if (sources.empty()) return;
    out_ << YAML::Key << "turn_back" << YAML::Value << YAML::BeginSeq;
    for (const AlertSource& source : sources) {
      out_ << YAML::BeginMap;
      if (source.kind == AlertSource::Kind::health) {
        pair(name(source.kind), source.query);
        out_ << YAML::EndMap;
        continue;
      }
      open(name(source.kind));
      if (!source.url.empty()) pair("url", source.url);
      if (!source.match.empty()) list("match", source.match);
      if (!source.query.empty()) pair(source.kind == AlertSource::Kind::sql ? "run" : "query", source.query);
      if (source.expect != AlertSource{}.expect) pair("expect", std::to_string(source.expect));
      if (!source.replica.empty()) pair("on", "replica " + source.replica);
      if (!source.ca.empty()) pair("ca", source.ca);
      if (!source.token_env.empty()) pair("token_env", source.token_env);
      if (!source.required) pair("required", std::string("false"));
      if (source.clear != default_clear(source.kind)) pair("clear", format_duration(source.clear));
      if (source.every != default_every(source.kind)) pair("every", format_duration(source.every));
      if (source.timeout != AlertSource{}.timeout) pair("timeout", format_duration(source.timeout));
      close();
      out_ << YAML::EndMap;
    }
    out_ << YAML::EndSeq;
  }

  void smoke(const std::vector<std::string>& statements) {
    if (statements.empty()) return;
    out_ << YAML::Key << "smoke" << YAML::Value << YAML::BeginSeq;
    for (const std::string& sql : statements) scalar(sql);
    out_ << YAML::EndSeq;
  }

  /// Dotted keys as nested maps; each key is written where its first relative stands.
  void settings(const std::vector<std::pair<std::string, std::string>>& settings, const std::string& prefix = {}) {
    std::vector<std::string> written;
    for (const auto& [key, value] : settings) {
      if (!key.starts_with(prefix)) continue;
      const std::string rest = key.substr(prefix.size());
      const std::string part = rest.substr(0, rest.find('.'));
      if (std::find(written.begin(), written.end(), part) != written.end()) continue;
      written.push_back(part);
      if (prefix + part == "health.replicas") {
        replicas(settings);
      } else if (part == rest) {
        pair(part, value);
      } else {
        open(part);
        this->settings(settings, prefix + part + ".");
        close();
      }
    }
  }
  void replicas(const std::vector<std::pair<std::string, std::string>>& settings) {
    const std::string prefix = "health.replicas.";
    out_ << YAML::Key << "replicas" << YAML::Value << YAML::BeginSeq;
    for (const auto& [key, value] : settings) {
      if (!key.starts_with(prefix)) continue;
      out_ << YAML::BeginMap;
      pair("name", key.substr(prefix.size()));
      pair("policy", value);
      out_ << YAML::EndMap;
    }
    out_ << YAML::EndSeq;
  }

  void changes(const std::vector<Change>& changes) {
    out_ << YAML::Key << "change" << YAML::Value << YAML::BeginSeq;
    for (const Change& change : changes) {
      out_ << YAML::BeginMap;
      std::visit([this](const auto& what) { write(what); }, change.what);
      close();
      out_ << YAML::EndMap;
    }
    out_ << YAML::EndSeq;
  }

  void steps(std::string_view key, const std::vector<Step>& steps) {
    out_ << YAML::Key << std::string(key) << YAML::Value << YAML::BeginSeq;
    for (const Step& step : steps) {
      out_ << YAML::BeginMap;
      open(kind(step.action));
      std::visit([this](const auto& action) { write(action); }, step.action);
      close();
      out_ << YAML::EndMap;
    }
    out_ << YAML::EndSeq;
  }

  void contract(const Contract& contract) {
    if (!contract.observe && !contract.soak && !contract.archive && !contract.approvals && !contract.brownout &&
        contract.allow_silent.empty() && contract.steps.empty())
      return;
    open("contract");
    if (contract.observe) pair("observe", format_duration(*contract.observe));
    if (contract.soak) pair("soak", format_duration(*contract.soak));
    if (contract.archive && contract.archive->keep) pair("archive", format_duration(*contract.archive->keep));
    if (contract.archive && contract.archive->none) {
      open("archive");
      pair("none", contract.archive->none);
      close();
    }
    if (contract.approvals) pair("approvals", std::to_string(*contract.approvals));
    if (contract.brownout && contract.brownout->empty()) pair("brownout", std::string("none"));
    if (contract.brownout && !contract.brownout->empty()) {
      std::vector<std::string> stretches;
      for (const auto length : *contract.brownout) stretches.push_back(format_duration(length));
      list("brownout", stretches);
    }
    if (!contract.allow_silent.empty()) names("allow_silent", contract.allow_silent);
    if (!contract.steps.empty()) steps("steps", contract.steps);
    close();
  }

  void names(std::string_view key, const std::vector<std::string>& columns) {
    std::vector<std::string> written;
    written.reserve(columns.size());
    for (const std::string& column : columns) written.push_back(index_key(column));
    list(key, written);
  }
  void expressions(std::string_view key, const ColumnExpressions& expressions) {
    if (expressions.empty()) return;
    open(key);
    // `none` alone would read as `reverse: { none: reason }`.
    for (const auto& [column, sql] : expressions)
      pair(column == "none" ? quote_identifier(column) : identifier(column), sql);
    close();
  }

  void write(const ChangeAddColumn& change) {
    open("add_column");
    table_and("name", change.table, change.name);
    pair("type", change.type);
    pair("default", change.default_value);
    pair("fill", change.fill);
    flag("not_null", change.not_null);
  }
  void write(const ChangeDropColumn& change) {
    open("drop_column");
    table_and("name", change.table, change.name);
    pair("born_since", change.born_since);
  }
  void write(const ChangeRenameColumn& change) {
    open("rename_column");
    table_and("from", change.table, change.from);
    pair("to", identifier(change.to));
  }

  void write(const ChangeRenameTable& change) {
    open("rename_table");
    table_and("to", change.table, change.to);
  }

  void reverse_none(const std::optional<std::string>& reason) {
    if (!reason) return;
    open("reverse");
    pair("none", reason);
    close();
  }
  void write(const ChangeSplitColumn& change) {
    open("split_column");
    table_and("from", change.table, change.from);
    expressions("into", change.into);
    expressions("types", change.types);
    pair("reverse", change.reverse);
    reverse_none(change.reverse_none);
  }
  void write(const ChangeMergeColumns& change) {
    open("merge_columns");
    pair("table", shown(change.table));
    names("from", change.from);
    pair("into", identifier(change.into));
    pair("type", change.type);
    pair("fill", change.fill);
    expressions("reverse", change.reverse);
    reverse_none(change.reverse_none);
  }
  void write(const ChangeStep& change) {
    open(std::holds_alternative<SetDefault>(change.action) ? "change_default" : kind(change.action));
    std::visit([this](const auto& action) { write(action); }, change.action);
  }

  void write(const ChangeTighten& change) {
    open(kind(action_of(change.rule)));
    std::visit([this](const auto& rule) { write(rule); }, change.rule);
    if (change.remove) pair("fix", std::string("delete"));
    expressions("fix", change.set);
  }

  void write(const ChangeType& change) {
    open("change_type");
    table_and("column", change.table, change.column);
    pair("to", change.to);
    pair("fill", change.fill);
    pair("reverse", change.reverse);
    pair("default", change.default_value);
  }

  void write(const ChangeReplaceEnum& change) {
    open("replace_enum");
    pair("type", shown(change.type));
    lines("values", change.values);
    expressions("becomes", change.becomes);
    expressions("reverse", change.reverse);
    std::vector<std::string> tables;
    for (const TableName& table : change.tables) tables.push_back(shown(table));
    lines("tables", tables);
  }

  void table_and(std::string_view key, const TableName& table, const std::string& name) {
    pair("table", shown(table));
    pair(key, identifier(name));
  }

  void write(const AddColumn& step) {
    table_and("name", step.table, step.name);
    if (!step.type.empty()) pair("type", step.type);
    pair("default", step.default_value);
    flag("not_null", step.not_null);
    if (step.like) pair("like", identifier(*step.like));
  }
  void write(const CreateIndex& step) {
    pair("table", shown(step.table));
    if (!step.columns.empty()) keys(step);
    pair("where", step.where);
    flag("unique", step.unique);
    flag("nulls_not_distinct", step.nulls_not_distinct);
    if (step.method != "btree") pair("method", identifier(step.method));
    if (step.name) pair("name", identifier(*step.name));
    if (!step.include.empty()) names("include", step.include);
    parameters("with", step.with);
    pair("definition", step.definition);
    flag("constraint", step.constraint);
  }
  void keys(const CreateIndex& step) {
    if (step.keys.empty()) return names("columns", step.columns);
    out_ << YAML::Key << "columns" << YAML::Value << YAML::BeginSeq;
    for (const std::string& column : step.columns) {
      const auto key = std::ranges::find(step.keys, column, &IndexKey::key);
      if (key == step.keys.end()) {
        scalar(index_key(column));
        continue;
      }
      out_ << YAML::Flow << YAML::BeginMap;
      pair("column", index_key(column));
      pair("collate", key->collation);
      pair("opclass", key->opclass);
      if (key->descending) pair("order", std::string("desc"));
      if (key->nulls_first) pair("nulls", std::string(*key->nulls_first ? "first" : "last"));
      out_ << YAML::EndMap;
    }
    out_ << YAML::EndSeq;
  }
  void parameters(std::string_view key, const ColumnExpressions& set) {
    if (set.empty()) return;
    open(key);
    for (const auto& [name, value] : set)
      if (value.empty())
        out_ << YAML::Key << name << YAML::Value << YAML::Null;
      else
        pair(name, value);
    close();
  }
  void write(const DropNotNull& step) { table_and("column", step.table, step.column); }
  void write(const SetNotNull& step) { table_and("column", step.table, step.column); }
  void write(const SetDefault& step) {
    table_and("column", step.table, step.column);
    pair("default", step.default_value);
  }
  void write(const Sql& step) {
    pair("run", step.run);
    pair("undo", step.undo);
    pair("irreversible", step.irreversible);
  }
  void write(const Backfill& step) {
    pair("table", shown(step.table));
    expressions("set", step.set);
    expressions("reverse", step.reverse);
    reverse_none(step.reverse_none);
    pair("where", step.where);
    batch(step.batch);
    flag("exact", step.exact);
    if (step.on_error == OnError::reject) pair("on_error", std::string("reject"));
    if (step.user_triggers)
      pair("user_triggers", std::string(*step.user_triggers == UserTriggers::fire ? "fire" : "skip"));
    if (step.master) pair("master", std::string(*step.master == Master::old_side ? "old" : "new"));
  }
  void batch(const BatchLimits& batch) {
    if (!batch.target && !batch.max_wal) return;
    open("batch");
    if (batch.target) pair("target", format_duration(*batch.target));
    if (batch.max_wal) pair("max_wal", std::to_string(*batch.max_wal) + "B");
    close();
  }
  void write(const Verify& step) {
    pair("table", shown(step.table));
    pair("check", step.check);
  }
  void rule_of_fix(const SetNotNull& rule) { pair("not_null", identifier(rule.column)); }
  void rule_of_fix(const AddCheck& rule) { pair("check", rule.check); }
  void rule_of_fix(const AddUnique& rule) { names("unique", rule.columns); }
  void rule_of_fix(const AddForeignKey& rule) {
    names("foreign_key", rule.columns);
    references(rule);
  }
  void references(const AddForeignKey& rule) {
    std::string columns;
    for (const std::string& column : rule.referenced_columns)
      columns += (columns.empty() ? "" : ", ") + identifier(column);
    pair("references", shown(rule.referenced) + "(" + columns + ")");
  }
  void write(const Fix& step) {
    pair("table", shown(step.table));
    std::visit([this](const auto& rule) { rule_of_fix(rule); }, step.rule);
    expressions("set", step.set);
    flag("delete", step.remove);
    batch(step.batch);
  }
  void write(const AddCheck& step) {
    pair("table", shown(step.table));
    pair("check", step.check);
    if (step.name) pair("name", identifier(*step.name));
  }
  void write(const AddForeignKey& step) {
    pair("table", shown(step.table));
    names("columns", step.columns);
    references(step);
    if (step.on_delete != KeyAction::no_action) pair("on_delete", std::string(name(step.on_delete)));
    if (step.on_update != KeyAction::no_action) pair("on_update", std::string(name(step.on_update)));
    if (step.name) pair("name", identifier(*step.name));
  }
  void write(const AddUnique& step) {
    pair("table", shown(step.table));
    names("columns", step.columns);
    if (step.name) pair("name", identifier(*step.name));
    flag("index", step.index);
  }
  void write(const DropColumn& step) {
    table_and("name", step.table, step.name);
    pair("born_since", step.born_since);
  }
  void write(const ReplaceColumn& step) {
    table_and("column", step.table, step.column);
    pair("with", identifier(step.with));
    if (step.names.empty()) return;
    open("names");
    for (const auto& [name, twin] : step.names) pair(identifier(name), identifier(twin));
    close();
  }
  void write(const DropIndex& step) { pair("name", shown(step.name)); }
  void write(const DropConstraint& step) { table_and("name", step.table, step.name); }
  void write(const DropTable& step) { pair("name", shown(step.name)); }
  void write(const DropView& step) { pair("name", shown(step.name)); }
  void write(const DropType& step) { pair("name", shown(step.name)); }
  void write(const DropFunction& step) {
    pair("name", shown(step.name));
    if (!step.arguments.empty()) pair("arguments", step.arguments);
  }

  void write(const CreateTable& step) {
    pair("name", shown(step.name));
    expressions("columns", step.columns);
    if (!step.primary_key.empty()) names("primary_key", step.primary_key);
    if (!step.constraints.empty()) lines("constraints", step.constraints);
    pair("partition_by", step.partition_by);
    expressions("partitions", step.partitions);
  }
  void write(const CreateEnum& step) {
    pair("name", shown(step.name));
    lines("values", step.values);
  }
  void write(const AddEnumValue& step) {
    pair("type", shown(step.type));
    pair("value", step.value);
    pair("before", step.before);
    pair("after", step.after);
  }
  void write(const CreateView& step) {
    pair("name", shown(step.name));
    if (!step.like) return pair("query", step.query);
    pair("like", shown(*step.like));
    if (!step.columns.empty()) {
      open("columns");
      for (const auto& [name, column] : step.columns) pair(identifier(name), identifier(column));
      close();
    }
    if (!step.without.empty()) names("without", step.without);
  }
  void write(const RenameTable& step) { table_and("to", step.table, step.to); }
  void write(const ReplaceType& step) {
    pair("type", shown(step.type));
    pair("with", identifier(step.with));
  }
  void write(const SetComment& step) {
    const bool part = step.what == Commented::column || step.what == Commented::constraint;
    pair(part || step.what == Commented::table ? "table"
         : step.what == Commented::view        ? "view"
         : step.what == Commented::index       ? "index"
                                               : "type",
         shown(step.name));
    if (part) pair(step.what == Commented::column ? "column" : "constraint", identifier(step.part));
    pair("comment", step.comment);
  }

  void write(const DropDefault& step) { table_and("column", step.table, step.column); }
  void write(const RenameIndex& step) {
    pair("name", shown(step.name));
    pair("to", identifier(step.to));
  }
  void write(const RenameConstraint& step) {
    table_and("name", step.table, step.name);
    pair("to", identifier(step.to));
  }
  void write(const SetStorageParameters& step) {
    pair(step.index ? "index" : "table", shown(step.name));
    parameters("set", step.set);
  }
  void write(const SetReplicaIdentity& step) {
    constexpr std::array<std::string_view, 3> words = {"default", "full", "nothing"};
    pair("table", shown(step.table));
    if (step.identity == Identity::index)
      pair("index", identifier(step.index));
    else
      pair("identity", std::string(words.at(static_cast<std::size_t>(step.identity))));
  }
  void write(const SetStatistics& step) {
    table_and("column", step.table, step.column);
    pair("target", std::to_string(step.target));
  }
  void write(const SetStorage& step) {
    table_and("column", step.table, step.column);
    pair("storage", step.storage);
    pair("compression", step.compression);
  }
  void write(const SqlBatched& step) {
    pair("table", shown(step.table));
    pair("run", step.run);
    pair("undo", step.undo);
    pair("irreversible", step.irreversible);
    batch(step.batch);
  }
  void write(const AddExclusion& step) {
    pair("table", shown(step.table));
    if (step.method != "gist") pair("method", identifier(step.method));
    open("elements");
    for (const auto& [key, with] : step.elements) pair(index_key(key), with);
    close();
    pair("where", step.where);
    if (step.name) pair("name", identifier(*step.name));
    pair("lock", step.lock);
  }

  /// Texts that may be long: one a line.
  void lines(std::string_view key, const std::vector<std::string>& texts) {
    out_ << YAML::Key << std::string(key) << YAML::Value << YAML::BeginSeq;
    for (const std::string& text : texts) scalar(text);
    out_ << YAML::EndSeq;
  }

  YAML::Emitter out_;
};

}  // namespace

std::string to_yaml(const Plan& plan) {
  Writer writer;
  writer.plan(plan);
  return writer.text();
}

}  // namespace switchback
