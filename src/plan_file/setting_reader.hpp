/// The steps that set or rename something that is there, and those beside them. Private to the step reader.
#pragma once

#include "making_reader.hpp"

namespace switchback::plan_file {

Action read_drop_default(const Source& source);
Action read_rename_index(const Source& source);
Action read_rename_constraint(const Source& source);
Action read_set_storage_parameters(const Source& source);
Action read_set_replica_identity(const Source& source);
Action read_set_statistics(const Source& source);
Action read_set_storage(const Source& source);
Action read_sql_batched(const Source& source);
Action read_add_exclusion(const Source& source);

/// `change_default: { …, default: none }` is drop_default; no column's default can be called so.
bool is_default_none(const Value& arguments);
Action read_default_none(const Source& source);

}  // namespace switchback::plan_file
