#include "switchback/engine/moving.hpp"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>

#include "switchback/core/error.hpp"
#include "switchback/engine/shown_table.hpp"

namespace switchback::engine {
namespace {

using nlohmann::json;

/// The regclass of the catalog that the oid is of.
std::string_view catalog_of(Structure::Kind kind) {
  if (kind == Structure::Kind::type) return "pg_type";
  return kind == Structure::Kind::function ? "pg_proc" : "pg_class";
}

// One row for what is named, whatever it is: oid, word, name, arguments, identity, why it cannot be taken, what to do,
// extension, owner, may be moved by this role, schema, may be moved back there.
constexpr const char* rights = R"(,
       (SELECT e.extname FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid WHERE d.classid = '%'::regclass AND d.objid = o.oid AND d.deptype = 'e' LIMIT 1),
       pg_get_userbyid(o.owner), pg_has_role(current_user, o.owner, 'USAGE'), o.nspname, has_schema_privilege(o.nsp, 'CREATE'))";

constexpr const char* relation_sql = R"(
SELECT o.oid, CASE o.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END, o.relname, '',
       format('%I.%I', o.nspname, o.relname), o.no[1], o.no[2]$rights
FROM (SELECT c.*, n.nspname, n.oid AS nsp, c.relowner AS owner,
        CASE WHEN $3 IN ('table', 'renamed') AND c.relkind NOT IN ('r', 'p') THEN ARRAY['is not a table', CASE WHEN c.relkind IN ('v', 'm') THEN 'drop_view takes it' ELSE 'sql drops it, with an undo' END]
             WHEN $3 = 'view' AND c.relkind NOT IN ('v', 'm') THEN ARRAY['is not a view', CASE WHEN c.relkind IN ('r', 'p') THEN 'drop_table takes it' ELSE 'sql drops it, with an undo' END]
             WHEN c.relispartition AND $3 <> 'renamed' THEN ARRAY['is a partition of ' || p.parent || ': in another schema its rows would still be reached through it', 'ALTER TABLE ' || p.parent || ' DETACH PARTITION … first']
             WHEN p.parent IS NOT NULL AND $3 <> 'renamed' THEN ARRAY['inherits from ' || p.parent || ': in another schema its rows would still be reached through it', 'ALTER TABLE … NO INHERIT ' || p.parent || ' first']
             WHEN c.relpersistence = 't' THEN ARRAY['is temporary', 'leave the step out'] END AS no
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      LEFT JOIN LATERAL (SELECT format('%I.%I', pn.nspname, pc.relname) AS parent FROM pg_inherits i JOIN pg_class pc ON pc.oid = i.inhparent
                         JOIN pg_namespace pn ON pn.oid = pc.relnamespace WHERE i.inhrelid = c.oid LIMIT 1) p ON true
      WHERE n.nspname = $1 AND c.relname = $2) o)";

constexpr const char* type_sql = R"(
SELECT o.oid, CASE o.typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END, o.typname, '', format('%I.%I', o.nspname, o.typname), o.no[1], o.no[2]$rights
FROM (SELECT t.*, n.nspname, n.oid AS nsp, t.typowner AS owner,
        CASE WHEN t.typtype = 'c' AND c.relkind <> 'c' THEN ARRAY['is the row type of a table or view', 'drop_table or drop_view takes it']
             WHEN t.typtype = 'm' THEN ARRAY['is the multirange type of a range type', 'name the range type']
             WHEN t.typtype = 'r' AND (SELECT r.rngcanonical FROM pg_range r WHERE r.rngtypid = t.oid) <> 0 THEN ARRAY['has a canonical function, which is made between two halves of its own making', 'drop it by sql, with an undo']
             WHEN t.typtype NOT IN ('e', 'c', 'd', 'r') THEN ARRAY['is not an enum, a composite or range type, or a domain', 'drop it by sql, with an undo'] END AS no
      FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
      WHERE n.nspname = $1 AND t.typname = $2 AND $3::text IS NOT NULL) o)";

