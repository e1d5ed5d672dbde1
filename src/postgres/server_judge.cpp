#include "switchback/postgres/server_judge.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "switchback/core/error.hpp"
#include "switchback/core/sql.hpp"
#include "switchback/postgres/statement_reads.hpp"
#include "usage_reach.hpp"

namespace switchback::postgres {
namespace {

using ports::Rows;
using Word = ServerWord::Word;

constexpr std::size_t texts_a_call = 100;
constexpr std::string_view noted_dependencies = "SWB01";

/// `ask` tries each text in a subtransaction. NULL for every parameter: the server looks at rights before it looks at
/// values, and what it may leave out because of a NULL keeps its rights to be looked at.
constexpr const char* furniture = R"sql(
CREATE SCHEMA IF NOT EXISTS switchback_ask;
CREATE OR REPLACE FUNCTION switchback_ask.ask(texts text[], how text) RETURNS TABLE (state text, message text)
LANGUAGE plpgsql AS $body$
DECLARE
  given pg_catalog.regtype[];
  parameters text;
  prepared boolean;
BEGIN
  FOR i IN 1 .. pg_catalog.cardinality(texts) LOOP
    state := '';
    message := '';
    prepared := false;
    BEGIN
      EXECUTE 'PREPARE switchback_asked AS ' || texts[i];
      prepared := true;
      IF how <> 'prepare' THEN
        SELECT s.parameter_types INTO given FROM pg_catalog.pg_prepared_statements s WHERE s.name = 'switchback_asked';
      END IF;
      IF how = 'plan' THEN
        SELECT '(' || pg_catalog.string_agg('NULL', ',') || ')' INTO parameters FROM pg_catalog.unnest(given);
        EXECUTE 'EXPLAIN (COSTS OFF) EXECUTE switchback_asked' || COALESCE(parameters, '');
      ELSIF how = 'depend' THEN
        SELECT pg_catalog.string_agg(one::text, ',') INTO parameters FROM pg_catalog.unnest(given) one;
        EXECUTE 'CREATE FUNCTION switchback_ask.probe(' || COALESCE(parameters, '') || ') RETURNS void LANGUAGE sql BEGIN ATOMIC '
          || texts[i] || E'\n; SELECT NULL::void WHERE false; END';
        RAISE SQLSTATE 'SWB01' USING MESSAGE = (
          SELECT COALESCE(pg_catalog.string_agg(DISTINCT CASE WHEN t.typrelid IS NOT NULL THEN 'type/' || t.typrelid
              WHEN d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                THEN pg_catalog.format('column/%s/%s', d.refobjid, d.refobjsubid) END, ' '), '')
          FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_proc p ON p.oid = d.objid AND p.proname = 'probe'
          JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace AND n.nspname = 'switchback_ask'
          LEFT JOIN pg_catalog.pg_proc f ON d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND f.oid = d.refobjid
          LEFT JOIN pg_catalog.pg_type e ON e.oid = CASE WHEN f.oid IS NOT NULL THEN f.prorettype
            WHEN d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass THEN d.refobjid END
          LEFT JOIN pg_catalog.pg_type t ON t.oid IN (e.oid, e.typelem) AND t.typrelid <> 0
          WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass);
      END IF;
    EXCEPTION WHEN OTHERS THEN
      state := SQLSTATE;
      message := SQLERRM;
    END;
    IF prepared THEN
      DEALLOCATE switchback_asked;
    END IF;
    RETURN NEXT;
  END LOOP;
END $body$;
CREATE OR REPLACE FUNCTION switchback_ask.withdraw(schemas text[], tables text[], wanted text) RETURNS void
LANGUAGE plpgsql AS $body$
DECLARE
  one record;
BEGIN
  FOR one IN
    SELECT n.nspname, c.relname, c.oid,
           pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ',') AS readable,
           pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ',') FILTER (WHERE a.attnum > 0) AS writable
    FROM ROWS FROM (pg_catalog.unnest(schemas), pg_catalog.unnest(tables)) x(nspname, relname) JOIN pg_catalog.pg_namespace n ON n.nspname = x.nspname
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = x.relname
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname <> wanted AND NOT a.attisdropped
    GROUP BY 1, 2, 3
  LOOP
    EXECUTE pg_catalog.format('REVOKE ALL ON %I.%I FROM CURRENT_USER', one.nspname, one.relname);
    EXECUTE pg_catalog.format('GRANT DELETE, TRUNCATE, REFERENCES, TRIGGER ON %I.%I TO CURRENT_USER', one.nspname, one.relname);
    EXECUTE pg_catalog.format('GRANT SELECT (%s) ON %I.%I TO CURRENT_USER', one.readable, one.nspname, one.relname);
    IF one.writable IS NOT NULL THEN
      EXECUTE pg_catalog.format('GRANT INSERT (%1$s), UPDATE (%1$s) ON %2$I.%3$I TO CURRENT_USER',
                                one.writable, one.nspname, one.relname);
    END IF;
    IF pg_catalog.has_column_privilege(one.oid, wanted, 'SELECT') THEN
      RAISE EXCEPTION 'the role % can read whatever it was denied', current_user;
    END IF;
  END LOOP;
