#include <algorithm>
#include <array>
#include <map>

#include "json_text.hpp"
#include "switchback/cli/render.hpp"
#include "switchback/core/units.hpp"

namespace switchback::cli {
namespace {

constexpr std::string_view mask = "***";

std::string_view origin_name(Origin origin) {
  switch (origin) {
    case Origin::built_in:
      return "default";
    case Origin::file:
      return "file";
    case Origin::plan:
      return "plan";
    case Origin::environment_variable:
      return "environment";
    case Origin::flag:
      return "flag";
    case Origin::live:
      return "set";
  }
  return "";
}

struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// Where a URI holds a password between `user:` and `@`.
std::optional<Span> uri_password(std::string_view text) {
  const std::size_t scheme = text.find("://");
  if (scheme == std::string_view::npos) return std::nullopt;
  const std::size_t begin = scheme + 3;
  const std::size_t authority_end = std::min(text.find_first_of("/?", begin), text.size());
  const std::size_t at = text.substr(0, authority_end).rfind('@');
  if (at == std::string_view::npos || at < begin) return std::nullopt;
  const std::size_t colon = text.find(':', begin);
  if (colon >= at || colon + 1 == at) return std::nullopt;
  return Span{colon + 1, at};
}

/// Where a `password=` (also sslpassword) holds one, in a URI's query or among key=value pairs; from `from` on.
std::optional<Span> keyword_password(std::string_view text, std::size_t from) {
  const std::size_t key = text.find("password", from);
  if (key == std::string_view::npos) return std::nullopt;
  std::size_t begin = key + std::string_view("password").size();
  while (begin < text.size() && text[begin] == ' ') ++begin;
  if (begin == text.size() || text[begin] != '=') return keyword_password(text, key + 1);
  ++begin;
  while (begin < text.size() && text[begin] == ' ') ++begin;
  if (begin < text.size() && text[begin] == '\'') {
    std::size_t end = begin + 1;
    while (end < text.size() && text[end] != '\'') end += text[end] == '\\' ? 2 : 1;
    return Span{begin, std::min(end + 1, text.size())};
  }
  const std::string_view ends = text.find("://") == std::string_view::npos ? " \t\n" : "&";
  return Span{begin, std::min(text.find_first_of(ends, begin), text.size())};
}

}  // namespace

std::string masked(std::string_view connection_string) {
  std::string text(connection_string);
  std::size_t from = 0;
  while (const auto found = keyword_password(text, from)) {
    text.replace(found->begin, found->end - found->begin, mask);
    from = found->begin + mask.size();
  }
  if (const auto found = uri_password(text)) text.replace(found->begin, found->end - found->begin, mask);
  return text;
}

bool has_password(std::string_view connection_string) {
  return masked(connection_string) != connection_string;
}

namespace {

/// Each string of a list by itself: what ends a password depends on how the string is written.
std::string masked_setting(const SettingValue& value) {
  if (setting_spec(value.key)->form != "connections") return masked(value.value);
  std::vector<std::string> strings = parse_words(value.value).value_or(std::vector<std::string>{});
  for (std::string& string : strings) string = masked(string);
  return format_words(strings);
}

}  // namespace

std::vector<SettingValue> effective_settings(const std::vector<SettingValue>& given) {
  std::vector<SettingValue> effective;
  for (const SettingSpec& spec : setting_specs())
    if (!is_family(spec))
      effective.push_back({std::string(spec.key), std::string(spec.default_value), Origin::built_in, ""});
  for (const SettingValue& value : given) {
    const auto there = std::ranges::find(effective, value.key, &SettingValue::key);
    if (there == effective.end())
      effective.push_back(value);
    else if (there->origin <= value.origin)
      *there = value;
  }
  for (SettingValue& value : effective)
    if (is_connection(value.key)) value.value = masked_setting(value);
  std::ranges::sort(effective, {}, &SettingValue::key);
  return effective;
}

std::string settings_text(const std::vector<SettingValue>& settings, Paint paint) {
  std::vector<std::vector<std::string>> rows{{"KEY", "VALUE", "ORIGIN", "SOURCE"}};
  for (const SettingValue& value : settings)
    rows.push_back({value.key, value.value.empty() ? "-" : printable(value.value),
                    std::string(origin_name(value.origin)), printable(value.source)});
  return table(rows, paint);
}

std::string settings_json(const std::vector<SettingValue>& settings) {
  Json list = Json::array();
  for (const SettingValue& value : settings)
    list.push_back({{"key", value.key},
                    {"value", or_null(value.value)},
                    {"origin", origin_name(value.origin)},
                    {"source", or_null(value.source)}});
  return dumped({{"schema_version", 1}, {"settings", list}}, true) + "\n";
}

}  // namespace switchback::cli
