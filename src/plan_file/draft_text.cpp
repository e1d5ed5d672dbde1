#include "draft_text.hpp"

#include <yaml-cpp/emitter.h>
#include <yaml-cpp/emittermanip.h>

#include <algorithm>
#include <array>

#include "switchback/core/settings.hpp"
#include "switchback/core/units.hpp"
#include "switchback/plan_file/vocabulary.hpp"

namespace switchback::plan_file {
namespace {

/// As the plan writer has it: what reads as something else when it is bare is quoted.
void put(YAML::Emitter& out, const std::string& value) {
  constexpr std::array<std::string_view, 8> words = {"true", "false", "null", "~", "yes", "no", "on", "off"};
  const bool control = std::ranges::any_of(value, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  if (control || value.starts_with('-') || value.starts_with('?') || std::ranges::find(words, value) != words.end())
    out << YAML::DoubleQuoted << value;
  else
    out << value;
}

std::string emitted(const YAML::Emitter& out) {
  std::string text;
  for (const char c : std::string_view(out.c_str())) text += c == '\x7f' ? std::string("\\x7f") : std::string(1, c);
  return text;
}

std::string scalar(const std::string& value) {
  YAML::Emitter out;
  put(out, value);
  return emitted(out);
}

std::string key_text(const std::string& key) {
  return scalar(key) + ":";
}

/// The value behind a key, or below it.
std::string value_text(const Argument::Value& value, std::size_t indent) {
  if (std::holds_alternative<std::monostate>(value)) return " null";
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? " true" : " false";
  if (const auto* text = std::get_if<std::string>(&value)) return " " + scalar(*text);
  if (const auto* texts = std::get_if<std::vector<std::string>>(&value)) return " " + list_text(*texts);
  std::string text;
  for (const auto& [key, one] : std::get<ColumnExpressions>(value))
    text += "\n" + std::string(indent + 2, ' ') + key_text(key) + " " + scalar(one);
  return text;
}

std::string with_comment(std::string line, const std::string& comment) {
  constexpr std::size_t column = 42;
  if (comment.empty()) return line + "\n";
  line.resize(std::max(line.size() + 2, column), ' ');
  return line + "# " + comment + "\n";
}

/// Keys that are not given, for whoever wants one of them.
std::string other_keys(const DraftEntry& entry, std::size_t indent) {
  const Kind* kind = find_kind(entry.kind);
  std::string text;
  if (kind == nullptr) return text;
  for (const KindKey& key : kind->keys) {
    if (std::ranges::find(entry.arguments, key.name, &Argument::key) != entry.arguments.end()) continue;
    std::string value = key.form == KindKey::Form::flag ? "true" : scalar(key.example);
    if (key.form == KindKey::Form::names || key.form == KindKey::Form::texts) value = "[" + value + "]";
    if (key.form == KindKey::Form::map ||
        (key.form == KindKey::Form::any && key.example.find('=') != std::string::npos)) {
      const auto at = key.example.find('=');
      value = "{ " + key.example.substr(0, at) + ": " + scalar(key.example.substr(at + 1)) + " }";
    }
    text += with_comment(std::string(indent, ' ') + "# " + key.name + ": " + value, key.what);
  }
  return text;
}

}  // namespace

std::string list_text(const std::vector<std::string>& texts) {
  YAML::Emitter out;
  out << YAML::Flow << YAML::BeginSeq;
  for (const std::string& text : texts) put(out, text);
  out << YAML::EndSeq;
  return emitted(out);
}

std::string comment_text(const std::vector<std::string>& lines, std::size_t indent) {
  constexpr std::size_t width = 116;
  std::string text;
  for (std::string line : lines) {
    std::ranges::replace(line, '\n', ' ');
    std::string start = "# ";
    while (!line.empty()) {
      std::size_t end = line.size();
      if (indent + start.size() + end > width) {
        end = line.rfind(' ', width - indent - start.size());
        if (end == std::string::npos || end == 0) end = std::min(line.find(' '), line.size());
      }
      text += std::string(indent, ' ') + start + line.substr(0, end) + "\n";
      line.erase(0, std::min(end + 1, line.size()));
      start = "#   ";
    }
  }
  return text;
}

std::string entry_text(const DraftEntry& entry, std::size_t indent, bool explained) {
  const Kind* kind = explained ? find_kind(entry.kind) : nullptr;
  std::string text = comment_text(entry.comments, indent);
  text += std::string(indent, ' ') + "- " + entry.kind + ":\n";
  const std::size_t inner = indent + 4;
  for (const Argument& argument : entry.arguments) {
    const KindKey* key = kind != nullptr ? kind->key(argument.key) : nullptr;
    const std::string what = key != nullptr ? key->what : "";
    const std::string line = std::string(inner, ' ') + key_text(argument.key);
    const std::string value = value_text(argument.value, inner);
    text +=
        value.starts_with('\n') ? with_comment(line, what) + value.substr(1) + "\n" : with_comment(line + value, what);
  }
  return explained ? text + other_keys(entry, inner) : text;
}

std::string contract_comment() {
  const Settings usual;
  const auto line = [](const std::string& key, std::chrono::seconds time, const char* what) {
    return with_comment("#   " + key + ": " + format_duration(time), what);
  };
  return "# What holds unless switchback.yaml, or a block like this one, says otherwise:\n# contract:\n" +
         line("observe", usual.observe, "nobody must have used the old side for so long before it is hidden") +
         line("soak", usual.soak, "hidden for so long, which is undone in milliseconds, before it is dropped") +
         line("archive", usual.archive,
              "what was dropped is kept for so long, and comes back by `switchback restore`") +
         "# images: { before: shop:v41, after: shop:v42 }   # the newest that needs the old side, the oldest that "
         "works "
         "on the new one\n";
}

}  // namespace switchback::plan_file
