#include "switchback/postgres/server_log.hpp"

#include <nlohmann/json.hpp>
#include <optional>

namespace switchback::postgres {
namespace {

using nlohmann::json;

constexpr std::string_view insufficient_privilege = "42501";

/// The fields of the csv record at the front of `text`, and where the next one begins; empty while it is not whole.
std::optional<std::vector<std::string>> csv_record(std::string_view text, std::size_t& next) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '"' && i + 1 < text.size() && text[i + 1] == '"') {
      fields.back() += '"';
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && c == ',') {
      fields.emplace_back();
    } else if (!quoted && c == '\n') {
      next = i + 1;
      return fields;
    } else {
      fields.back() += c;
    }
  }
  return std::nullopt;
}

std::optional<Refusal> from_csv(const std::vector<std::string>& fields) {
  enum { user = 1, database = 2, state = 12, message = 13, statement = 19, application = 22 };
  if (fields.size() <= application || fields[state] != insufficient_privilege) return std::nullopt;
  return Refusal{fields[user], fields[database], fields[application], fields[message], fields[statement]};
}

std::optional<Refusal> from_json(std::string_view line) {
  const json record = json::parse(line, nullptr, false);
  const auto text = [&](const char* key) {
    const auto found = record.find(key);
    return found != record.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  if (!record.is_object() || text("state_code") != insufficient_privilege) return std::nullopt;
  return Refusal{text("user"), text("dbname"), text("application_name"), text("message"), text("statement")};
}

}  // namespace

std::vector<Refusal> LogReader::take(std::string_view piece) {
  rest_ += piece;
  std::vector<Refusal> out;
  std::string_view left = rest_;
  while (!left.empty()) {
    std::optional<Refusal> found;
    std::size_t next = 0;
    if (left.front() == '{') {
      const std::size_t end = left.find('\n');
      if (end == std::string_view::npos) break;
      found = from_json(left.substr(0, end));
      next = end + 1;
    } else {
      const auto fields = csv_record(left, next);
      if (!fields) break;
      found = from_csv(*fields);
    }
    if (found) out.push_back(*std::move(found));
    left.remove_prefix(next);
  }
  rest_.erase(0, rest_.size() - left.size());
  return out;
}

}  // namespace switchback::postgres
