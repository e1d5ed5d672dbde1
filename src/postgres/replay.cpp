#include "replay.hpp"

#include <algorithm>

#include "switchback/core/error.hpp"
#include "switchback/core/sql.hpp"
#include "switchback/postgres/server_judge.hpp"
#include "usage_judging.hpp"
#include "usage_reach.hpp"

namespace switchback::postgres {
namespace {

/// `remove`: each removal must work by itself; then all are made, and what another one took along is no error.
/// `shape`: what the statement gives is the output of the topmost node of its plan (documentation, "EXPLAIN", VERBOSE);
/// PostgreSQL 16's pg_prepared_statements.result_types would not tell two columns of one type apart.
constexpr const char* furniture = R"sql(
CREATE SCHEMA IF NOT EXISTS switchback_ask;
CREATE OR REPLACE FUNCTION switchback_ask.remove(removals text[]) RETURNS void LANGUAGE plpgsql AS $body$
DECLARE
  one text;
BEGIN
  FOREACH one IN ARRAY removals LOOP
    BEGIN
      EXECUTE one;
      RAISE SQLSTATE 'SWB02';
    EXCEPTION WHEN SQLSTATE 'SWB02' THEN
    END;
  END LOOP;
  FOREACH one IN ARRAY removals LOOP
    BEGIN
      EXECUTE one;
    EXCEPTION WHEN undefined_column OR undefined_table OR undefined_object OR undefined_function THEN
    END;
  END LOOP;
END $body$;
CREATE OR REPLACE FUNCTION switchback_ask.shape(texts text[]) RETURNS TABLE (message text, shape text)
LANGUAGE plpgsql AS $body$
DECLARE
  parameters text;
  prepared boolean;
  plan pg_catalog.json;
BEGIN
  FOR i IN 1 .. pg_catalog.cardinality(texts) LOOP
    message := '';
    shape := '';
    prepared := false;
    BEGIN
      EXECUTE 'PREPARE switchback_asked AS ' || texts[i];
      prepared := true;
      SELECT '(' || pg_catalog.string_agg('NULL', ',') || ')' INTO parameters
      FROM pg_catalog.pg_prepared_statements s CROSS JOIN LATERAL pg_catalog.unnest(s.parameter_types) t
      WHERE s.name = 'switchback_asked';
      EXECUTE 'EXPLAIN (VERBOSE, COSTS OFF, FORMAT JSON) EXECUTE switchback_asked' || COALESCE(parameters, '') INTO plan;
      shape := COALESCE(plan -> 0 -> 'Plan' ->> 'Output', '');
    EXCEPTION WHEN OTHERS THEN
      message := SQLERRM;
    END;
    IF prepared THEN
      DEALLOCATE switchback_asked;
    END IF;
    RETURN NEXT;
  END LOOP;
END $body$)sql";

constexpr std::size_t texts_a_call = 100;

struct Answer {
  std::string message;  ///< empty: prepared and planned
  std::string shape;
};

/// One statement, by the clone's session: both times in a transaction that is rolled back.
class Asking {
 public:
  Asking(ports::Session& session, const std::vector<Structure>& structures) : session_(session) {
    std::vector<std::string> removals;
    removals.reserve(structures.size());
    for (const Structure& one : structures) removals.push_back(removal_sql(one));
    removals_ = array_literal(removals);
    ports::Transaction transaction(session_);
    transaction.exec(furniture);
    transaction.commit();
  }

