#include "switchback/core/made_rows.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "switchback/core/sql.hpp"

namespace switchback {
namespace {

constexpr std::array syllables{
    std::string_view("an"), std::string_view("bel"), std::string_view("cor"), std::string_view("do"),
    std::string_view("el"), std::string_view("fri"), std::string_view("go"),  std::string_view("ha"),
    std::string_view("ja"), std::string_view("ko"),  std::string_view("lu"),  std::string_view("mar"),
    std::string_view("ne"), std::string_view("or"),  std::string_view("ti"),  std::string_view("ved")};

/// splitmix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators"): every seed starts a good row.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  std::int64_t below(std::int64_t limit) {
    return static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(std::max<std::int64_t>(limit, 1)));
  }

 private:
  std::uint64_t state_;
};

std::uint64_t mixed(std::uint64_t seed, std::string_view name, std::int64_t row, int attempt) {
  std::uint64_t hash = seed ^ 0xcbf29ce484222325ULL;  // FNV-1a
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return hash + static_cast<std::uint64_t>(row) * 0x9e3779b97f4a7c15ULL + static_cast<std::uint64_t>(attempt) * 977;
}

std::string word(Random& random) {
  std::string text;
  for (std::int64_t i = random.below(2) + 1; i >= 0; --i) text += syllables[static_cast<std::size_t>(random.below(16))];
  text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  return text;
}

/// Two words mostly; also one, three and one outside ASCII, since columns hold all of them.
std::string words(Random& random) {
  const std::int64_t kind = random.below(20);
  std::string text = word(random);
  if (kind > 0) text += " " + word(random);
  if (kind == 1) text += " " + word(random);
  if (kind == 2) text += "é";
  return text;
}

/// Cut at a character's start.
std::string cut_to(std::string text, std::size_t length) {
  if (text.size() <= length) return text;
  while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80) --length;
  text.resize(length);
  return text;
}

std::string text_value(const MadeColumn& column, Random& random, std::int64_t row) {
  const bool mail = column.name.find("mail") != std::string::npos;
  std::string text = mail ? word(random) + "@example.org" : words(random);
  const std::string number = std::to_string(row + 1);
  if (column.unique) text = mail ? number + text : text + " " + number;
  if (column.length == 0 || text.size() <= static_cast<std::size_t>(column.length)) return text;
  const auto length = static_cast<std::size_t>(column.length);
  if (!column.unique) return cut_to(text, length);
  return number.size() >= length ? number : cut_to(text, length - number.size()) + number;
}

std::string number_value(const MadeColumn& column, Random& random, std::int64_t row) {
  if (column.unique) return std::to_string(row + 1);
  if (column.base == "numeric" && column.precision > 0) {
    std::string digits;
    for (int i = column.scale; i < std::min(column.precision, column.scale + 5); ++i)
      digits += static_cast<char>('0' + random.below(10));
    if (digits.empty()) digits = "0";
    for (int i = 0; i < column.scale; ++i)
      digits += (i == 0 ? "." : "") + std::string(1, static_cast<char>('0' + random.below(10)));
    return digits;
  }
  if (column.base == "int2") return std::to_string(random.below(1000));
  if (column.base == "numeric" || column.base.starts_with("float") || column.base == "money")
    return std::to_string(random.below(100000)) + "." + std::to_string(random.below(90) + 10);
  return std::to_string(random.below(100000));
}

std::string padded(std::int64_t number, std::size_t digits) {
  std::string text = std::to_string(number);
  return std::string(digits > text.size() ? digits - text.size() : 0, '0') + text;
}

std::string hex(Random& random, int digits) {
  std::string text;
  for (int i = 0; i < digits; ++i) text += "0123456789abcdef"[random.below(16)];
  return text;
}