constexpr const char* function_sql = R"(
SELECT o.oid, CASE o.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END, o.proname,
       substr(i.identity, length(format('%I.%I(', o.nspname, o.proname)) + 1, length(i.identity) - length(format('%I.%I(', o.nspname, o.proname)) - 1),
       i.identity, o.no[1], o.no[2]$rights
FROM (SELECT p.*, n.nspname, n.oid AS nsp, p.proowner AS owner,
        CASE WHEN p.prokind = 'a' THEN ARRAY['is an aggregate', 'drop it by sql, with an undo'] END AS no
      FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
      WHERE p.oid = to_regprocedure(format('%I.%I(%s)', $1::text, $2::text, $3::text))) o,
     pg_identify_object('pg_proc'::regclass, o.oid, 0) i)";

// What moves by itself with nothing: partitions, and what a range type is made with. An array type moves with its
// element's.
constexpr const char* partitions_sql = R"(
SELECT c.oid, n.nspname, c.relname, format('%I.%I', n.nspname, c.relname)
FROM pg_partition_tree($1::oid::regclass) p JOIN pg_class c ON c.oid = p.relid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE p.level > 0 ORDER BY p.level, c.oid)";
constexpr const char* type_parts_sql = R"(
WITH RECURSIVE made(c, o) AS (
  SELECT 'pg_type'::regclass::oid, $1::oid
  UNION
  SELECT d.classid, d.objid FROM made m JOIN pg_depend d ON d.refclassid = m.c AND d.refobjid = m.o AND d.deptype = 'i'
    AND d.classid IN ('pg_type'::regclass, 'pg_proc'::regclass))
SELECT t.oid, n.nspname, t.typname, format('%I.%I', n.nspname, t.typname), 't'
FROM made m JOIN pg_type t ON m.c = 'pg_type'::regclass AND t.oid = m.o JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE t.oid <> $1::oid AND NOT (t.typelem <> 0 AND t.typcategory = 'A')
UNION ALL
SELECT p.oid, n.nspname, p.proname, i.identity, 'f'
FROM made m JOIN pg_proc p ON m.c = 'pg_proc'::regclass AND p.oid = m.o JOIN pg_namespace n ON n.oid = p.pronamespace,
     pg_identify_object('pg_proc'::regclass, p.oid, 0) i)";

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  const auto at = text.find(what);
  return at == std::string::npos ? text : text.replace(at, what.size(), by);
}

ports::Rows look_up(ports::Session& session, const Structure& structure) {
  const std::string_view sql = structure.kind == Structure::Kind::type       ? type_sql
                               : structure.kind == Structure::Kind::function ? function_sql
                                                                             : relation_sql;
  const std::string columns = replaced(rights, "%", catalog_of(structure.kind));
  const std::string third = structure.kind == Structure::Kind::function ? structure.arguments
                            : structure.becomes.empty()                 ? std::string(name(structure.kind))
                                                                        : "renamed";
  return session.exec(replaced(std::string(sql), "$rights", columns),
                      {structure.table.schema, structure.table.name, third});
}

std::vector<TakenObject> parts_of(ports::Session& session, const TakenObject& whole) {
  std::vector<TakenObject> parts;
  if (whole.kind != Structure::Kind::table && whole.kind != Structure::Kind::type) return parts;
  if (!whole.becomes.empty()) return parts;  // partitions keep their names
  const bool table = whole.kind == Structure::Kind::table;
  const auto rows = session.exec(table ? partitions_sql : type_parts_sql, {std::to_string(whole.oid)});
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const bool function = !table && rows.text(i, 4) == "f";
    TakenObject part;
    part.kind = function ? Structure::Kind::function : whole.kind;
    part.word = function ? "FUNCTION" : whole.word;
    part.oid = static_cast<std::uint32_t>(rows.integer(i, 0));
    part.name = {rows.text(i, 1), rows.text(i, 2)};
    part.identity = rows.text(i, 3);
    part.part = true;
    parts.push_back(std::move(part));
  }
  return parts;
}

