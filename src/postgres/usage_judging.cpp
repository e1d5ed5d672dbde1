#include "usage_judging.hpp"

#include <algorithm>

#include "switchback/core/error.hpp"
#include "usage_reach.hpp"
#include "usage_reading.hpp"

namespace switchback::postgres {
namespace {

using Word = ServerWord::Word;

/// Raised when the rules above change, so that what older ones said is judged again.
constexpr const char* rules = "4";

bool named_in_several_schemas(const JudgeTarget& target) {
  std::set<TableName> own = target.relations;
  own.insert(target.views.begin(), target.views.end());
  return std::any_of(target.all_relations.begin(), target.all_relations.end(), [&](const TableName& other) {
    return !own.contains(other) &&
           std::any_of(own.begin(), own.end(), [&](const TableName& one) { return one.name == other.name; });
  });
}

StatementJudgement by_parse_tree(const Suspect& suspect, const JudgeTarget& target) {
  const Surroundings around{suspect.nested, {}};
  const StatementJudgement judged = judge_statement(suspect.text, target, around);
  if (judged.use != StatementUse::unparsed) return judged;
  // PL/pgSQL runs its expressions without a SELECT in front of them (pl_gram.y, read_sql_construct, 14 and newer).
  const StatementJudgement expression = judge_statement("SELECT " + suspect.text, target, around);
  return expression.use == StatementUse::unparsed ? judged : expression;
}

}  // namespace

Judges::Judges(ports::Session& source, ports::SchemaClone* clone) : source_(source), clone_(clone) {
  if (clone_) declined_ = clone_->declined();
  if (!clone_ || declined_) {
    question_ = std::string(rules) + "/parse tree";
    return;
  }
  print_ = schema_print(source_);
  question_ = std::string(rules) + "/" + print_;
}

void Judges::failed(const std::string& why, const std::string& remedy) {
  failure_ = Observation{"statements",     "primary",
                         Finding::unknown, "the server itself could not be asked, there is no schema clone: " + why,
                         std::nullopt,     remedy};
}

std::optional<ServerJudge> Judges::server(const Structure& structure, const JudgeTarget& target) {
  const ports::OpenClone open = clone_->open(source_, print_);
  if (!open.session) {
    failed(open.why_not, open.remedy);
    return std::nullopt;
  }
  return std::optional<ServerJudge>(std::in_place, open, structure, target);
}

std::set<std::string> Judges::copied_columns(const Structure& structure) {
  std::set<std::string> columns;
  const auto rows = source_.exec(
      "SELECT a.attname FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid "
      "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2 "
      "AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''",
      {structure.table.schema, structure.table.name});
  for (std::size_t i = 0; i < rows.size(); ++i) columns.insert(rows.text(i, 0));
  return columns;
}

void Judges::settle_absences(std::vector<ServerWord>& words) {
  std::vector<std::string> names;
  for (const ServerWord& word : words)
    if (word.word == Word::lacking && !word.absent.empty()) names.push_back(word.absent);
  if (names.empty()) return;
  const auto rows = source_.exec(R"sql(
WITH theirs AS (SELECT oid, nspname FROM pg_catalog.pg_namespace WHERE nspname <> 'switchback' AND nspname NOT LIKE 'pg\_temp\_%')
SELECT DISTINCT x FROM pg_catalog.unnest($1::text[]) x
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_class JOIN theirs ON theirs.oid = relnamespace WHERE relname = x)
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_proc JOIN theirs ON theirs.oid = pronamespace WHERE proname = x)
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_type JOIN theirs ON theirs.oid = typnamespace WHERE typname = x)
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_operator JOIN theirs ON theirs.oid = oprnamespace
                  WHERE oprname = x AND nspname <> 'pg_catalog')
  AND NOT EXISTS (SELECT FROM theirs WHERE nspname = x))sql",
                                 {array_literal(names)});
  std::set<std::string> nowhere;
  for (std::size_t i = 0; i < rows.size(); ++i) nowhere.insert(rows.text(i, 0));
  for (ServerWord& word : words)
    if (word.word == Word::lacking && nowhere.contains(word.absent)) word.word = Word::cannot_tell;
}

std::vector<Sentence> Judges::judge(const std::vector<Suspect>& suspects, const Structure& structure,
                                    const JudgeTarget& target) {
  std::vector<Sentence> sentences;
  const std::set<std::string> copied = suspects.empty() ? std::set<std::string>() : copied_columns(structure);
  std::vector<std::size_t> to_ask;
  for (const Suspect& suspect : suspects) {
    Sentence sentence;
    const bool lost = suspect.text == lost_text;
    sentence.judged = lost ? StatementJudgement{StatementUse::unparsed, lost_text} : by_parse_tree(suspect, target);
    const bool uses = sentence.judged.use == StatementUse::uses;
    if (uses) sentence.reads = row_read(suspect.text, target, copied);
    const bool own = suspect.text.find(own_mark) != std::string::npos;
    const bool worth_asking = !uses || (suspect.replay && sentence.reads == RowRead::star);
    if (!lost && !own && !target.by_place && worth_asking && !preparable(suspect.text).empty())
      to_ask.push_back(sentences.size());
    sentences.push_back(std::move(sentence));
  }
  if (to_ask.empty() || !clone_ || declined_) return sentences;

  if (!parsing_) parsing_.emplace(source_);
  // Roles share texts: each is asked once for each way of reading it.
  std::map<std::pair<std::string, Parsing>, std::size_t> place_of;
  std::vector<Question> questions;
  std::vector<std::size_t> places;
  for (const std::size_t i : to_ask) {
    const Parsing parsing = parsing_->of(suspects[i].role);
    const bool exactly = sentences[i].judged.use != StatementUse::does_not;
    const auto [place, fresh] = place_of.emplace(std::pair(suspects[i].text, parsing), questions.size());
    if (fresh) questions.push_back({suspects[i].text, parsing, exactly});
    places.push_back(place->second);
  }
  std::vector<ServerWord> words(questions.size());
  try {
    if (auto judge = server(structure, target)) words = judge->ask(questions);
  } catch (const Error& error) {
    failed(error.what(), error.hint());
    clone_->discard();
  }
  settle_absences(words);
  const bool several = named_in_several_schemas(target);
  for (std::size_t k = 0; k < to_ask.size(); ++k) {
    Sentence& sentence = sentences[to_ask[k]];
    sentence.judged = combine(sentence.judged, words[places[k]], several);
    sentence.works_without = words[places[k]].works_without;
    sentence.lasting = !failure_;
  }
  return sentences;
}

std::vector<ServerJudge::BrokenFunction> Judges::broken_functions(const std::set<TableName>& candidates,
                                                                  const Structure& structure,
                                                                  const JudgeTarget& target) {
  if (candidates.empty() || target.by_place || !clone_ || declined_) return {};
  if (!parsing_) parsing_.emplace(source_);
  std::vector<ServerJudge::BrokenFunction> broken;
  try {
    if (auto judge = server(structure, target)) broken = judge->broken_functions(parsing_->of("").search_path);
  } catch (const Error& error) {
    failed(error.what(), error.hint());
    clone_->discard();
  }
  std::erase_if(broken, [&](const auto& one) { return !candidates.contains(one.name); });
  return broken;
}

std::optional<Observation> Judges::remark() const {
  if (failure_) return failure_;
  if (declined_)
    return Observation{
        "statements",   "primary",
        Finding::clear, "no schema clone is made (" + *declined_ + "): the parse tree alone judges statements",
        std::nullopt,   ""};
  return std::nullopt;
}

}  // namespace switchback::postgres
