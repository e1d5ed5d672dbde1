#include "migration_text.hpp"

#include <pg_query.h>
#include <pg_query/pg_query.pb-c.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <regex>

namespace switchback::postgres {
namespace {

Place place_at(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const auto line = std::ranges::count(before, '\n') + 1;
  const std::size_t begin = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  const auto characters = std::ranges::count_if(
      before.substr(begin), [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; });
  return {static_cast<int>(line), static_cast<int>(characters) + 1};
}

std::string trimmed(std::string_view text) {
  const auto space = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  while (!text.empty() && space(text.front())) text.remove_prefix(1);
  while (!text.empty() && space(text.back())) text.remove_suffix(1);
  return std::string(text);
}

/// Blanks, so that every place behind it stays where it is.
void blank(std::string& text, std::size_t from, std::size_t to) {
  for (std::size_t i = from; i < std::min(to, text.size()); ++i)
    if (text[i] != '\n') text[i] = ' ';
}

struct Scanned {
  std::size_t begin;
  std::size_t end;
  bool comment;
};

/// What PostgreSQL's scanner finds; empty where it cannot go on.
std::optional<std::vector<Scanned>> scan(const std::string& text, std::string& why) {
  const PgQueryScanResult scanned = pg_query_scan(text.c_str());
  std::optional<std::vector<Scanned>> tokens;
  if (scanned.error != nullptr) {
    why = scanned.error->message == nullptr ? "unknown error" : scanned.error->message;
  } else if (PgQuery__ScanResult* result = pg_query__scan_result__unpack(
                 nullptr, scanned.pbuf.len, reinterpret_cast<const std::uint8_t*>(scanned.pbuf.data))) {
    tokens.emplace();
    for (std::size_t i = 0; i < result->n_tokens; ++i) {
      const PgQuery__ScanToken& token = *result->tokens[i];
      const bool comment = token.token == PG_QUERY__TOKEN__SQL_COMMENT || token.token == PG_QUERY__TOKEN__C_COMMENT;
      tokens->push_back({static_cast<std::size_t>(token.start), static_cast<std::size_t>(token.end), comment});
    }
    pg_query__scan_result__free_unpacked(result, nullptr);
  }
  pg_query_free_scan_result(scanned);
  return tokens;
}

struct Line {
  std::size_t begin;
  std::size_t end;
};

/// Of one line. std::regex recurses over what it matches: a line too long to be anybody's mark is none.
bool matches(std::string_view line, const std::regex& what) {
  constexpr std::size_t longest = 1000;
  return line.size() <= longest && std::regex_match(line.begin(), line.end(), what);
}

std::vector<Line> lines_of(const std::string& text) {
  std::vector<Line> lines;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back({begin, end});
    begin = end + 1;
  }
  return lines;
}

class Cutter {
 public:
  explicit Cutter(std::string_view text) : original_(text), text_(text) {
    if (text_.starts_with("\xEF\xBB\xBF")) blank(text_, 0, 3);
  }

  MigrationText cut() {
    pass_copied_rows();
    pass_way_back();
    pass_psql();
    std::string why;
    const auto tokens = scan(text_, why);
    if (!tokens)
      result_.unread = why;
    else
      cut_at_semicolons(*tokens);
    std::ranges::stable_sort(result_.passed, {}, [](const PassedText& one) { return one.place.line; });
    return std::move(result_);
  }

 private:
  std::string_view line(const Line& one) const {
    return std::string_view(text_).substr(one.begin, one.end - one.begin);
  }

  void pass(std::size_t begin, std::size_t end, const std::string& why) {
    const std::string whole = trimmed(std::string_view(text_).substr(begin, end - begin));
    result_.passed.push_back({place_at(original_, begin), whole.substr(0, whole.find('\n')), why});
    blank(text_, begin, end);
  }

  /// pg_dump's rows between COPY … FROM stdin and `\.`.
  void pass_copied_rows() {
    static const std::regex copy(R"(^\s*COPY\s.*\sFROM\s+stdin\b.*;\s*$)", std::regex::icase);
    const auto lines = lines_of(text_);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (!matches(line(lines[i]), copy)) continue;
      std::size_t last = i + 1;
      while (last < lines.size() && text_.compare(lines[last].begin, 2, "\\.") != 0) ++last;
      pass(lines[i].begin, lines[std::min(last, lines.size() - 1)].end,
           "rows of COPY are not a plan's business: load them by hand, before or after");
      i = last;
    }
  }