END $body$;
CREATE OR REPLACE FUNCTION switchback_ask.validate(path text)
RETURNS TABLE (in_schema name, called name, identity text, message text) LANGUAGE plpgsql AS $body$
DECLARE
  checker name := (SELECT n.nspname FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
                   WHERE e.extname = 'plpgsql_check');
  one record;
BEGIN
  FOR one IN
    SELECT n.nspname, p.proname, p.oid, l.lanname, COALESCE(g.tgrelid, 0) AS relid,
           COALESCE((SELECT pg_catalog.substr(c, 13) FROM pg_catalog.unnest(p.proconfig) c WHERE c LIKE 'search\_path=%'),
                    path) AS path
    FROM pg_catalog.pg_proc p
    JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace JOIN pg_catalog.pg_language l ON l.oid = p.prolang
    LEFT JOIN pg_catalog.pg_trigger g ON g.tgfoid = p.oid AND NOT g.tgisinternal
    WHERE (l.lanname = 'sql' OR l.lanname = 'plpgsql' AND checker IS NOT NULL
        AND (g.oid IS NOT NULL OR p.prorettype NOT IN ('trigger'::pg_catalog.regtype, 'event_trigger'::pg_catalog.regtype)))
      AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'switchback_ask')
      AND p.proowner = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user)
    ORDER BY p.oid
  LOOP
    in_schema := one.nspname;
    called := one.proname;
    identity := pg_catalog.format('%s.%s(%s)', one.nspname, one.proname, pg_catalog.pg_get_function_identity_arguments(one.oid));
    PERFORM pg_catalog.set_config('search_path', one.path, true);
    BEGIN
      IF one.lanname = 'sql' THEN
        PERFORM pg_catalog.fmgr_sql_validator(one.oid);
        CONTINUE;
      END IF;
      EXECUTE pg_catalog.format('SELECT x.message FROM %I.plpgsql_check_function_tb(funcoid => $1, relid => $2) x '
        'WHERE x.level = ''error'' LIMIT 1', checker)
        INTO message USING one.oid::pg_catalog.regprocedure, one.relid::pg_catalog.regclass;
      IF message IS NOT NULL THEN
        RETURN NEXT;
      END IF;
    EXCEPTION WHEN OTHERS THEN
      message := SQLERRM;
      RETURN NEXT;
    END;
  END LOOP;
END $body$)sql";

