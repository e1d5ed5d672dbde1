#include <algorithm>
#include <array>

#include "function_body.hpp"

namespace switchback::postgres {
namespace {

using Kind = BodyPiece::Kind;

/// One body, taken apart from left to right. A place is an index of a token; a stretch goes from one to before another.
class Pieces {
 public:
  explicit Pieces(const std::vector<Token>& body) : body_(body) {}

  std::vector<BodyPiece> all() {
    std::size_t begin = 0;
    while (begin < body_.size()) {
      const std::size_t end = find_sign(begin, body_.size(), ";");
      segment(begin, end);
      begin = end + 1;
    }
    return std::move(pieces_);
  }

 private:
  bool word(std::size_t at, std::string_view wanted) const {
    return at < body_.size() && body_[at].kind == Token::Kind::word && body_[at].text == wanted;
  }
  bool any_word(std::size_t at, std::initializer_list<std::string_view> wanted) const {
    return std::any_of(wanted.begin(), wanted.end(), [&](std::string_view one) { return word(at, one); });
  }
  bool sign(std::size_t at, std::string_view wanted) const {
    return at < body_.size() && body_[at].kind == Token::Kind::other && body_[at].text == wanted;
  }
  bool name(std::size_t at) const {
    return at < body_.size() && (body_[at].kind == Token::Kind::word || body_[at].kind == Token::Kind::quoted_name);
  }

  /// The first place outside of parentheses and of CASE … END where `found` holds; `end` when there is none.
  template <class Found>
  std::size_t find(std::size_t from, std::size_t end, Found found) const {
    int depth = 0;
    int cases = 0;
    for (std::size_t i = from; i < end; ++i) {
      if (depth == 0 && cases == 0 && found(i)) return i;
      if (sign(i, "(") || sign(i, "[")) ++depth;
      if (sign(i, ")") || sign(i, "]")) --depth;
      if (word(i, "case")) ++cases;
      if (word(i, "end") && cases > 0) --cases;
    }
    return end;
  }
  std::size_t find_word(std::size_t from, std::size_t end, std::string_view wanted) const {
    return find(from, end, [&](std::size_t i) { return word(i, wanted); });
  }
  /// Semicolons end a statement wherever they stand: CASE may be PL/pgSQL's own.
  std::size_t find_sign(std::size_t from, std::size_t end, std::string_view wanted) const {
    int depth = 0;
    for (std::size_t i = from; i < end; ++i) {
      if (depth == 0 && sign(i, wanted)) return i;
      if (sign(i, "(")) ++depth;
      if (sign(i, ")")) --depth;
    }
    return end;
  }

  void add(Kind kind, std::size_t from, std::size_t end, bool select) {
    if (from >= end) return;
    BodyPiece piece{kind, {}};
    if (select) piece.tokens.push_back({Token::Kind::word, "select"});
    for (std::size_t i = from; i < end; ++i) piece.tokens.push_back(body_[i]);
    pieces_.push_back(std::move(piece));
  }
  void expression(std::size_t from, std::size_t end) { add(Kind::sql, from, end, true); }
  void opaque(std::size_t from, std::size_t end) { add(Kind::opaque, from, end, false); }

  /// What stands between two semicolons: control words, each with its expression, and at most one statement.
  void segment(std::size_t at, std::size_t end) {
    while (at < end) {
      if (sign(at, "<<"))
        at = find_sign(at, end, ">>") + 1;
      else if (sign(at, "#"))
        at += 3;  // #variable_conflict use_column
      else if (any_word(at, {"declare", "begin"}))
        declaring_ = word(at++, "declare");
      else if (declaring_)
        return declaration(at, end);
      else if (any_word(at, {"loop", "else"}) || (word(at, "exception") && word(at + 1, "when")))
        ++at;
      else if (word(at, "end"))
        return;
      else if (any_word(at, {"if", "elsif", "elseif", "when"}))
        at = before(at + 1, end, "then");
      else if (word(at, "while"))
        at = before(at + 1, end, "loop");
      else if (word(at, "case"))
        at = branches(at + 1, end);
      else if (any_word(at, {"for", "foreach"}))
        at = loop(at, end);
      else
        return statement(at, end);
    }
  }

