#include "inverse_definitions.hpp"

#include <algorithm>

#include "server_names.hpp"
#include "switchback/core/change.hpp"

namespace switchback {
namespace {

Step step(Action action) {
  return {std::move(action), {}};
}

Sql sql_with(std::string run, std::string undo) {
  return {std::move(run), std::move(undo), {}};
}

Sql sql_without_undo(std::string run, std::string why) {
  return {std::move(run), {}, std::move(why)};
}

/// Everything up to and with the identifier behind `word`.
std::string through_name(const std::string& sql, std::string_view word) {
  const std::string_view rest = behind(sql, word);
  std::size_t length = 0;
  name_parts(rest, &length);
  return sql.substr(0, sql.size() - rest.size() + length);
}

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  const auto at = text.find(what);
  return at == std::string::npos ? text : text.replace(at, what.size(), by);
}

class Reading {
 public:
  explicit Reading(const InverseFacts& facts) : facts_(facts) {}

  MadeAgain run() {
    for (const WholeTaken& one : facts_.wholes)
      if (one.object.kind == Structure::Kind::table && !one.now.empty()) hidden_table(one);
    for (const KnownDefinition& one : facts_.definitions) read(one);
    std::ranges::move(last_, std::back_inserter(out_.at_last));
    return std::move(out_);
  }

 private:
  void hidden_table(const WholeTaken& table) {
    const std::string home = quote_identifier(table.object.name.schema);
    const std::string here = table.object.identity;
    const std::string schema = quote_identifier(name_parts(table.now).front());
    out_.before_columns.push_back(step(
        sql_with("ALTER TABLE " + table.now + " SET SCHEMA " + home, "ALTER TABLE " + here + " SET SCHEMA " + schema)));
  }

  void read(const KnownDefinition& one) {
    const std::string& kind = one.kind;
    if (kind == "column") return column(one);
    if (kind == "default") return default_value(one);
    if (kind == "sequence" || kind == "comment" || kind == "grant") return out_.extras.push_back(one.definition);
    if (kind == "relax") return relax(one);
    if (kind == "index") return index(one);
    if (kind == "index_comment" || kind == "statistics") return of_index(one);
    if (kind == "index_use") return last_.push_back(step(sql_without_undo(one.definition, "it goes with its index")));
    if (kind == "constraint") return constraint(one);
    if (kind == "validate") return validate(one);
    if (kind == "constraint_comment") return to_last_enforced(one.definition);
    if (kind == "not_null") return not_null(one);
    if (kind == "identity") return identity(one);
    if (kind == "sequence_value")
      return last_.push_back(step(sql_without_undo(one.definition, "where a sequence stands is no harm")));
    if (kind == "object" || kind == "late_object") return object(one);
    // taken, moved: facts of their own; analyze: the server does that by itself
  }

  LostColumn* find(const std::vector<std::string>& parts) {
    if (parts.size() != 3) return nullptr;
    const auto found = std::ranges::find_if(out_.columns, [&](const LostColumn& column) {
      return column.table == table_in(parts) && column.name == parts[2];
    });
    return found == out_.columns.end() ? nullptr : &*found;
  }

  void column(const KnownDefinition& one) {
    const std::vector<std::string> parts = name_parts(one.structure);
    std::string_view type = behind(one.definition, " ADD COLUMN ");
    if (type.empty() || find(parts) != nullptr) return out_.extras.push_back(one.definition);
    std::size_t length = 0;
    name_parts(type, &length);
    type.remove_prefix(std::min(type.size(), length + 1));
    out_.columns.push_back({table_in(parts), parts.back(), std::string(type), {}, false});
  }

  void default_value(const KnownDefinition& one) {
    const std::string expression(behind(one.definition, " SET DEFAULT "));
    LostColumn* column = find(name_parts(one.structure));
    if (column != nullptr && is_constant(expression))
      column->default_value = expression;
    else
      out_.extras.push_back(one.definition);  // ADD COLUMN would rewrite the table to evaluate it for each row
  }