  std::vector<Answer> ask(const std::vector<std::string>& texts, const Parsing& parsing, bool without) {
    ports::Transaction transaction(session_);
    if (without) transaction.exec("SELECT switchback_ask.remove($1::text[])", {removals_});
    transaction.exec(
        "SELECT pg_catalog.set_config('search_path', $1, true), "
        "pg_catalog.set_config('standard_conforming_strings', $2, true)",
        {parsing.search_path, parsing.standard_strings ? "on" : "off"});
    std::vector<Answer> answers;
    for (std::size_t from = 0; from < texts.size(); from += texts_a_call) {
      const std::vector<std::string> some(
          texts.begin() + static_cast<std::ptrdiff_t>(from),
          texts.begin() + static_cast<std::ptrdiff_t>(std::min(texts.size(), from + texts_a_call)));
      const ports::Rows rows =
          transaction.exec("SELECT message, shape FROM switchback_ask.shape($1::text[])", {array_literal(some)});
      for (std::size_t i = 0; i < rows.size(); ++i) {
        const std::string message = rows.text(i, 0);
        answers.push_back({message.substr(0, message.find('\n')), rows.text(i, 1)});
      }
    }
    return answers;
  }

 private:
  ports::Session& session_;
  std::string removals_;
};

struct Word {
  TextWord text = TextWord::clear;
  ReplayWord server = ReplayWord::none;
  std::string text_why, server_why;
  std::string namesake_why;  ///< the text alone cannot tell which of several functions of a name it calls
};

bool names_one(std::string_view text, const std::set<TableName>& objects) {
  return std::ranges::any_of(objects, [&](const TableName& one) { return mentions(text, one.name); });
}

TextWord word_of(const Sentence& sentence, std::string_view text, const Structure& structure,
                 const JudgeTarget& target) {
  if (sentence.judged.use == StatementUse::does_not) return TextWord::clear;
  if (sentence.judged.use != StatementUse::uses) return TextWord::unclear;
  // A star is all there is to it where it works without, else where no other name leads there; and no function, into
  // which the server does not look.
  const bool rows_alone =
      (sentence.reads == RowRead::star || sentence.reads == RowRead::dump) && !names_one(text, target.functions);
  const bool unnamed = !mentions(text, structure.name) && !names_one(text, target.views);
  return rows_alone && sentence.works_without.value_or(unnamed) ? TextWord::star : TextWord::uses;
}

/// Which function of a name a call means the server decides when it prepares: not so in a string that somebody may run.
bool only_calls(const Sentence& sentence, const std::string& text, const JudgeTarget& target) {
  if (target.kind != Structure::Kind::function || !target.namesakes || sentence.judged.use != StatementUse::ambiguous ||
      !sentence.judged.why.starts_with("calls " + target.object.name))
    return false;
  return std::ranges::none_of(tokens_of(text), [&](const Token& token) {
    return token.kind == Token::Kind::string && mentions(token.text, target.object.name);
  });
}

/// One replay: what the text says of each structure, then what the server says of all of them together.
class Replaying {
 public:
  Replaying(ports::Session& source, const ports::UsageRequest& request, const std::vector<ports::ReplayText>& texts,
            ports::SchemaClone* clone)
      : source_(source), request_(request), texts_(texts), clone_(clone), words_(texts.size()) {}

  ports::Replay run(const std::string& print) {
    ports::Replay result;
    Judges judges(source_, clone_);
    std::vector<Suspect> suspects;
    for (const ports::ReplayText& one : texts_) suspects.push_back({one.text, one.role, true, false});
    std::vector<Reached> reach = reached(source_, request_);
    for (std::size_t i = 0; i < reach.size(); ++i) {
      const Structure& structure = request_.structures[i];
      JudgeTarget& target = reach[i].target;
      if (structure.kind == Structure::Kind::type || structure.kind == Structure::Kind::function ||
          (structure.kind != Structure::Kind::column && !target.keys.empty()))
        result.beyond_manifests.push_back(shown(structure));
      if (suspects.empty()) continue;
      for (const auto& broken : judges.broken_functions(reach[i].doubted_functions, structure, target))
        target.functions.insert(broken.name);
      hear(judges.judge(suspects, structure, target), structure, target);
    }
    if (const auto remark = judges.remark(); remark && !texts_.empty()) result.remark = remark->detail;
    if (!clone_) result.remark = "there is no schema clone";
    if (result.remark.empty() && !texts_.empty()) result.remark = ask_server(print);
    for (std::size_t i = 0; i < texts_.size(); ++i) {
      Word& word = words_[i];
      if (!word.namesake_why.empty() && word.server == ReplayWord::none && word.text < TextWord::unclear) {
        word.text = TextWord::unclear;
        word.text_why = word.namesake_why;
      }
      const ReplayOutcome outcome = joined(word.text, word.server);
      const std::string why =
          word.server == ReplayWord::refused || word.text_why.empty() ? word.server_why : word.text_why;
      result.statements.push_back({texts_[i].text, outcome, outcome == ReplayOutcome::ok ? "" : why});
    }
    return result;
  }