  /// The expression up to a key word; the place after that.
  std::size_t before(std::size_t from, std::size_t end, std::string_view key) {
    const std::size_t stop = find_word(from, end, key);
    if (stop == end)
      opaque(from, end);
    else
      expression(from, stop);
    return stop == end ? end : stop + 1;
  }

  std::size_t branches(std::size_t from, std::size_t end) {
    const std::size_t when = find_word(from, end, "when");
    expression(from, when);
    return when;
  }

  std::size_t loop(std::size_t at, std::size_t end) {
    const std::size_t stop = find_word(at, end, "loop");
    const std::size_t in = find_word(at, stop, "in");
    if (stop == end || in == stop) {
      opaque(at, end);
      return end;
    }
    expression(at + 1, find_word(at + 1, in, "slice"));
    std::size_t from = in + 1;
    if (any_word(from, {"reverse", "array"})) ++from;
    const std::size_t dots = find(from, stop, [&](std::size_t i) { return sign(i, ".."); });
    if (word(from, "execute")) {
      built(from + 1, stop);
    } else if (dots != stop) {
      const std::size_t by = find_word(dots, stop, "by");
      expression(from, dots);
      expression(dots + 1, by);
      expression(by + 1, stop);
    } else if (sign(from, "(") || any_word(from, {"select", "with", "values", "table", "insert", "update", "delete"})) {
      sql(from, stop);
    } else {
      expression(from, stop);
    }
    return stop + 1;
  }

  /// name [CONSTANT] type [NOT NULL] [:= expression]; name CURSOR (…) FOR query.
  void declaration(std::size_t at, std::size_t end) {
    const std::size_t cursor = find_word(at + 1, std::min(end, at + 4), "cursor");
    if (cursor < std::min(end, at + 4)) {
      const std::size_t query = find(cursor, end, [&](std::size_t i) { return any_word(i, {"for", "is"}); });
      add(Kind::type, cursor + 1, query, false);
      return sql(query + 1, end);
    }
    if (word(at + 1, "alias")) return opaque(at + 3, end);
    const std::size_t from = at + (word(at + 1, "constant") ? 2 : 1);
    const std::size_t stop = find(from, end, [&](std::size_t i) {
      return assigns(i) || any_word(i, {"default", "not", "collate"});
    });
    add(Kind::type, from, stop, false);
    const std::size_t value = find(stop, end, [&](std::size_t i) { return assigns(i) || word(i, "default"); });
    expression(value + 1, end);
  }

  bool assigns(std::size_t at) const { return sign(at, ":=") || sign(at, "="); }

  void statement(std::size_t at, std::size_t end) {
    if (word(at, "return")) return returned(at + 1, end);
    if (word(at, "perform")) return expression(at + 1, end);
    if (word(at, "execute")) return built(at + 1, end);
    if (word(at, "raise")) return raised(at + 1, end);
    if (word(at, "assert")) return add(Kind::message, at + 1, end, true);
    if (word(at, "null") && at + 1 == end) return;
    if (any_word(at, {"exit", "continue"})) {
      const std::size_t when = find_word(at, end, "when");
      return expression(when + 1, end);
    }
    if (word(at, "open")) return opened(at + 1, end);
    if (any_word(at, {"fetch", "move", "close"})) {
      const std::size_t into = find_word(at, end, "into");
      return expression(into + 1, end);
    }
    if (word(at, "get") && !assigns(at + 1)) return opaque(at, end);
    if (const std::size_t sign_of = assignment(at, end); sign_of < end) {
      expression(at, sign_of);
      return expression(sign_of + 1, end);
    }
    sql(at, end);
  }

  /// The place of := or = after a variable, its fields and elements; `end` when this is no assignment.
  std::size_t assignment(std::size_t at, std::size_t end) const {
    if (!name(at)) return end;
    for (std::size_t i = at + 1; i < end; ++i) {
      if (assigns(i)) return i;
      if (sign(i, "[")) {
        i = find_closing(i, end);
        continue;
      }
      if (!sign(i, ".") || !name(i + 1)) return end;
      ++i;
    }
    return end;
  }
  std::size_t find_closing(std::size_t at, std::size_t end) const {
    int depth = 0;
    for (std::size_t i = at; i < end; ++i) {
      if (sign(i, "[")) ++depth;
      if (sign(i, "]") && --depth == 0) return i;
    }
    return end;
  }