[[noreturn]] void refuse(const std::string& message, const std::string& hint) {
  throw Error(Exit::invalid, Remedy::person, message, hint);
}

/// What would fail at hide or at unhide, weeks from now.
void refuse_rights(ports::Session& session, const ports::Rows& row, const std::string& what, bool renamed) {
  const auto role =
      session.exec("SELECT current_user, has_database_privilege(current_database(), 'CREATE'), current_database()");
  const std::string me = quote_identifier(role.text(0, 0));
  if (!row.boolean(0, 9))
    throw Error(Exit::unreachable, Remedy::person,
                what + " belongs to " + row.text(0, 8) + ": only its owner " + (renamed ? "renames it" : "moves it"),
                "GRANT " + quote_identifier(row.text(0, 8)) + " TO " + me + ";", "42501");
  if (!row.boolean(0, 11))
    throw Error(Exit::unreachable, Remedy::person,
                renamed ? what + " cannot be renamed by a role that may not make anything in its schema"
                        : what + " could be hidden, and not be brought back to its schema",
                "GRANT CREATE ON SCHEMA " + quote_identifier(row.text(0, 10)) + " TO " + me + ";", "42501");
  if (!renamed && !role.boolean(0, 1))
    throw Error(Exit::unreachable, Remedy::person, "the schema that hides " + what + " cannot be made",
                "GRANT CREATE ON DATABASE " + quote_identifier(role.text(0, 2)) + " TO " + me + ";", "42501");
}

}  // namespace

std::vector<TakenObject> objects_of(ports::Session& session, const Step& step) {
  const std::vector<Structure> structures = structures_of({step});
  if (structures.empty() || !is_moved(structures.front().kind)) return {};
  const Structure& structure = structures.front();
  const std::string what = std::string(name(structure.kind)) + " " + shown(structure);
  const auto row = look_up(session, structure);
  if (row.empty()) refuse("there is no " + what, "names are folded to lower case unless quoted");
  if (row.at(0, 5)) refuse(what + " " + row.text(0, 5), row.text(0, 6));
  if (row.at(0, 7)) refuse(what + " is part of the extension " + row.text(0, 7), "ALTER EXTENSION … DROP it first");
  refuse_rights(session, row, what, !structure.becomes.empty());
  TakenObject object;
  object.kind = structure.kind;
  object.word = row.text(0, 1);
  object.oid = static_cast<std::uint32_t>(row.integer(0, 0));
  object.name = {row.text(0, 10), row.text(0, 2)};
  object.arguments = row.text(0, 3);
  object.identity = row.text(0, 4);
  object.late = structure.kind == Structure::Kind::view;
  object.becomes = structure.becomes;
  std::vector<TakenObject> objects{object};
  for (TakenObject& part : parts_of(session, object)) objects.push_back(std::move(part));
  return objects;
}

namespace {

/// One step's objects, and what the catalog says depends on them.
struct Whole {
  std::vector<TakenObject> objects;
  std::vector<ports::Dependent> above;
  bool is_among(const std::vector<ports::Dependent>& dependents) const {
    return std::ranges::any_of(dependents, [whole = structure_of(objects.front())](const ports::Dependent& one) {
      return ports::belongs_to(one, whole);
    });
  }
};

void append(std::vector<ports::Dependent>& all, const std::vector<ports::Dependent>& more) {
  all.insert(all.end(), more.begin(), more.end());
}

}  // namespace