/// A relation, function, operator, type or schema that is not there: the clone may lack it. Tables have all of their
/// columns or are not there at all, and what no FROM explains is a variable of the function that ran the statement.
bool is_absence(const std::string& state, const std::string& message) {
  static const std::set<std::string> states{"42P01", "42883", "42704", "3F000"};
  return states.contains(state) && !message.starts_with("missing FROM-clause entry");
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

/// `double precision ~@ text` or `~@ text`: ~@.
std::string operator_in(const std::string& signature) {
  const std::string signs = "+-*/<>=~!@#%^&|`?";
  const auto from = signature.find_first_of(signs);
  if (from == std::string::npos) return "";
  return signature.substr(from, signature.find_first_not_of(signs, from) - from);
}

/// `relation "sales.orders" does not exist`, `function f(text) does not exist`, `operator does not exist: a ~@ b`:
/// orders, f, ~@. Empty where it says otherwise.
std::string absent_name(const std::string& message) {
  std::string name;
  const auto open = message.find('"');
  const auto close = message.rfind('"');
  if (open != std::string::npos && close > open) name = message.substr(open + 1, close - open - 1);
  if (open == std::string::npos && message.starts_with("function ")) name = message.substr(9, message.find('(') - 9);
  if (open == std::string::npos && message.starts_with("operator does not exist: "))
    return operator_in(message.substr(25));
  return name.substr(name.rfind('.') + 1);  // npos + 1 is 0
}

/// "column/16400/3 type/16400" holds a column or a row type of the family.
bool names_family(const std::string& dependencies, const Rows& family) {
  const std::string padded = " " + dependencies + " ";
  for (std::size_t i = 0; i < family.size(); ++i) {
    const std::string table = family.text(i, 0);
    if (padded.find(" column/" + table + "/" + family.text(i, 1) + " ") != std::string::npos) return true;
    if (padded.find(" type/" + table + " ") != std::string::npos) return true;
  }
  return false;
}

/// Schemas and names, as two text arrays.
std::pair<std::string, std::string> arrays_of(const std::set<TableName>& relations) {
  std::vector<std::string> schemas;
  std::vector<std::string> names;
  for (const TableName& one : relations) {
    schemas.push_back(one.schema);
    names.push_back(one.name);
  }
  return {array_literal(schemas), array_literal(names)};
}

}  // namespace

std::string removal_sql(const Structure& structure) {
  if (structure.kind == Structure::Kind::column)
    return "ALTER TABLE " + quoted(structure.table) + " DROP COLUMN " + quote_identifier(structure.name) + " CASCADE";
  if (structure.kind == Structure::Kind::constraint)
    return "ALTER TABLE " + quoted(structure.table) + " DROP CONSTRAINT " + quote_identifier(structure.name) +
           " CASCADE";
  if (structure.kind == Structure::Kind::index)
    return "DROP INDEX " + quoted(TableName{structure.table.schema, structure.name}) + " CASCADE";
  if (structure.kind == Structure::Kind::function)
    return "DROP FUNCTION " + quoted(structure.table) + "(" + structure.arguments + ") CASCADE";
  if (!structure.becomes.empty())
    return "DROP VIEW IF EXISTS " + quoted(TableName{structure.table.schema, structure.becomes}) +
           " CASCADE; ALTER TABLE " + quoted(structure.table) + " RENAME TO " + quote_identifier(structure.becomes);
  const std::string named = quoted(structure.table) + " CASCADE";
  if (structure.kind != Structure::Kind::view)
    return (structure.kind == Structure::Kind::type ? "DROP TYPE " : "DROP TABLE ") + named;
  // DROP VIEW refuses a materialized one, and the other way round.
  return "DO " + dollar_quote(
                     "BEGIN IF (SELECT relkind = 'm' FROM pg_catalog.pg_class WHERE oid = "
                     "pg_catalog.to_regclass(" +
                     quote_literal(quoted(structure.table)) + ")) THEN DROP MATERIALIZED VIEW " + named +
                     "; ELSE DROP VIEW " + named + "; END IF; END");
}

StatementJudgement combine(const StatementJudgement& parsed, const ServerWord& server, bool several) {
  if (parsed.use == StatementUse::uses) return parsed;
  if (server.word == Word::uses) return {StatementUse::uses, server.why};
  if (server.word == Word::lacking) return {StatementUse::ambiguous, "the server cannot tell: " + server.why};
  if (parsed.use == StatementUse::does_not) return parsed;
  if (server.word == Word::clear && server.exact && !several) return {StatementUse::does_not, "cleared by the server"};
  return parsed;
}

