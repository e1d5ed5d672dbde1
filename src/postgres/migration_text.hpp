/// A migration file before it is parsed: what belongs to psql or to a tool is taken out, the rest is cut into
/// statements. Private to the reader of migrations.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "switchback/core/plan.hpp"

namespace switchback::postgres {

struct PassedText {
  Place place;
  std::string text;
  std::string why;
};
struct StatementText {
  Place place;  ///< of its first word
  std::string text;
  std::string rollback;  ///< what a Liquibase comment below it says takes it back
};
struct MigrationText {
  std::vector<PassedText> passed;
  std::vector<StatementText> statements;
  std::string unread;  ///< why the text cannot be cut at all
};

MigrationText cut_migration(std::string_view text);

}  // namespace switchback::postgres