  void relax(const KnownDefinition& one) {
    // As shown() writes it, which leaves public out.
    std::vector<std::string> parts = name_parts(one.structure);
    if (parts.size() == 2) parts.insert(parts.begin(), "public");
    if (parts.size() == 3) out_.relaxed.emplace_back(table_in(parts), parts[2]);
  }

  bool is_on_new_column(const TableName& table, const std::string& definition) const {
    return std::ranges::any_of(out_.columns, [&](const LostColumn& column) {
      return column.table == table && has_word(behind(definition, " USING "), column.name);
    });
  }

  void index(const KnownDefinition& one) {
    std::string_view on = behind(one.definition, " ON ");
    if (on.starts_with("ONLY ")) on.remove_prefix(5);
    const TableName table = table_in(name_parts(on));
    const std::vector<std::string> parts = name_parts(one.structure);
    const bool unique = one.definition.starts_with("CREATE UNIQUE");
    enforced_index_ = unique && !is_on_new_column(table, one.definition);
    if (!enforced_index_) {
      CreateIndex create;
      create.table = table;
      create.unique = unique;
      create.name = parts.back();
      create.definition = one.definition;
      out_.indexes.push_back(step(std::move(create)));
      return;
    }
    out_.enforced.push_back(step(sql_with(one.definition, "DROP INDEX " + one.structure)));
    out_.look.push_back("the unique index " + one.structure +
                        " is built in the transaction of the contract, which keeps writers out meanwhile: on a large "
                        "table build it by hand beforehand, concurrently, and leave its step out");
  }

  /// A comment or statistics target of the index before it, or a statistics object.
  void of_index(const KnownDefinition& one) {
    if (one.definition.starts_with("CREATE STATISTICS"))
      out_.late.push_back(step(sql_with(one.definition, "DROP STATISTICS IF EXISTS " + one.structure)));
    else if (enforced_index_)
      to_last_enforced(one.definition);
    else
      out_.late.push_back(step(sql_without_undo(one.definition, "it goes with what it is about")));
  }

  void constraint(const KnownDefinition& one) {
    constraints_.push_back(one.structure);
    const std::string undo =
        replaced(through_name(one.definition, " ADD CONSTRAINT "), " ADD CONSTRAINT ", " DROP CONSTRAINT ");
    out_.enforced.push_back(step(sql_with(one.definition, undo)));
    if (behind(one.definition, " EXCLUDE ").empty()) return;
    out_.look.push_back("the exclusion constraint " + one.structure +
                        " builds its index in the transaction of the contract, which keeps writers out meanwhile");
  }

  /// Reading a whole table has no place in the transaction of the contract, which has it locked.
  void validate(const KnownDefinition& one) {
    if (std::ranges::find(constraints_, one.structure) != constraints_.end()) out_.afterwards.push_back(one.definition);
  }

  void to_last_enforced(const std::string& statement) {
    if (out_.enforced.empty()) return;
    std::get<Sql>(out_.enforced.back().action).run += ";\n" + statement;
  }

  void not_null(const KnownDefinition& one) {
    if (LostColumn* column = find(name_parts(one.structure)); column != nullptr) column->not_null = true;
  }

  void identity(const KnownDefinition& one) {
    const std::string column = one.definition.substr(0, one.definition.find(" ADD GENERATED "));
    out_.at_last.push_back(step(sql_with(one.definition, column + " DROP IDENTITY")));
  }

  void object(const KnownDefinition& one) {
    const auto known = std::ranges::find_if(
        facts_.wholes, [&](const WholeTaken& whole) { return whole.object.identity == one.structure; });
    auto& place = one.kind == "object" ? out_.before_columns : out_.late;
    if (known == facts_.wholes.end())
      place.push_back(step(sql_without_undo(one.definition, "drop " + one.structure + " by hand")));
    else
      place.push_back(step(sql_with(one.definition, drop_sql(known->object, one.structure))));
  }

  const InverseFacts& facts_;
  MadeAgain out_;
  std::vector<std::string> constraints_;
  std::vector<Step> last_;
  bool enforced_index_ = false;
};

}  // namespace

MadeAgain made_again(const InverseFacts& facts) {
  return Reading(facts).run();
}

}  // namespace switchback
