#include "switchback/core/counter_sql.hpp"

#include "sync_text.hpp"

namespace switchback {
namespace {

/// Our own statements are no image's.
constexpr const char* not_ours =
    "NOT pg_catalog.starts_with(pg_catalog.current_setting('application_name'), 'switchback')";

std::string id_of(const Counter& counter) {
  return std::to_string(counter.plan_id) + "_" + std::to_string(counter.number);
}

std::string function_name(const Counter& counter, std::string_view which) {
  return "switchback." + quote_identifier("count_" + id_of(counter) + std::string(which));
}

std::string key_json(const std::vector<std::string>& columns, std::string_view row) {
  std::vector<std::string> pairs;
  pairs.reserve(columns.size());
  for (const std::string& column : columns)
    pairs.push_back(quote_literal(column) + ", " + std::string(row) + "." + quote_identifier(column));
  return "pg_catalog.jsonb_build_object(" + joined(pairs, ", ", "") + ")";
}

/// A trigger function with its owner's rights, which are needed to read the other table and to write the note.
/// `offends`: asked before anything is noted; empty: the trigger's WHEN has asked.
std::string function_sql(const Counter& counter, std::string_view which, const std::string& offends,
                         const std::string& key) {
  const std::string setting = quote_literal("switchback.count_" + id_of(counter) + std::string(which));
  std::string ask;
  if (!offends.empty())
    ask = "  BEGIN\n    IF (" + offends + R"() IS NOT TRUE THEN RETURN NULL; END IF;
  EXCEPTION WHEN OTHERS THEN failure := SQLSTATE || ' ' || SQLERRM;
  END;
)";
  const std::string body =
      R"(
DECLARE
  failure pg_catalog.text; slot pg_catalog.text; was pg_catalog.text; who pg_catalog.text;
BEGIN
)" + ask +
      R"(  BEGIN
    who := CASE pg_catalog.current_setting('role', true) WHEN 'none' THEN session_user::pg_catalog.text
      ELSE COALESCE(pg_catalog.current_setting('role', true), session_user::pg_catalog.text) END;
    slot := pg_catalog.concat_ws('/', who, pg_catalog.current_setting('application_name'), TG_OP,
      pg_catalog.floor(pg_catalog.date_part('epoch', pg_catalog.statement_timestamp()) OPERATOR(pg_catalog./) )" +
      std::to_string(counter.period.count()) + R"(::pg_catalog.float8)) OPERATOR(pg_catalog.||) ' ';
    was := COALESCE(pg_catalog.current_setting()" +
      setting + R"(, true), '');
    IF pg_catalog.starts_with(was, slot) THEN
      PERFORM pg_catalog.set_config()" +
      setting +
      R"(, slot OPERATOR(pg_catalog.||) (pg_catalog.substring(was, '[0-9]+$')::pg_catalog.int8 OPERATOR(pg_catalog.+) 1), false);
    ELSE
      INSERT INTO switchback.violation (plan_id, rule, relation, how, role, application, at, writes, key, failure)
      VALUES ()" +
      std::to_string(counter.plan_id) + ", " + std::to_string(counter.number) +
      R"(, pg_catalog.concat(TG_TABLE_SCHEMA, '.', TG_TABLE_NAME), pg_catalog.lower(TG_OP), who,
        pg_catalog.current_setting('application_name'), pg_catalog.clock_timestamp(),
        1 OPERATOR(pg_catalog.+) COALESCE(pg_catalog.substring(was, '[0-9]+$'), '0')::pg_catalog.int8, )" +
      key + R"(, failure);
      PERFORM pg_catalog.set_config()" +
      setting + R"(, slot OPERATOR(pg_catalog.||) '0', false);
    END IF;
  EXCEPTION WHEN OTHERS THEN NULL;  -- a note is not worth the application's statement
  END;
  RETURN NULL;
END
)";
  return "CREATE OR REPLACE FUNCTION " + function_name(counter, which) +
         "() RETURNS pg_catalog.trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = " +
         rule_search_path(counter.facts) + " SET lock_timeout = '5ms' AS " + dollar_quote(body);
}

struct Trigger {
  std::string end;     ///< of its name
  std::string events;  ///< "INSERT OR UPDATE"
  TableName table;
  std::string when;
  std::string which;  ///< of the counter's functions
};

void add_trigger(std::vector<std::string>& sql, const Counter& counter, const Trigger& trigger) {
  const std::string name = quote_identifier("~switchback_3_" + id_of(counter) + trigger.end);
  const std::string on = " ON " + quoted(trigger.table);
  sql.push_back("DROP TRIGGER IF EXISTS " + name + on);
  sql.push_back("CREATE TRIGGER " + name + " AFTER " + trigger.events + on + " FOR EACH ROW WHEN (" + not_ours +
                (trigger.when.empty() ? "" : " AND " + trigger.when) + ") EXECUTE FUNCTION " +
                function_name(counter, trigger.which) + "()");
  sql.push_back("ALTER TABLE " + quoted(trigger.table) + " ENABLE ALWAYS TRIGGER " + name);
}