  void returned(std::size_t at, std::size_t end) {
    if (word(at, "query")) return word(at + 1, "execute") ? built(at + 2, end) : sql(at + 1, end);
    if (word(at, "next")) ++at;
    // A trigger hands its row on: that reads nothing.
    if (at + 1 == end && any_word(at, {"new", "old"})) return;
    expression(at, end);
  }

  void opened(std::size_t at, std::size_t end) {
    const std::size_t query = find_word(at, end, "for");
    if (query == end) return expression(at, end);
    if (word(query + 1, "execute")) return built(query + 2, end);
    sql(query + 1, end);
  }

  /// RAISE [level] 'format' [, expression …] [USING option = expression …]
  void raised(std::size_t at, std::size_t end) {
    if (any_word(at, {"debug", "log", "info", "notice", "warning", "exception"})) ++at;
    const std::size_t options = find_word(at, end, "using");
    if (word(at, "sqlstate")) ++at;
    if (at < options) ++at;  // the format, the state or the condition's name
    if (sign(at, ",")) ++at;
    add(Kind::message, at, options, true);
    add(Kind::message, options + 1, end, true);
  }

  /// EXECUTE expression [INTO [STRICT] variable …] [USING expression …]
  void built(std::size_t at, std::size_t end) {
    const auto clause = [&](std::size_t i) { return any_word(i, {"into", "using"}); };
    std::size_t stop = find(at, end, clause);
    add(Kind::built, at, stop, false);
    expression(at, stop);
    while (stop < end) {
      const std::size_t from = stop + (word(stop + 1, "strict") ? 2 : 1);
      stop = find(from, end, clause);
      expression(from, stop);
    }
  }

  /// A statement of SQL. INTO and its variables, which SQL does not know there, stand in a SELECT of their own.
  void sql(std::size_t at, std::size_t end) {
    const std::size_t into = find(at, end, [&](std::size_t i) {
      return word(i, "into") && !any_word(i - 1, {"insert", "merge"});
    });
    if (into == end || into == at) return add(Kind::sql, at, end, false);
    const std::size_t first = into + (word(into + 1, "strict") ? 2 : 1);
    std::size_t after = first;
    while (name(after)) {
      ++after;
      while (after < end && (sign(after, ".") || sign(after, "[")))
        after = sign(after, ".") ? after + 2 : find_closing(after, end) + 1;
      if (!sign(after, ",")) break;
      ++after;
    }
    after = std::min(after, end);
    expression(first, after);
    BodyPiece piece{Kind::sql, {}};
    for (std::size_t i = at; i < end; ++i)
      if (i < into || i >= after) piece.tokens.push_back(body_[i]);
    pieces_.push_back(std::move(piece));
  }

  const std::vector<Token>& body_;
  std::vector<BodyPiece> pieces_;
  bool declaring_ = false;
};

}  // namespace

std::vector<BodyPiece> pieces_of(const std::vector<Token>& body) {
  return Pieces(body).all();
}

std::string joined(const std::vector<Token>& tokens) {
  std::string text;
  for (const Token& token : tokens) {
    if (!text.empty()) text += ' ';
    if (token.kind != Token::Kind::quoted_name || token.text.starts_with("U&\"") || token.text.starts_with("u&\"")) {
      text += token.text;
      continue;
    }
    text += '"';
    for (const char c : token.text) text += c == '"' ? std::string("\"\"") : std::string(1, c);
    text += '"';
  }
  return text;
}

std::string content_of(const Token& token) {
  const std::string& text = token.text;
  if (text.starts_with('$')) {
    const std::size_t open = text.find('$', 1) + 1;
    return text.size() >= 2 * open ? text.substr(open, text.size() - 2 * open) : "";
  }
  const std::size_t open = text.find('\'');
  if (open == std::string::npos) return text;
  std::string content;
  for (std::size_t i = open + 1; i + 1 < text.size(); ++i) {
    content += text[i];
    if (text[i] == '\'') ++i;
  }
  return content;
}

}  // namespace switchback::postgres