std::string time_value(const MadeColumn& column, Random& random, std::int64_t row) {
  const std::string day = "2024-" + padded(random.below(12) + 1, 2) + "-" + padded(random.below(28) + 1, 2);
  const std::string time =
      padded(random.below(24), 2) + ":" + padded(random.below(60), 2) + ":" + padded(random.below(60), 2);
  if (column.base == "date")
    return column.unique ? "(date '2000-01-01' + " + std::to_string(row) + ")" : quote_literal(day);
  if (column.base == "time" || column.base == "timetz") return quote_literal(time);
  if (column.unique) return "(timestamp '2000-01-01' + interval '1 second' * " + std::to_string(row) + ")";
  return quote_literal(day + " " + time);
}

std::optional<std::string> other_value(const MadeColumn& column, Random& random, std::int64_t row) {
  const std::string& type = column.base;
  const std::string number = std::to_string(column.unique ? row + 1 : random.below(1000));
  if (type == "uuid") return "'" + hex(random, 8) + "-0000-4000-8000-" + padded(row + 1, 12) + "'";
  if (type == "json" || type == "jsonb") return "'{\"made\": " + number + "}'";
  if (type == "bytea") return "'\\x" + hex(random, 8) + padded(row, 8) + "'";
  if (type == "xml") return "'<made>" + number + "</made>'";
  if (type == "tsvector" || type == "tsquery") return "'made" + number + "'";
  if (type == "macaddr") return "'02:00:" + hex(random, 2) + ":" + hex(random, 2) + ":00:01'";
  if (type == "int4range" || type == "int8range" || type == "numrange") return "'[" + number + "," + number + "]'";
  if (type == "daterange" || type == "tsrange" || type == "tstzrange")
    return "'[2024-01-01,2024-02-" + padded(random.below(28) + 1, 2) + ")'";
  return std::nullopt;
}

}  // namespace

std::optional<std::string> made_value(const MadeColumn& column, std::uint64_t seed, std::int64_t row, int attempt) {
  Random random(mixed(seed, column.name, row, attempt));
  const auto cast = [&](const std::string& value) { return value + "::" + column.type; };
  if (!column.not_null && !column.unique && random.below(10) == 0) return "NULL";
  if (!column.choices.empty() && attempt % 4 != 3)
    return cast(quote_literal(
        column.choices[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(column.choices.size())))]));
  switch (column.category) {
    case 'B':
      return cast(random.below(2) == 0 ? "true" : "false");
    case 'N':
      return cast(number_value(column, random, row));
    case 'S':
      return cast(quote_literal(text_value(column, random, row)));
    case 'D':
      return cast(time_value(column, random, row));
    case 'T':
      return cast("'" + std::to_string(row + 1) + " minutes'");
    case 'A':
      return cast("'{}'");
    case 'I':
      return cast("'10." + std::to_string((row >> 16) % 256) + "." + std::to_string((row >> 8) % 256) + "." +
                  std::to_string(row % 256) + "'");
    default:
      if (const auto value = other_value(column, random, row)) return cast(*value);
      return column.not_null ? std::nullopt : std::optional<std::string>("NULL");
  }
}

std::vector<std::string> literals_of(std::string_view definition) {
  std::vector<std::string> found;
  for (std::size_t at = 0; at < definition.size(); ++at) {
    if (definition[at] == '\'') {
      std::string text;
      for (++at; at < definition.size(); ++at) {
        if (definition[at] != '\'') {
          text += definition[at];
        } else if (at + 1 < definition.size() && definition[at + 1] == '\'') {
          text += definition[at++];
        } else {
          break;
        }
      }
      found.push_back(std::move(text));
    } else if (std::isdigit(static_cast<unsigned char>(definition[at])) != 0 &&
               (at == 0 || (std::isalnum(static_cast<unsigned char>(definition[at - 1])) == 0 &&
                            definition[at - 1] != '_' && definition[at - 1] != '.'))) {
      std::string text;
      while (at < definition.size() &&
             (std::isdigit(static_cast<unsigned char>(definition[at])) != 0 || definition[at] == '.'))
        text += definition[at++];
      found.push_back(std::move(text));
      --at;
    }
  }
  return found;
}

}  // namespace switchback
