/// A migration in plain SQL becomes the entries of a phased plan.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "switchback/core/change.hpp"
#include "switchback/core/draft.hpp"
#include "switchback/core/migration.hpp"

namespace switchback {

struct DraftingFacts {
  TableLookup lookup;                                  ///< empty: there is no database to look at
  std::function<bool(const std::string&)> bears_both;  ///< whether SQL may be run while both images run
  std::function<bool(std::string_view)> has_change;    ///< whether there is a change of that kind
};

/// What a statement did not become, or what a person should know of it.
struct DraftNote {
  Place place;
  std::string message;
};

struct Drafted {
  std::vector<DraftEntry> entries;  ///< in the order of the text
  std::vector<DraftNote> notes;
};

/// Statements that belong together become one change: a column that is added, filled and made NOT NULL; a column that
/// is made from others, which are dropped; a constraint that is added NOT VALID and validated; rows that are mended
/// before their column becomes NOT NULL. What the SQL does not say, and only a person knows (how the old side is made
/// of the new one, what takes a statement back), is a marked place (draft.hpp).
Drafted draft_migration(const std::vector<MigrationStatement>& statements, const DraftingFacts& facts);

}  // namespace switchback
