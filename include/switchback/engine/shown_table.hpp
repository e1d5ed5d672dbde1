/// What a view needs to stand for a table under another name: `create_view` with `like`.
#pragma once

#include <optional>

#include "switchback/core/making_sql.hpp"
#include "switchback/ports/session.hpp"

namespace switchback::engine {

/// The table of `step.like` as it is now. Nothing: there is no such table.
std::optional<ShownTable> shown_table(ports::Session& session, const CreateView& step);

/// Why such a view cannot be made, and what to do about it, whatever columns it names. Nothing: it can.
struct ViewObjection {
  std::string message, hint;
};
std::optional<ViewObjection> view_objection(ports::Session& session, const CreateView& step);

/// Roles that may do on the view what they may not do on the table: what was granted since it was made goes with it.
std::vector<std::string> rights_of_its_own(ports::Session& session, const TableName& view, const TableName& table);

}  // namespace switchback::engine
