/// What the catalog ties to a structure, and what a plain DROP would do about it.
#pragma once

#include "switchback/ports/usage_source.hpp"

namespace switchback::postgres {

/// Everything pg_depend leads to from the structure, on through views to what uses the views, and the users of the
/// table's row type; partitions and inheriting tables included. Indexes, CHECK, UNIQUE and outgoing FOREIGN KEY
/// constraints, statistics and owned sequences are `silent`: RESTRICT drops what depends 'a' (documentation,
/// "pg_depend"). Left out: switchback's own objects, the column's own default and NOT NULL, parts (a constraint's
/// index, a partition's share of an index). Not seen: whole-row references in views (pg_depend has only the table) and
/// function bodies that are strings; gather() looks at both. One query of some milliseconds; also inside the
/// transaction that drops. Error(Exit::drift) when it is not there.
/// Of a table, view or type only what belongs to others is told: its own indexes, constraints, triggers, policies,
/// rules and sequences go with it.
ports::Closure closure(ports::Session& session, const Structure& structure);

}  // namespace switchback::postgres