std::vector<TakenObject> ordered_objects(ports::Session& session, ports::UsageSource& usage, const Plan& plan) {
  std::vector<Whole> left;
  std::vector<ports::Dependent> on_late;  ///< what depends on what is made again late
  for (const Step& step : plan.contract.steps) {
    if (std::vector<TakenObject> objects = objects_of(session, step); !objects.empty()) {
      auto above = usage.closure(session, structure_of(objects.front())).dependents;
      left.push_back({std::move(objects), std::move(above)});
    } else if (const auto* column = std::get_if<DropColumn>(&step.action)) {
      append(on_late, usage.closure(session, {Structure::Kind::column, column->table, column->name}).dependents);
    } else if (const auto* replaced = std::get_if<ReplaceColumn>(&step.action)) {
      append(on_late, usage.closure(session, {Structure::Kind::column, replaced->table, replaced->column}).dependents);
    }
  }
  std::vector<TakenObject> ordered;
  while (!left.empty()) {
    auto next = std::ranges::find_if(left, [&](const Whole& one) {
      return std::ranges::none_of(left,
                                  [&](const Whole& other) { return &other != &one && one.is_among(other.above); });
    });
    if (next == left.end()) next = left.begin();  // each depends on the other: any order is as good
    TakenObject& whole = next->objects.front();
    whole.late |= whole.kind != Structure::Kind::table && next->is_among(on_late);
    if (whole.late) append(on_late, next->above);
    std::ranges::move(next->objects, std::back_inserter(ordered));
    left.erase(next);
  }
  return ordered;
}

void store_objects(ports::Session& session, PlanId plan_id, const std::vector<TakenObject>& objects) {
  const std::string plan = std::to_string(plan_id);
  const auto last =
      session.exec("SELECT coalesce(max(ordinal), 0) FROM switchback.definition WHERE plan_id = $1", {plan});
  std::int64_t early = -2 * static_cast<std::int64_t>(objects.size());
  std::int64_t late = last.integer(0, 0);
  const auto put = [&](std::int64_t ordinal, const char* kind, const TakenObject& object, const std::string& text) {
    session.exec(
        "INSERT INTO switchback.definition (plan_id, ordinal, kind, structure, definition) VALUES ($1, $2, $3, $4, $5)",
        {plan, std::to_string(ordinal), kind, object.identity, text});
  };
  for (const TakenObject& object : objects) {
    put(early++, "moved", object,
        json{{"kind", name(object.kind)},
             {"word", object.word},
             {"oid", object.oid},
             {"schema", object.name.schema},
             {"name", object.name.name},
             {"arguments", object.arguments},
             {"part", object.part},
             {"late", object.late},
             {"becomes", object.becomes}}
            .dump());
    if (object.kind == Structure::Kind::table || object.part) continue;
    // The order of the ordinals is the order in which a restore runs them: before the columns, or after everything.
    const std::string definition = object_definition(session, object);
    if (object.late)
      put(++late, "late_object", object, definition);
    else
      put(early++, "object", object, definition);
  }
}

std::vector<TakenObject> load_objects(ports::Session& session, PlanId plan_id) {
  const auto rows = session.exec(
      "SELECT structure, definition FROM switchback.definition WHERE plan_id = $1 AND kind = 'moved' ORDER BY ordinal",
      {std::to_string(plan_id)});
  std::vector<TakenObject> objects;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const json from = json::parse(rows.text(i, 1));
    TakenObject object;
    for (const auto kind :
         {Structure::Kind::table, Structure::Kind::view, Structure::Kind::type, Structure::Kind::function})
      if (from.at("kind").get<std::string>() == name(kind)) object.kind = kind;
    object.word = from.at("word");
    object.oid = from.at("oid");
    object.name = {from.at("schema"), from.at("name")};
    object.arguments = from.at("arguments");
    object.identity = rows.text(i, 0);
    object.part = from.at("part");
    object.late = from.at("late");
    object.becomes = from.value("becomes", "");
    objects.push_back(std::move(object));
  }
  return objects;
}

