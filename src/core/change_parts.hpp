/// What the whole changes are put together with. Private to them.
#pragma once

#include <string>
#include <vector>

#include "switchback/core/change.hpp"

namespace switchback {

/// Error(Exit::invalid) with the place in the file.
[[noreturn]] void refuse_change(const Plan& plan, Place place, const std::string& message, const std::string& hint);
void put_step(std::vector<Step>& steps, Place place, Action action);
/// Whole changes of one table share its backfill.
void put_backfill(Plan& plan, Place place, Backfill backfill);

void expand_split(Plan& plan, const ChangeSplitColumn& split, Place place);
void expand_merge(Plan& plan, const ChangeMergeColumns& merge, Place place);
/// An index of a column that the same plan adds is built when the column is filled.
void expand_step(Plan& plan, const ChangeStep& one, Place place);

}  // namespace switchback