 private:
  /// The worst of what is said of any structure.
  void hear(const std::vector<Sentence>& sentences, const Structure& structure, const JudgeTarget& target) {
    for (std::size_t i = 0; i < sentences.size(); ++i) {
      if (only_calls(sentences[i], texts_[i].text, target)) {
        words_[i].namesake_why = shown(structure) + ": " + sentences[i].judged.why;
        continue;
      }
      const TextWord said = word_of(sentences[i], texts_[i].text, structure, target);
      if (said == TextWord::clear || said <= words_[i].text) continue;
      words_[i].text = said;
      words_[i].text_why = shown(structure) + ": " + sentences[i].judged.why;
    }
  }

  /// Why it could not be asked; empty: it was.
  std::string ask_server(const std::string& print) {
    const ports::OpenClone open = clone_->open(source_, print);
    if (!open.session) return "there is no schema clone: " + open.why_not;
    try {
      Asking asking(*open.session, request_.structures);
      const RoleParsing parsing(source_);
      std::map<Parsing, std::vector<std::size_t>> groups;
      for (std::size_t i = 0; i < texts_.size(); ++i)
        if (!preparable(texts_[i].text).empty()) groups[parsing.of(texts_[i].role)].push_back(i);
      for (const auto& [how, group] : groups) compare(asking, how, group);
      return "";
    } catch (const Error& error) {
      clone_->discard();
      return std::string("the server could not be asked on the schema clone: ") + error.what();
    }
  }

  void compare(Asking& asking, const Parsing& how, const std::vector<std::size_t>& group) {
    std::vector<std::string> texts;
    texts.reserve(group.size());
    for (const std::size_t i : group) texts.push_back(without_exists_stars(preparable(texts_[i].text)));
    const std::vector<Answer> with = asking.ask(texts, how, false);
    const std::vector<Answer> without = asking.ask(texts, how, true);
    for (std::size_t k = 0; k < group.size(); ++k) {
      Word& word = words_[group[k]];
      if (!with[k].message.empty()) continue;  // neither can anything be told of it without
      word.server = !without[k].message.empty()         ? ReplayWord::refused
                    : with[k].shape != without[k].shape ? ReplayWord::shape
                                                        : ReplayWord::same;
      if (word.server == ReplayWord::refused) word.server_why = "the server then says: " + without[k].message;
      if (word.server == ReplayWord::shape) word.server_why = "gives " + without[k].shape + " then";
    }
  }

  ports::Session& source_;
  const ports::UsageRequest& request_;
  const std::vector<ports::ReplayText>& texts_;
  ports::SchemaClone* clone_;
  std::vector<Word> words_;
};

}  // namespace

ports::Replay Replayer::replay(ports::Session& source, const ports::UsageRequest& request,
                               const std::vector<ports::ReplayText>& texts) {
  const std::string print = schema_print(source);
  std::string question = print;
  for (const Structure& one : request.structures) question += '\1' + std::string(name(one.kind)) + ' ' + shown(one);
  for (const ports::ReplayText& one : texts) question += '\2' + one.role + '\3' + one.text;
  if (last_ && question == question_) return *last_;
  ports::Replay found = Replaying(source, request, texts, clone_).run(print);
  const bool lasting = found.remark.empty() || !clone_ || clone_->declined();  // what failed may be mended
  question_ = std::move(question);
  last_ = lasting ? std::optional(found) : std::nullopt;
  return found;
}

}  // namespace switchback::postgres
