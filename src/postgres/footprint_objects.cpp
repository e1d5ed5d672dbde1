// What a statement names that is no column: functions, types, rows of a type, and relations in strings.
#include <algorithm>
#include <array>
#include <cctype>

#include "footprint_walk.hpp"

namespace switchback::postgres {
namespace {

/// A function or type: its last two names. What the grammar itself names is in pg_catalog.
TableName object_of(PgQuery__Node* const* names, std::size_t count) {
  const std::string schema = count > 1 ? std::string(string_of(names[count - 2])) : "";
  return {schema, std::string(string_of(names[count - 1]))};
}

/// The string that an argument is, cast or not; nothing where it is anything else.
std::optional<std::string> constant_of(const PgQuery__Node* node) {
  while (node && node->node_case == PG_QUERY__NODE__NODE_TYPE_CAST) node = node->type_cast->arg;
  if (!node || node->node_case != PG_QUERY__NODE__NODE_A_CONST) return std::nullopt;
  const PgQuery__AConst& constant = *node->a_const;
  if (constant.isnull || constant.val_case != PG_QUERY__A__CONST__VAL_SVAL || !constant.sval->sval) return std::nullopt;
  return constant.sval->sval;
}

bool is_type(const PgQuery__TypeName* type, std::string_view name) {
  return type && type->n_names > 0 && string_of(type->names[type->n_names - 1]) == name && type->n_array_bounds == 0;
}

}  // namespace

/// As regclass reads it: `users`, `sales."Order Items"`. Empty where it is no such name: an oid, several databases.
std::optional<TableName> relation_named(std::string_view text) {
  std::vector<std::string> parts(1);
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' && quoted && i + 1 < text.size() && text[i + 1] == '"')
      parts.back() += text[++i];
    else if (c == '"')
      quoted = !quoted;
    else if (c == '.' && !quoted)
      parts.emplace_back();
    else if (!quoted && std::isspace(static_cast<unsigned char>(c)) != 0)
      continue;
    else
      parts.back() += quoted ? c : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  const bool number = std::ranges::all_of(text, [](unsigned char c) { return std::isdigit(c) != 0; });
  if (quoted || number || parts.size() > 2 || std::ranges::any_of(parts, &std::string::empty)) return std::nullopt;
  return TableName{parts.size() == 2 ? parts[0] : "", parts.back()};
}

void FootprintWalk::call(const PgQuery__FuncCall& call) {
  if (call.n_funcname == 0) return;
  const TableName function = object_of(call.funcname, call.n_funcname);
  constexpr std::array<std::string_view, 3> of_sequences = {"nextval", "currval", "setval"};
  if (call.n_args > 0 && (function.schema.empty() || function.schema == "pg_catalog") &&
      std::ranges::find(of_sequences, function.name) != of_sequences.end())
    if (const auto text = constant_of(call.args[0]))
      if (const auto sequence = relation_named(*text)) note_once(footprint_.sequences, *sequence);
  if (!of_the_system(function)) note_once(footprint_.functions, function);
}

/// 'users'::regclass must be there; the row of a table as a type is its columns, whichever the function takes.
void FootprintWalk::cast(const PgQuery__TypeCast& cast) {
  if (!is_type(cast.type_name, "regclass")) return;
  if (const auto text = constant_of(cast.arg))
    if (const auto relation = relation_named(*text); relation && !of_the_system(*relation))
      note_once(footprint_.relations, *relation);
}

std::optional<TableName> FootprintWalk::row_type(const PgQuery__TypeName& type) const {
  if (type.n_names == 0) return std::nullopt;
  TableName name = object_of(type.names, type.n_names);
  if (name.schema.empty()) name.schema = "public";
  return known_.contains(name) ? std::optional(name) : std::nullopt;
}

void FootprintWalk::type(const PgQuery__TypeName& type) {
  if (type.n_names == 0) return;
  const TableName name = object_of(type.names, type.n_names);
  if (of_the_system(name)) return;
  note_once(footprint_.types, name);
  if (const auto table = row_type(type)) read_all(*table);
}

/// (NULL::users).full_name reads that column alone.
bool FootprintWalk::field_of_row(const PgQuery__AIndirection& indirection) {
  const PgQuery__Node* row = indirection.arg;
  if (!row || row->node_case != PG_QUERY__NODE__NODE_TYPE_CAST || !row->type_cast->type_name) return false;
  if (!row->type_cast->arg || row->type_cast->arg->node_case != PG_QUERY__NODE__NODE_A_CONST) return false;
  const auto table = row_type(*row->type_cast->type_name);
  if (!table || indirection.n_indirection == 0) return false;
  const std::string field(string_of(indirection.indirection[0]));
  if (field.empty()) return false;
  note_once(footprint_.types, object_of(row->type_cast->type_name->names, row->type_cast->type_name->n_names));
  read(*table, field);
  return true;
}

}  // namespace switchback::postgres
