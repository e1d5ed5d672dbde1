#include "statement_names.hpp"

namespace switchback::postgres {
namespace {

/// An array type can be named by itself: `_mood`.
bool is_type(std::string_view written, std::string_view type) {
  return written == type || (written.starts_with('_') && written.substr(1) == type);
}

}  // namespace

void Names::use_place(const std::string& why, bool certain) {
  std::string& slot = certain ? uses_ : ambiguous_;
  if (slot.empty()) slot = certain ? why : why + " (may be meant, may not)";
}

void Names::reference(const PgQuery__ColumnRef& column, const Scope& scope) {
  if (target_.takes_row && column.n_fields >= 2 && string_of(column.fields[column.n_fields - 1]) == target_.object.name)
    use("called as a column, " + target_.object.name, false);
  if (!column_) return;
  std::vector<std::string_view> parts;
  bool star = false;
  for (std::size_t i = 0; i < column.n_fields; ++i) {
    star |= column.fields[i]->node_case == PG_QUERY__NODE__NODE_A_STAR;
    if (column.fields[i]->node_case != PG_QUERY__NODE__NODE_A_STAR) parts.push_back(string_of(column.fields[i]));
  }
  if (star && parts.empty()) return everything(scope);
  if (star) return whole_row(parts, scope, std::string(parts.back()) + ".*");
  if (parts.size() == 1) return bare(parts[0], scope);
  if (parts.size() >= 2) qualified(parts, scope);
}

void Names::everything(const Scope& scope) {
  for (const Source& source : scope.sources)
    if (source.target) use("*", source.certain);
}

void Names::bare(std::string_view wanted, const Scope& scope) {
  if (wanted == target_.name) {
    const Reach reach = unqualified(scope);
    if (reach.answer != Reach::Answer::elsewhere) use("column " + target_.name, reach.answer == Reach::Answer::target);
    return;
  }
  // A table's name where a value is wanted is its whole row, unless a column has that name.
  if (target_.own_columns.contains(std::string(wanted))) return;
  if (const Source* source = scope.named(wanted); source && source->target)
    use("the whole row " + std::string(wanted), source->certain && !source->record);
}

void Names::whole_row(const std::vector<std::string_view>& parts, const Scope& scope, const std::string& why) {
  if (parts.size() >= 2) {  // schema.table.*
    if (any_of_name(target_.relations, parts[parts.size() - 2], parts.back())) use(why);
    return;
  }
  const Source* source = scope.named(parts[0]);
  if (source && source->target) use(why, source->certain && !source->record);
  if (!source && !in_function_) use(why, false);
}

void Names::qualified(const std::vector<std::string_view>& parts, const Scope& scope) {
  if (parts.back() != target_.name) {
    // schema.table as a value: the whole row.
    if (parts.size() == 2 && any_of_name(target_.relations, parts[0], parts[1])) use("the whole row");
    return;
  }
  const std::string_view table = parts[parts.size() - 2];
  const std::string why = std::string(table) + "." + target_.name;
  if (parts.size() >= 3) {
    if (any_of_name(target_.relations, parts[parts.size() - 3], table)) use(why);
    return;
  }
  const Source* source = scope.named(table);
  if (!source) {
    if (!in_function_) use(why, false);  // what is not understood
    return;
  }
  if (source->target) use(why, source->certain && (source->owns == Owns::no || source->owns == Owns::yes));
}

void Names::through_view(const PgQuery__RangeVar& variable, const Source& source, const Scope& scope) {
  const std::string_view schema = variable.schemaname ? variable.schemaname : "";
  if (source.target || (schema.empty() && scope.with_query(variable.relname))) return;
  if (any_of_name(target_.views, schema, variable.relname)) use("through the view " + std::string(variable.relname));
}

void Names::like(const PgQuery__TableLikeClause& clause, const Scope& scope) {
  if (!column_ || !clause.relation) return;
  const Source source = source_of(*clause.relation, scope, target_);
  if (source.target) use("LIKE " + std::string(clause.relation->relname), source.certain);
}

void Names::call(const PgQuery__FuncCall& function) {
  if (function.n_funcname == 0) return;
  const std::string_view called = string_of(function.funcname[function.n_funcname - 1]);
  const std::string_view schema = function.n_funcname > 1 ? string_of(function.funcname[0]) : std::string_view{};
  // A function, or what a type's name does as one: a cast, a range's constructor.
  if (called == target_.object.name && (schema.empty() || schema == target_.object.schema))
    use("calls " + target_.object.name, !target_.namesakes);
  if (any_of_name(target_.functions, schema, called)) use("through the function " + std::string(called));
}

/// null::users, json_populate_record(null::users, …): the row type.
void Names::type(const PgQuery__TypeName& named) {
  if (named.n_names == 0) return;
  if (column_ && named.pct_type) {  // table.column%TYPE
    if (named.n_names > 1 && string_of(named.names[named.n_names - 1]) == target_.name &&
        any_of_name(target_.relations,
                    named.n_names > 2 ? string_of(named.names[named.n_names - 3]) : std::string_view{},
                    string_of(named.names[named.n_names - 2])))
      use("the type of " + target_.name);
    return;
  }
  const std::string_view schema = named.n_names > 1 ? string_of(named.names[0]) : std::string_view{};
  const std::string_view wanted = string_of(named.names[named.n_names - 1]);
  if (target_.kind == Structure::Kind::type && is_type(wanted, target_.object.name) &&
      (schema.empty() || schema == target_.object.schema))
    use("the type " + target_.object.name, !schema.empty() || !target_.namesakes);
  if ((column_ || relation_) && any_of_name(target_.relations, schema, wanted)) use("the row type");
  if (relation_ && named.pct_type && named.n_names > 1 &&
      any_of_name(target_.relations, "", string_of(named.names[named.n_names - 2])))
    use("%TYPE of one of its columns", false);
}

void Names::relation(const PgQuery__RangeVar& variable, const Source& source) {
  if (relation_ && source.target) use("names " + std::string(variable.relname), source.certain);
}

}  // namespace switchback::postgres
