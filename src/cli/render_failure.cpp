#include "json_text.hpp"
#include "switchback/cli/render.hpp"

namespace switchback::cli {
namespace {

Json place_number(int number) {
  return number > 0 ? Json(number) : Json();
}

std::string place_of(const Failure& failure) {
  if (failure.file.empty()) return "";
  std::string text = failure.file;
  if (failure.line > 0) text += ":" + std::to_string(failure.line);
  if (failure.line > 0 && failure.column > 0) text += ":" + std::to_string(failure.column);
  return text + ": ";
}

/// The server's own "ERROR:  " says nothing that our "error:" does not.
std::string without_server_word(std::string message) {
  constexpr std::string_view word = "ERROR:  ";
  if (const std::size_t at = message.find(word); at != std::string::npos) message.erase(at, word.size());
  return message;
}

}  // namespace

std::string failure_text(const Failure& failure, Paint paint) {
  const std::string rest = without_server_word(failure.message);
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  std::string text = paint.bold("switchback: ") + paint.bad("error: ") + place_of(failure) + rest.substr(0, end);
  if (!failure.sqlstate.empty()) text += " (SQLSTATE " + failure.sqlstate + ")";
  text += "\n";
  for (std::size_t at = end + 1; at < rest.size();) {
    const std::size_t next = std::min(rest.find('\n', at), rest.size());
    const std::size_t begin = std::min(rest.find_first_not_of('\t', at), next);  // libpq indents with a tab
    text += "  " + rest.substr(begin, next - begin) + "\n";
    at = next + 1;
  }
  if (!failure.hint.empty()) text += paint.good("hint: ") + failure.hint + "\n";
  return text;
}

std::string failure_json(const Failure& failure) {
  return dumped({{"code", static_cast<int>(failure.exit)},
                 {"message", without_server_word(failure.message)},
                 {"hint", or_null(failure.hint)},
                 {"sqlstate", or_null(failure.sqlstate)},
                 {"file", or_null(failure.file)},
                 {"line", place_number(failure.line)},
                 {"column", place_number(failure.column)}},
                false) +
         "\n";
}

std::string diagnostics_json(const std::vector<Diagnostic>& diagnostics) {
  Json list = Json::array();
  for (const Diagnostic& found : diagnostics)
    list.push_back({{"severity", found.severity == Severity::error ? "error" : "warning"},
                    {"message", found.message},
                    {"hint", or_null(found.hint)},
                    {"file", or_null(found.file)},
                    {"line", place_number(found.line)},
                    {"column", place_number(found.column)}});
  return dumped(list, false);
}

}  // namespace switchback::cli