ServerJudge::ServerJudge(const ports::OpenClone& clone, const Structure& structure, const JudgeTarget& target)
    : session_(*clone.session), lacking_(clone.lacking), structure_(structure), target_(target) {
  ports::Transaction transaction(session_);
  transaction.exec(furniture);
  transaction.commit();
}

std::string ServerJudge::withdrawal() const {
  const auto [schemas, names] = arrays_of(target_.relations);
  return "SELECT switchback_ask.withdraw(" + quote_literal(schemas) + "::text[], " + quote_literal(names) +
         "::text[], " + quote_literal(structure_.name) + ")";
}

std::optional<std::vector<ServerJudge::Answer>> ServerJudge::answers(const std::string& change, const Parsing& parsing,
                                                                     const std::vector<Asked*>& asked, How how) {
  std::vector<Answer> result;
  if (asked.empty()) return result;
  ports::Transaction transaction(session_);
  if (!change.empty()) {
    try {
      transaction.exec(change);
    } catch (const Error& error) {
      if (error.remedy() == Remedy::reconnect) throw;
      refusal_ = first_line(error.what());
      return std::nullopt;
    }
  }
  transaction.exec(
      "SELECT pg_catalog.set_config('search_path', $1, true), "
      "pg_catalog.set_config('standard_conforming_strings', $2, true)",
      {parsing.search_path, parsing.standard_strings ? "on" : "off"});
  const char* word = how == How::prepare ? "prepare" : how == How::plan ? "plan" : "depend";
  for (std::size_t from = 0; from < asked.size(); from += texts_a_call) {
    std::vector<std::string> texts;
    for (std::size_t i = from; i < std::min(asked.size(), from + texts_a_call); ++i) texts.push_back(asked[i]->text);
    const Rows rows =
        transaction.exec("SELECT state, message FROM switchback_ask.ask($1::text[], $2)", {array_literal(texts), word});
    for (std::size_t i = 0; i < rows.size(); ++i) result.push_back({rows.text(i, 0), first_line(rows.text(i, 1))});
  }
  return result;
}

ServerWord ServerJudge::refused(const Answer& answer) const {
  if (lacking_.empty() || !is_absence(answer.state, answer.message)) return {Word::cannot_tell, answer.message};
  std::string all;
  for (const std::string& one : lacking_) all += (all.empty() ? "" : ", ") + one;
  return {Word::lacking, answer.message + "; the schema clone lacks " + all, false, absent_name(answer.message)};
}

std::vector<ServerJudge::Asked*> ServerJudge::ask_rights(const Parsing& parsing, const std::vector<Asked*>& all) {
  const bool column = structure_.kind == Structure::Kind::column;
  const auto denied = answers(column ? withdrawal() : "", parsing, all, How::plan);
  if (!denied)
    throw Error(Exit::failed, Remedy::person, "rights cannot be withdrawn on the schema clone: " + refusal_,
                "its role must own everything there, and be neither a superuser nor a member of pg_read_all_data");
  std::vector<Asked*> working;
  std::vector<Asked*> stopped;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Answer& answer = denied->at(i);
    if (answer.state.empty())
      working.push_back(all[i]);
    else if (column && answer.state == "42501")
      stopped.push_back(all[i]);
    else
      all[i]->word = refused(answer);
    all[i]->complaint = answer.message;
  }
  const auto allowed = answers("", parsing, stopped, How::plan);
  for (std::size_t i = 0; i < stopped.size(); ++i) {
    if (!allowed->at(i).state.empty()) {
      stopped[i]->word = refused(allowed->at(i));
      continue;
    }
    stopped[i]->word.word = Word::uses;
    stopped[i]->word.why = "the server wants a right to it: " + stopped[i]->complaint;
    working.push_back(stopped[i]);
  }
  return working;
}