/// Runs with the writer's rights and never raises: what a check raises, its constraint would raise as well.
std::string check_function_sql(const Counter& counter) {
  const std::string name = "count_" + id_of(counter) + "_asks";
  std::vector<std::string> parameters;
  std::vector<std::string> types;
  for (const SyncColumn& column : counter.facts.columns) {
    types.push_back(qualified_type(column.type));
    parameters.push_back(quote_identifier(column.name) + " " + types.back());
  }
  const std::string function = function_name(counter, "_asks");
  return "CREATE OR REPLACE FUNCTION " + function + "(" + joined(parameters, ", ", "") +
         ") RETURNS pg_catalog.bool LANGUAGE plpgsql AS " +
         dollar_quote("\nBEGIN\n  RETURN (" + counter.facts.check.value().in(quote_identifier(name)) +
                      ") IS FALSE;\nEXCEPTION WHEN OTHERS THEN RETURN true;\nEND\n") +
         ";\nGRANT EXECUTE ON FUNCTION " + function + "(" + joined(types, ", ", "") + ") TO PUBLIC";
}

std::string changed(const std::vector<std::string>& columns) {
  std::vector<std::string> all;
  all.reserve(columns.size());
  for (const std::string& column : columns)
    all.push_back("OLD." + quote_identifier(column) + " IS DISTINCT FROM NEW." + quote_identifier(column));
  return "(" + joined(all, " OR ", "true") + ")";
}

std::string given(const std::vector<std::string>& columns) {
  std::vector<std::string> all;
  all.reserve(columns.size());
  for (const std::string& column : columns) all.push_back("NEW." + quote_identifier(column) + " IS NOT NULL");
  return joined(all, " AND ", "true");
}

std::string equal(const std::vector<std::string>& one, std::string_view row, const std::vector<std::string>& other) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < one.size(); ++i)
    all.push_back("\"~switchback_other\"." + quote_identifier(other[i]) + " = " + std::string(row) + "." +
                  quote_identifier(one[i]));
  return joined(all, " AND ", "true");
}

/// What is looked up is asked only where the columns are new.
void add_lookups(std::vector<std::string>& sql, const Counter& counter, const TableName& table,
                 const std::vector<std::string>& columns) {
  add_trigger(sql, counter, {"_i", "INSERT", table, given(columns), ""});
  add_trigger(sql, counter, {"_u", "UPDATE", table, given(columns) + " AND " + changed(columns), ""});
}

void add_foreign_key(std::vector<std::string>& sql, const Counter& counter, const AddForeignKey& rule,
                     const std::string& key) {
  sql.push_back(function_sql(counter, "", offends_sql(counter.rule, counter.facts, "NEW"), key));
  // What cascades or sets NULL will not be refused.
  const std::string left = "EXISTS (SELECT FROM " + quoted(rule.table) + " AS \"~switchback_other\" WHERE " +
                           equal(rule.referenced_columns, "OLD", rule.columns) + ") AND NOT EXISTS (SELECT FROM " +
                           quoted(rule.referenced) + " AS \"~switchback_other\" WHERE " +
                           equal(rule.referenced_columns, "OLD", rule.referenced_columns) + ")";
  const auto refuses = [](KeyAction action) {
    return action == KeyAction::no_action || action == KeyAction::restrict_;
  };
  if (refuses(rule.on_delete) || refuses(rule.on_update))
    sql.push_back(function_sql(counter, "_r", left, key_json(rule.referenced_columns, "OLD")));
  add_lookups(sql, counter, rule.table, rule.columns);
  if (refuses(rule.on_delete)) add_trigger(sql, counter, {"_rd", "DELETE", rule.referenced, "", "_r"});
  if (refuses(rule.on_update))
    add_trigger(sql, counter, {"_ru", "UPDATE", rule.referenced, changed(rule.referenced_columns), "_r"});
}

}  // namespace

std::string counter_function(std::int64_t plan_id, int number) {
  return "count_" + std::to_string(plan_id) + "_" + std::to_string(number);
}

std::vector<std::string> counter_sql(const Counter& counter) {
  std::vector<std::string> sql;
  const TableName& table = table_of(counter.rule);
  const auto on_each = [&](const std::string& when) {
    for (const TableName& one : counter.on) add_trigger(sql, counter, {"", "INSERT OR UPDATE", one, when, ""});
  };
  const std::string key = key_json(counter.facts.key ? counter.facts.key->columns : std::vector<std::string>{}, "NEW");
  if (const auto* strict = std::get_if<SetNotNull>(&counter.rule)) {
    sql.push_back(function_sql(counter, "", "", key));
    on_each("NEW." + quote_identifier(strict->column) + " IS NULL");
  } else if (std::holds_alternative<AddCheck>(counter.rule)) {
    std::vector<std::string> arguments;
    for (const SyncColumn& column : counter.facts.columns) arguments.push_back("NEW." + quote_identifier(column.name));
    sql.push_back(check_function_sql(counter));
    sql.push_back(function_sql(counter, "", "", key));
    on_each(function_name(counter, "_asks") + "(" + joined(arguments, ", ", "") + ")");
  } else if (const auto* foreign = std::get_if<AddForeignKey>(&counter.rule)) {
    add_foreign_key(sql, counter, *foreign, key);
  } else if (const auto* unique = std::get_if<AddUnique>(&counter.rule)) {
    const std::string twin = "EXISTS (SELECT FROM ONLY " + quoted(table) + " AS \"~switchback_other\" WHERE " +
                             twins_sql(*unique, counter.facts, "NEW", "\"~switchback_other\"") + " AND NOT (" +
                             equal(counter.facts.key.value().columns, "NEW", counter.facts.key->columns) + "))";
    sql.push_back(function_sql(counter, "", twin, key));
    add_lookups(sql, counter, table, unique->columns);
  }
  return sql;
}

}  // namespace switchback
