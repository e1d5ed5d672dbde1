/// The text of drafts. Private to src/plan_file.
#pragma once

#include <string>
#include <vector>

#include "switchback/core/draft.hpp"

namespace switchback::plan_file {

/// One item of a list of changes or steps, its comments above it. `explained`: each key with what it means.
std::string entry_text(const DraftEntry& entry, std::size_t indent, bool explained);
/// Lines that begin with `#`; long ones are broken.
std::string comment_text(const std::vector<std::string>& lines, std::size_t indent);
/// `[a, "b c"]`.
std::string list_text(const std::vector<std::string>& texts);
/// What is done when a plan says nothing about its contract, as a comment.
std::string contract_comment();

}  // namespace switchback::plan_file