void ServerJudge::ask_without(const Parsing& parsing, const std::vector<Asked*>& working) {
  const bool column = structure_.kind == Structure::Kind::column;
  // With it goes what ON CONFLICT or GROUP BY may rest on; the planner looks for that.
  const bool keyed = column && !target_.keys.empty();
  std::vector<Asked*> worth_it;
  for (Asked* one : working) {
    // What does not name the column, and needed no right to it, can be prepared without.
    if (!column || keyed || one->question->exactly || one->word.word == Word::uses ||
        mentions(one->text, structure_.name))
      worth_it.push_back(one);
    if (one->word.word != Word::uses) one->word.word = Word::clear;
  }
  const auto without = answers(removal_sql(structure_), parsing, worth_it, column && !keyed ? How::prepare : How::plan);
  for (std::size_t i = 0; without && i < worth_it.size(); ++i) {
    ServerWord& word = worth_it[i]->word;
    word.works_without = without->at(i).state.empty();
    if (*word.works_without) continue;
    word.word = Word::uses;
    word.why = "without it the server says: " + without->at(i).message;
  }
}

void ServerJudge::ask_exactly(const Parsing& parsing, const std::vector<Asked*>& working) {
  std::vector<Asked*> wanted;
  for (Asked* one : working)
    if (one->question->exactly && one->word.word == Word::clear && one->word.works_without) wanted.push_back(one);
  if (wanted.empty() || structure_.kind != Structure::Kind::column || session_.server_version() < 140000) return;
  const auto depends = answers("", parsing, wanted, How::depend);
  const auto [schemas, names] = arrays_of(target_.relations);
  const Rows family = session_.exec(
      "SELECT c.oid, COALESCE(a.attnum, 0) FROM ROWS FROM (pg_catalog.unnest($1::text[]), "
      "pg_catalog.unnest($2::text[])) x(nspname, relname) "
      "JOIN pg_catalog.pg_namespace n ON n.nspname = x.nspname "
      "JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = x.relname "
      "LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = $3 AND NOT a.attisdropped",
      {schemas, names, structure_.name});
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (depends->at(i).state != noted_dependencies) continue;  // it is no body of a function: not exact
    ServerWord& word = wanted[i]->word;
    word.exact = !names_family(depends->at(i).message, family);
    if (word.exact) continue;
    word.word = Word::uses;
    word.why = "the server notes that it depends on it, or on the row type";
  }
}

std::vector<ServerWord> ServerJudge::ask(const std::vector<Question>& questions) {
  std::vector<Asked> asked;
  asked.reserve(questions.size());
  for (const Question& question : questions)
    asked.push_back({&question, preparable(question.text), "", {Word::cannot_tell, "it cannot be prepared"}});
  std::map<Parsing, std::vector<Asked*>> groups;
  for (Asked& one : asked) {
    if (one.text.empty()) continue;
    one.text = without_exists_stars(one.text);
    groups[one.question->parsing].push_back(&one);
  }
  if (!removal_sql(structure_).empty())
    for (const auto& [parsing, group] : groups) {
      const std::vector<Asked*> working = ask_rights(parsing, group);
      ask_without(parsing, working);
      ask_exactly(parsing, working);
    }
  std::vector<ServerWord> words;
  words.reserve(asked.size());
  for (Asked& one : asked) words.push_back(std::move(one.word));
  return words;
}

std::vector<ServerJudge::BrokenFunction> ServerJudge::broken_functions(const std::string& search_path) {
  if (removal_sql(structure_).empty()) return {};
  const auto complaints = [&](const std::string& change) {
    ports::Transaction transaction(session_);
    if (!change.empty()) transaction.exec(change);
    return transaction.exec("SELECT * FROM switchback_ask.validate($1)", {search_path});
  };
  const Rows now = complaints("");
  std::set<std::string> broken_anyway;
  for (std::size_t i = 0; i < now.size(); ++i) broken_anyway.insert(now.text(i, 2));
  std::vector<BrokenFunction> broken;
  const Rows then = complaints(removal_sql(structure_));
  for (std::size_t i = 0; i < then.size(); ++i)
    if (!broken_anyway.contains(then.text(i, 2)))
      broken.push_back({{then.text(i, 0), then.text(i, 1)}, then.text(i, 2), first_line(then.text(i, 3))});
  return broken;
}

}  // namespace switchback::postgres
