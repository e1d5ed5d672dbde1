/// Values for the rows of a rehearsal: the same for the same seed, column and row. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace switchback {

/// What a value must fit.
struct MadeColumn {
  std::string name;
  std::string type;     ///< as a cast takes it: `character varying(20)`, `public.mood`
  std::string base;     ///< typname below domains: `varchar`, `int4`
  char category = 'U';  ///< typcategory
  int length = 0;       ///< of varchar and char; 0: any
  int precision = 0;    ///< of numeric; 0: any
  int scale = 0;
  bool not_null = false;
  bool unique = false;               ///< alone or with others: no value twice
  std::vector<std::string> choices;  ///< enum labels, or what a CHECK of the column names; empty: anything
};

/// An SQL expression for the column in row `row` (from 0). `attempt`: another value, when the first ones were refused
/// by a CHECK. Empty: no value of this type is known; a column that may be NULL then is.
std::optional<std::string> made_value(const MadeColumn& column, std::uint64_t seed, std::int64_t row, int attempt);

/// The literals of a CHECK's definition as the server writes it: `'open'::text`, 12, '-1'::integer.
std::vector<std::string> literals_of(std::string_view definition);

}  // namespace switchback
