/// What a contract took away, read from the statements that bring it back. Private to core/inverse.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "switchback/core/inverse.hpp"

namespace switchback {

/// A column that the plan dropped.
struct LostColumn {
  TableName table;
  std::string name;
  std::string type;                          ///< with its collation
  std::optional<std::string> default_value;  ///< SQL
  bool not_null = false;
};

/// The steps that make again what was dropped, by where they belong.
struct MadeAgain {
  std::vector<LostColumn> columns;
  std::vector<Step> before_columns;  ///< expand: types, functions, hidden tables
  std::vector<std::string> extras;   ///< statements that go with the columns: comments, grants, sequences, defaults
  std::vector<Step> indexes;         ///< migrate, after the copy
  std::vector<Step> late;            ///< migrate: what rests on filled columns
  std::vector<Step> enforced;        ///< contract: what tightens
  std::vector<Step> at_last;         ///< contract, once NOT NULL is back
  std::vector<std::pair<TableName, std::string>> relaxed;  ///< columns that were nullable before
  std::vector<std::string> look;
  std::vector<std::string> afterwards;
};

MadeAgain made_again(const InverseFacts& facts);

}  // namespace switchback