std::optional<Whereabouts> find_object(ports::Session& session, const TakenObject& object) {
  const char* sql =
      "SELECT n.nspname, format('%I.%I', n.nspname, c.relname), '', c.relname FROM pg_class c JOIN pg_namespace n ON "
      "n.oid = c.relnamespace WHERE c.oid = $1::oid";
  if (object.kind == Structure::Kind::type)
    sql =
        "SELECT n.nspname, format('%I.%I', n.nspname, t.typname), '', t.typname FROM pg_type t JOIN pg_namespace n ON "
        "n.oid = "
        "t.typnamespace WHERE t.oid = $1::oid";
  if (object.kind == Structure::Kind::function)
    sql =
        "SELECT n.nspname, i.identity, substr(i.identity, length(format('%I.%I(', n.nspname, p.proname)) + 1, "
        "length(i.identity) - length(format('%I.%I(', n.nspname, p.proname)) - 1), p.proname FROM pg_proc p JOIN "
        "pg_namespace n "
        "ON n.oid = p.pronamespace, pg_identify_object('pg_proc'::regclass, p.oid, 0) i WHERE p.oid = $1::oid";
  const auto rows = session.exec(sql, {std::to_string(object.oid)});
  if (rows.empty()) return std::nullopt;
  return Whereabouts{rows.text(0, 0), rows.text(0, 1), rows.text(0, 2), rows.text(0, 3)};
}

bool is_hidden(ports::Session& session, const Plan& plan, const TakenObject& object) {
  const auto now = find_object(session, object);
  if (!object.becomes.empty()) return now && now->schema == object.name.schema && now->name == object.becomes;
  return now && now->schema == hidden_schema(plan.name, object.name.schema);
}

namespace {

/// Whoever took its name while it was hidden is not to be pushed aside.
template <class Act>
void give_back(const TakenObject& object, const Act& act) {
  try {
    act();
  } catch (const Error& error) {
    if (error.sqlstate() != "42P07" && error.sqlstate() != "42710" && error.sqlstate() != "42723") throw;
    throw Error(Exit::refused, Remedy::person, object.identity + " cannot go back to its place: " + error.what(),
                "rename or drop what has taken the name while it was hidden, then again", error.sqlstate());
  }
}

/// The table first: its old name and the new one change hands, and nobody finds neither.
void rename_back(ports::Session& session, const TakenObject& object) {
  give_back(object, [&] { session.exec(rename_back_sql(object)); });
  CreateView view;
  view.name = {object.name.schema, object.becomes};
  view.like = object.name;
  if (const auto objection = view_objection(session, view))
    throw Error(Exit::refused, Remedy::person, object.identity + " cannot go back to its name: " + objection->message,
                objection->hint);
  const auto table = shown_table(session, view);
  for (const std::string& sql : create_view_sql(view, table ? &*table : nullptr).sql) session.exec(sql);
}

}  // namespace

void hide_objects(ports::Session& session, const Plan& plan, const std::vector<TakenObject>& objects) {
  std::set<std::string> made;
  for (const TakenObject& object : objects) {
    const auto now = find_object(session, object);
    if (!now)
      throw Error(Exit::drift, Remedy::person, object.identity + " is gone", "see who has dropped it, and when");
    if (is_hidden(session, plan, object)) continue;
    if (!object.becomes.empty()) {
      for (const std::string& sql : rename_away_sql(object)) session.exec(sql);
      continue;
    }
    const std::string target = hidden_schema(plan.name, object.name.schema);
    if (made.insert(object.name.schema).second)
      for (const std::string& sql : make_hidden_schema_sql(plan.name, object.name.schema)) session.exec(sql);
    session.exec(move_sql(object, now->identity, target));
  }
}

void drop_schema_if_empty(ports::Session& session, const std::string& schema) {
  const auto empty = session.exec(
      "SELECT NOT EXISTS (SELECT FROM pg_depend d WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = "
      "n.oid) FROM pg_namespace n WHERE n.nspname = $1",
      {schema});
  if (!empty.empty() && empty.boolean(0, 0)) session.exec("DROP SCHEMA " + quote_identifier(schema) + " RESTRICT");
}

