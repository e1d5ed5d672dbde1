/// What whole changes are put together from. Private to them.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "switchback/core/plan.hpp"
#include "switchback/core/table_facts.hpp"

namespace switchback::changing {

// --- SQL, as far as it has to be read ------------------------------------------------------------------------------

bool word_character(char c);
std::string lower(std::string_view text);
void skip_spaces(std::string_view& text);
std::string_view take_word(std::string_view& text);
/// The length of the quoted piece that `text` begins with, its doubled quotes included; npos when it never ends.
std::size_t quoted_length(std::string_view text, bool backslashes);
/// `sql` with each reference to column `from` written as `to`. Deparsed index and constraint texts name columns bare,
/// so a word behind a dot, a cast or COLLATE, or before a parenthesis or a dot, is something else of that name.
std::string renamed(std::string_view sql, const std::string& from, const std::string& to);
/// Splits at the first ` word ` that stands outside quotes; the word stays with the second half.
std::pair<std::string_view, std::string_view> split_at(std::string_view sql, std::string_view word);
/// What a foreign key refers to and does, as the server writes its definition; nothing where that says more than a
/// step can (MATCH FULL, DEFERRABLE, NOT VALID, columns behind SET NULL). Its own columns are not read.
std::optional<AddForeignKey> foreign_key(std::string_view definition);

// --- a column that takes the place of another ----------------------------------------------------------------------

struct Twins {
  TableName table;
  std::string from;
  std::string to;
};
/// A name like `old_name` for the twin on the new column, unlike any in `taken`, where it is then put.
std::string twin_name(const std::string& old_name, const Twins& columns, std::set<std::string>& taken);
/// The same index on the new column, under `name`.
CreateIndex twin_index(const IndexFacts& index, const Twins& columns, const std::string& name);
bool mentions(const IndexFacts& index, const ColumnFacts& column);
bool mentions(const ConstraintFacts& constraint, const ColumnFacts& column);
/// The names of the table's indexes and constraints.
std::set<std::string> names_on(const TableFacts& table);
/// Why the column cannot have a twin to which its place in indexes and constraints goes over; empty: it can.
std::string cannot_be_copied(const TableFacts& table, const ColumnFacts& column);

}  // namespace switchback::changing
