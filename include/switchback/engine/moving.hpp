/// What contract takes away whole (core/taken_object.hpp): found, recorded, moved out of reach and back, dropped, made
/// again. Each function works inside the caller's transaction and only does the work.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "switchback/core/taken_object.hpp"
#include "switchback/engine/journal.hpp"
#include "switchback/ports/session.hpp"
#include "switchback/ports/usage_source.hpp"

namespace switchback::engine {

/// What a step names, and its parts behind it; nothing for a step that takes nothing whole. Error(Exit::invalid): there
/// is none of that kind and name, or it cannot be hidden or made again (a partition, part of an extension, …).
/// Error(Exit::unreachable): this role may not move it there and back.
std::vector<TakenObject> objects_of(ports::Session& session, const Step& step);

/// Everything that the plan takes whole; what depends on another one comes behind it, parts right behind their whole.
std::vector<TakenObject> ordered_objects(ports::Session& session, ports::UsageSource& usage, const Plan& plan);

/// Records them, and for all but tables the statements that make them again, beside what store_definitions recorded. To
/// be called before hide_objects, in the same transaction.
void store_objects(ports::Session& session, PlanId plan_id, const std::vector<TakenObject>& objects);
std::vector<TakenObject> load_objects(ports::Session& session, PlanId plan_id);

/// One script that makes a view, type or function again: definition, owner, rights whatever the default privileges are,
/// comments; a view's defaults, rules and triggers; a materialized view's indexes and statistics. Error(Exit::invalid)
/// for what no script can make.
std::string object_definition(ports::Session& session, const TakenObject& object);

/// Where it is now. Nothing: it was dropped.
struct Whereabouts {
  std::string schema;
  std::string identity;   ///< quoted, with the arguments of a function
  std::string arguments;  ///< as they read now: their types may have been moved too
  std::string name;       ///< without its schema, as it is in the catalog
};
std::optional<Whereabouts> find_object(ports::Session& session, const TakenObject& object);

/// Whether it is where the plan has hidden it, or bears the name that the plan has given it. One that somebody has
/// taken from there is no longer the plan's.
bool is_hidden(ports::Session& session, const Plan& plan, const TakenObject& object);

/// ALTER … SET SCHEMA, with ACCESS EXCLUSIVE on each table and view for milliseconds. A table's indexes, constraints
/// and owned sequences, its row type and a type's array type move with it (documentation, ALTER TABLE, "SET SCHEMA").
/// Looks first: what is hidden is left.
void hide_objects(ports::Session& session, const Plan& plan, const std::vector<TakenObject>& objects);
/// Undoes it for all that is in hiding; schemas that are then empty go. Error(Exit::refused) when something else has
/// taken a name in the meantime.
void unhide_objects(ports::Session& session, PlanId plan_id, const Plan& plan);

/// Enters them in switchback.archive: a hidden table is its own archive, of the others the definition is.
void archive_objects(ports::Session& session, PlanId plan_id, const std::vector<TakenObject>& objects);
/// ACCESS EXCLUSIVE on the tables among them.
void lock_objects(ports::Session& session, const std::vector<TakenObject>& objects);
/// Why a table must not be dropped now: it has got a partition since it was hidden.
std::vector<std::string> object_objections(ports::Session& session, const std::vector<TakenObject>& objects);
/// Drops the late ones, or all others; what depends on another before it, with RESTRICT. `keep_tables`: but tables.
/// What is not in hiding any more is left.
void drop_objects(ports::Session& session, const Plan& plan, const std::vector<TakenObject>& objects, bool late,
                  bool keep_tables);

/// On arrival at migrated or done: the archive's entries are of `state` from now on, and hidden schemas that are empty
/// go.
void settle_objects(ports::Session& session, PlanId plan_id, const Plan& plan, const std::vector<TakenObject>& objects,
                    std::string_view state);

/// A schema that hid something goes with the last of it.
void drop_schema_if_empty(ports::Session& session, const std::string& schema);

}  // namespace switchback::engine
