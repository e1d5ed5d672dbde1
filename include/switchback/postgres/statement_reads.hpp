/// Reads of whole rows, told from the parse tree.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "switchback/postgres/statement_judge.hpp"

namespace switchback::postgres {

/// How a statement reads whole rows, and nothing but that.
enum class RowRead {
  no,    ///< not at all, or it also does something else with them
  star,  ///< one SELECT; stars stand in select lists alone, and no row is taken as a value
  dump,  ///< COPY … TO of the table: of everything, or of all its columns by name, as pg_dump does
  lock,  ///< LOCK … IN ACCESS SHARE MODE of a table that goes as a whole: what pg_dump takes before it reads anything
};
std::string_view name(RowRead read);

/// `copied`: the columns that a dump of the table names (generated ones are left out). A star does not say of which
/// table it is: whether the statement works without a column, only the server knows. Without the whole table no star
/// works, and the next dump simply does not have it.
RowRead row_read(std::string_view text, const JudgeTarget& target, const std::set<std::string>& copied);

/// The text with every star in the select list of EXISTS (SELECT …) made a 1: the server resolves such a star into all
/// columns, and then evaluates none of them. The same text where there is none, or where it cannot be parsed.
std::string without_exists_stars(std::string_view text);

/// The text without what follows its statement, when it can be put behind PREPARE … AS: exactly one statement, and of a
/// kind that can be prepared, as far as its words tell. Else empty.
std::string preparable(std::string_view text);

}  // namespace switchback::postgres