namespace {

void drop_empty_schemas(ports::Session& session, const Plan& plan, const std::vector<TakenObject>& objects) {
  std::set<std::string> schemas;
  for (const TakenObject& object : objects) schemas.insert(hidden_schema(plan.name, object.name.schema));
  for (const std::string& schema : schemas) drop_schema_if_empty(session, schema);
}

}  // namespace

void unhide_objects(ports::Session& session, PlanId plan_id, const Plan& plan) {
  const std::vector<TakenObject> objects = load_objects(session, plan_id);
  for (const TakenObject& object : objects) {
    const auto now = find_object(session, object);
    if (now && is_hidden(session, plan, object)) {
      if (object.becomes.empty())
        give_back(object, [&] { session.exec(move_sql(object, now->identity, object.name.schema)); });
      else
        rename_back(session, object);
    }
    session.exec("DELETE FROM switchback.archive WHERE plan_id = $1 AND relation = $2 AND state = 'verified'",
                 {std::to_string(plan_id), object.identity});
  }
  drop_empty_schemas(session, plan, objects);
}

void archive_objects(ports::Session& session, PlanId plan_id, const std::vector<TakenObject>& objects) {
  for (const TakenObject& object : objects) {
    if (object.part || !object.becomes.empty()) continue;  // what is renamed is all there
    const auto now = object.kind == Structure::Kind::table ? find_object(session, object) : std::nullopt;
    session.exec(
        "INSERT INTO switchback.archive (plan_id, relation, archive_table, state) VALUES ($1, $2, $3, 'verified') ON "
        "CONFLICT (plan_id, relation) DO UPDATE SET archive_table = excluded.archive_table, state = 'verified', "
        "keep_until = NULL",
        {std::to_string(plan_id), object.identity, now ? now->identity : "its definition"});
  }
}

void lock_objects(ports::Session& session, const std::vector<TakenObject>& objects) {
  std::set<std::string> names;
  for (const TakenObject& object : objects)
    if (const auto now = find_object(session, object); now && object.word == "TABLE" && object.becomes.empty())
      names.insert(now->identity);
  for (const std::string& name : names) session.exec("LOCK TABLE " + name + " IN ACCESS EXCLUSIVE MODE");
}

std::vector<std::string> object_objections(ports::Session& session, const std::vector<TakenObject>& objects) {
  std::vector<std::string> objections;
  for (const TakenObject& object : objects) {
    if (object.kind != Structure::Kind::table || object.part || !object.becomes.empty()) continue;
    for (const TakenObject& part : parts_of(session, object))
      if (std::ranges::none_of(objects, [&](const TakenObject& known) { return known.oid == part.oid; }))
        objections.push_back("the table " + object.identity + " has got the partition " + part.identity +
                             " since it was hidden: detach it");
  }
  return objections;
}

void drop_objects(ports::Session& session, const Plan& plan, const std::vector<TakenObject>& objects, bool late,
                  bool keep_tables) {
  for (auto object = objects.rbegin(); object != objects.rend(); ++object) {
    if (object->part || object->late != late || (keep_tables && object->kind == Structure::Kind::table)) continue;
    if (!object->becomes.empty()) continue;  // a table that goes on under another name
    if (is_hidden(session, plan, *object)) session.exec(drop_sql(*object, find_object(session, *object)->identity));
  }
  drop_empty_schemas(session, plan, objects);
}

void settle_objects(ports::Session& session, PlanId plan_id, const Plan& plan, const std::vector<TakenObject>& objects,
                    std::string_view state) {
  for (const TakenObject& object : objects)
    session.exec("UPDATE switchback.archive SET state = $3 WHERE plan_id = $1 AND relation = $2",
                 {std::to_string(plan_id), object.identity, std::string(state)});
  drop_empty_schemas(session, plan, objects);
}

}  // namespace switchback::engine