  /// The half of a two-way file that takes the migration back.
  void pass_way_back() {
    static const std::regex mark(R"(^\s*--\s*(\+goose\s+Down|\+migrate\s+Down|migrate:down|//\s*@UNDO)\b.*)",
                                 std::regex::icase);
    static const std::regex again(R"(^\s*--\s*(\+goose\s+Up|\+migrate\s+Up|migrate:up)\b.*)", std::regex::icase);
    const auto lines = lines_of(text_);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (!matches(line(lines[i]), mark)) continue;
      std::size_t last = i + 1;
      while (last < lines.size() && !matches(line(lines[last]), again)) ++last;
      pass(lines[i].begin, lines[last - 1].end,
           "the section that takes the migration back: the plan has its own ways back");
      i = last - 1;
    }
  }

  /// A backslash outside of any text is psql's, and so is the rest of its line.
  void pass_psql() {
    std::string why;
    for (int commands = 0; commands < 1000; ++commands) {
      const auto tokens = scan(text_, why);
      // The scanner stops at quotes that psql alone understands: then lines that begin with a backslash are taken.
      std::size_t at = std::string::npos;
      if (tokens) {
        const auto found = std::ranges::find_if(*tokens, [&](const Scanned& one) { return text_[one.begin] == '\\'; });
        if (found != tokens->end()) at = found->begin;
      } else if (text_.starts_with('\\')) {
        at = 0;
      } else if (const auto line = text_.find("\n\\"); line != std::string::npos) {
        at = line + 1;
      }
      if (at == std::string::npos) return;
      const std::size_t end = std::min(text_.find('\n', at), text_.size());
      static const std::regex does(R"(\\(i|ir|include|include_relative|copy|gexec|g|gset|gx|crosstabview)\b.*)");
      if (matches(line({at, end}), does)) {
        result_.statements.push_back({place_at(original_, at), trimmed(text_.substr(at, end - at)), {}});
        blank(text_, at, end);
      } else {
        pass(at, end, "a command of psql");
      }
    }
  }

  void cut_at_semicolons(const std::vector<Scanned>& tokens) {
    const PgQuerySplitResult split = pg_query_split_with_scanner(text_.c_str());
    for (int i = 0; split.error == nullptr && i < split.n_stmts; ++i) {
      const auto begin = static_cast<std::size_t>(split.stmts[i]->stmt_location);
      const auto end = begin + static_cast<std::size_t>(split.stmts[i]->stmt_len);
      const auto first = std::ranges::find_if(
          tokens, [&](const Scanned& one) { return one.begin >= begin && one.begin < end && !one.comment; });
      if (first == tokens.end()) continue;
      result_.statements.push_back({place_at(original_, first->begin),
                                    trimmed(std::string_view(text_).substr(first->begin, end - first->begin)),
                                    rollback_below(end)});
    }
    take_what_is_left(tokens, split);
    pg_query_free_split_result(split);
    std::ranges::stable_sort(result_.statements, [](const StatementText& one, const StatementText& other) {
      return std::pair(one.place.line, one.place.column) < std::pair(other.place.line, other.place.column);
    });
  }

  /// The scanner's split passes over what has no key word in it: that is no statement, and must not go unseen.
  void take_what_is_left(const std::vector<Scanned>& tokens, const PgQuerySplitResult& split) {
    const auto covered = [&](const Scanned& one) {
      return std::any_of(split.stmts, split.stmts + split.n_stmts, [&](const PgQuerySplitStmt* statement) {
        const auto begin = static_cast<std::size_t>(statement->stmt_location);
        return one.begin >= begin && one.begin < begin + static_cast<std::size_t>(statement->stmt_len);
      });
    };
    std::optional<Line> run;
    const auto end_run = [&] {
      if (run) result_.statements.push_back({place_at(original_, run->begin), std::string(line(*run)), {}});
      run.reset();
    };
    for (const Scanned& one : tokens) {
      if (one.comment) continue;
      if (text_[one.begin] == ';' || (split.error == nullptr && covered(one))) {
        end_run();
      } else {
        run = Line{run ? run->begin : one.begin, one.end};
      }
    }
    end_run();
  }

  /// Liquibase's `--rollback …` lines right below a statement.
  std::string rollback_below(std::size_t end) const {
    static const std::regex mark(R"(^\s*--\s*rollback\s+(.*?)\s*;?\s*$)", std::regex::icase);
    std::string found;
    std::size_t at = std::min(text_.find('\n', end), text_.size());
    while (at < text_.size()) {
      const std::size_t next = std::min(text_.find('\n', at + 1), text_.size());
      const std::string one = text_.substr(at + 1, next - at - 1);
      std::smatch match;
      if (matches(one, mark) && std::regex_match(one, match, mark))
        found += (found.empty() ? "" : "; ") + match[1].str();
      else if (!trimmed(one).empty())
        break;
      at = next;
    }
    return found;
  }

  std::string_view original_;
  std::string text_;
  MigrationText result_;
};

}  // namespace

MigrationText cut_migration(std::string_view text) {
  return Cutter(text).cut();
}

}  // namespace switchback::postgres
