#include "switchback/postgres/own_statements.hpp"

#include <pg_query.h>

#include <algorithm>
#include <vector>

#include "switchback/core/sql.hpp"

namespace switchback::postgres {
namespace {

/// Where each statement ends; of text that cannot be scanned, the end alone.
std::vector<std::size_t> ends_of(const std::string& sql) {
  std::vector<std::size_t> ends;
  if (sql.find(';') != std::string::npos) {
    // By the scanner: the server may know more grammar than the parser does.
    PgQuerySplitResult split = pg_query_split_with_scanner(sql.c_str());
    for (int i = 0; !split.error && i < split.n_stmts; ++i)
      ends.push_back(static_cast<std::size_t>(split.stmts[i]->stmt_location + split.stmts[i]->stmt_len));
    pg_query_free_split_result(split);
  }
  if (ends.empty()) ends.push_back(sql.size());
  return ends;
}

}  // namespace

std::string with_own_marks(std::string_view sql) {
  const std::string text(sql);
  std::string marked;
  std::size_t begin = 0;
  for (const std::size_t end : ends_of(text)) {
    // A separator that ended the one before stays in front.
    std::size_t word = text.find_first_not_of("; \t\n", begin);
    word = std::min(word, end);
    const std::string statement = text.substr(word, end - word);
    marked += text.substr(begin, word - begin);
    marked += statement.empty() || statement.find(own_mark) != std::string::npos ? statement : own(statement);
    begin = end;
  }
  return marked + text.substr(begin);
}

}  // namespace switchback::postgres
