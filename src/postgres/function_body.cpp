#include "function_body.hpp"

#include <algorithm>

namespace switchback::postgres {
namespace {

using Kind = BodyPiece::Kind;

/// Collects what the pieces of one body say: the first reason of each kind.
class Body {
 public:
  Body(const JudgeTarget& target, const std::set<std::string>& rows)
      : target_(target), around_{true, rows}, names_(target.watched()) {}

  void plpgsql(const std::vector<Token>& tokens) {
    const std::vector<BodyPiece> pieces = pieces_of(tokens);
    for (const BodyPiece& piece : pieces) this->piece(piece);
    // Where a bare name is a variable first, it proves nothing.
    if (token_mentions(tokens, {"use_variable"}) && !uses_.empty()) {
      perhaps(uses_);
      uses_.clear();
    }
  }

  void sql(const std::string& text, const std::vector<Token>& tokens) {
    take(judge_statement(text, target_, around_));
    strings(tokens);
  }

  StatementJudgement judged() {
    if (uses_.empty() && builds_) built_with_names();
    if (!uses_.empty()) return {StatementUse::uses, uses_};
    if (!perhaps_.empty()) return {StatementUse::ambiguous, perhaps_};
    return {StatementUse::does_not, ""};
  }

 private:
  void perhaps(const std::string& why) {
    if (perhaps_.empty()) perhaps_ = why;
  }
  void take(const StatementJudgement& judged) {
    if (judged.use == StatementUse::uses && uses_.empty()) uses_ = judged.why;
    if (judged.use == StatementUse::ambiguous) perhaps(judged.why);
    if (judged.use == StatementUse::unparsed) perhaps("has a statement that cannot be parsed: " + judged.why);
  }

  void piece(const BodyPiece& piece) {
    switch (piece.kind) {
      case Kind::sql:
      case Kind::message:
        statement(piece.tokens);
        break;
      case Kind::type:
        type(piece.tokens);
        break;
      case Kind::built:
        built(piece.tokens);
        break;
      case Kind::opaque:
        by_words(piece.tokens);
        break;
    }
    if (piece.kind != Kind::message) strings(piece.tokens);
  }

  void statement(const std::vector<Token>& tokens) {
    const StatementJudgement judged = judge_statement(joined(tokens), target_, around_);
    if (judged.use == StatementUse::unparsed)
      by_words(tokens);
    else
      take(judged);
  }

  /// What cannot be read more closely is harmless only without any of the names.
  void by_words(const std::vector<Token>& tokens) {
    if (token_mentions(tokens, names_) || token_mentions(tokens, {target_.name}) ||
        token_mentions(tokens, around_.rows))
      perhaps("has a part that is not understood: " + joined(tokens).substr(0, 80));
  }

  /// users, users[], users%ROWTYPE, users.full_name%TYPE; several in the parameters of a cursor.
  void type(const std::vector<Token>& tokens) {
    if (target_.kind != Structure::Kind::column) return;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      if (!is_name(tokens[i])) continue;
      std::size_t last = i;
      while (last + 2 < tokens.size() && tokens[last + 1].text == "." && is_name(tokens[last + 2])) last += 2;
      const bool of_field = last + 2 < tokens.size() && tokens[last + 1].text == "%" && tokens[last + 2].text == "type";
      const std::size_t table = of_field && last >= i + 2 ? last - 2 : last;
      if (!of_field || last > i) typed(tokens, table, of_field ? tokens[last].text : "");
      i = last + (of_field ? 2 : 0);
    }
  }
  void typed(const std::vector<Token>& tokens, std::size_t table, const std::string& field) {
    const bool ours = std::any_of(target_.relations.begin(), target_.relations.end(),
                                  [&](const TableName& one) { return one.name == tokens[table].text; });
    if (!ours || (!field.empty() && field != target_.name)) return;
    take({StatementUse::uses,
          field.empty() ? "has a variable of the row type" : "has a variable of the type of " + field});
  }

  void built(const std::vector<Token>& tokens) {
    if (tokens.size() != 1 || tokens.front().kind != Token::Kind::string) {
      builds_ = true;
      return;
    }
    take(judge_statement(content_of(tokens.front()), target_));
  }

  /// A string that is a statement may be run by whoever it is handed to.
  void strings(const std::vector<Token>& tokens) {
    for (const Token& token : tokens) {
      if (token.kind != Token::Kind::string) continue;
      named_in_string_ |= mentions(token.text, target_.name) || mentions_any(token.text, names_);
      const std::string content = content_of(token);
      const StatementJudgement judged = judge_statement(content, target_);
      const bool unparsed = judged.use == StatementUse::unparsed;
      if (judged.use == StatementUse::does_not || (unparsed && !mentions(content, target_.name))) continue;
      perhaps("has a string that may be run as a statement" + (unparsed ? "" : ": " + judged.why));
    }
  }

  void built_with_names() {
    if (!around_.rows.empty()) perhaps("is a trigger function of the table and runs a text it builds (EXECUTE)");
    if (named_in_string_) perhaps("runs a text it builds (EXECUTE), and has a string with a name that matters");
  }

  static bool is_name(const Token& token) {
    return token.kind == Token::Kind::word || token.kind == Token::Kind::quoted_name;
  }

  const JudgeTarget& target_;
  const Surroundings around_;
  const std::set<std::string> names_;
  std::string uses_;
  std::string perhaps_;
  bool builds_ = false;
  bool named_in_string_ = false;
};

bool has_unicode_escapes(std::string_view text) {
  for (const char* start : {"U&\"", "u&\"", "U&'", "u&'"})
    if (text.find(start) != std::string_view::npos) return true;
  return false;
}

}  // namespace

StatementJudgement judge_body(std::string_view language, const std::string& text, const JudgeTarget& target,
                              const std::set<std::string>& rows) {
  const std::vector<Token> tokens = tokens_of(text);
  if (tokens.empty()) {
    if (text.find_first_not_of(" \t\r\n") == std::string::npos) return {};
    return {StatementUse::unparsed, "its body cannot be read"};
  }
  // pg_query_scan gives wrong places for U&"…" and U&'…': the body cannot be put together again (15-4.0.0).
  if (language != "sql" && has_unicode_escapes(text))
    return {StatementUse::ambiguous, "is written with Unicode escapes (U&), which hide names"};
  Body body(target, rows);
  if (language == "sql")
    body.sql(text, tokens);
  else
    body.plpgsql(tokens);
  return body.judged();
}

}  // namespace switchback::postgres
