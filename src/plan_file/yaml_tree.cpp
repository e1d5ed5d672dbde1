#include "yaml_tree.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <tuple>

namespace switchback::plan_file {
namespace {

constexpr std::size_t most_bytes = std::size_t{1} << 20;
constexpr std::size_t most_levels = 32;
constexpr std::size_t most_aliases = 100;
constexpr std::size_t most_nodes = 50'000;
constexpr std::size_t most_findings = 200;

/// Thrown out of the parser's callbacks once the finding that stops it is noted.
struct Stopped {};

/// The length of the UTF-8 character that `text` begins with; 0 when it is none (RFC 3629, no surrogates, no overlong).
std::size_t character_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto follows = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xBF) {
    return byte(i) >= low && byte(i) <= high;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const unsigned low = first == 0xE0 ? 0xA0 : 0x80;
    const unsigned high = first == 0xED ? 0x9F : 0xBF;
    return follows(1, low, high) && follows(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const unsigned low = first == 0xF0 ? 0x90 : 0x80;
    const unsigned high = first == 0xF4 ? 0x8F : 0xBF;
    return follows(1, low, high) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

class TreeBuilder : public YAML::EventHandler {
 public:
  explicit TreeBuilder(Findings& findings) : findings_(findings) {}

  NodePointer root() const { return root_; }
  Place document_place() const { return document_place_; }

  void OnDocumentStart(const YAML::Mark& mark) override { document_place_ = at(mark); }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { leaf(node(Node::Kind::null, mark), anchor); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_tag(mark, tag);
    auto scalar = node(Node::Kind::scalar, mark);
    scalar->value = value;
    scalar->plain = tag == "?";
    if (value.find('\0') != std::string::npos) stop(mark, "a NUL character cannot be stored in PostgreSQL", {});
    leaf(std::move(scalar), anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    refuse_tag(mark, tag);
    open(node(Node::Kind::sequence, mark), anchor, mark);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    refuse_tag(mark, tag);
    open(node(Node::Kind::map, mark), anchor, mark);
  }
  void OnMapEnd() override { close(); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (++aliases_ > most_aliases)
      stop(mark, "more than " + std::to_string(most_aliases) + " aliases", "write the values out");
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) stop(mark, "this alias stands inside what it refers to", "write the value out");
    put(found->second);
  }

 private:
  struct Open {
    std::shared_ptr<Node> node;
    YAML::anchor_t anchor;
    NodePointer key;  ///< of a map, while its value is awaited
  };

  Place at(const YAML::Mark& mark) const { return findings_.place(mark.line, mark.column); }

  [[noreturn]] void stop(const YAML::Mark& mark, std::string message, std::string hint) {
    findings_.error(at(mark), std::move(message), std::move(hint));
    throw Stopped{};
  }

  void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!") stop(mark, "YAML tags (" + tag + ") are not read", "leave it out");
  }

  std::shared_ptr<Node> node(Node::Kind kind, const YAML::Mark& mark) {
    if (++nodes_ > most_nodes)
      stop(mark, "more than " + std::to_string(most_nodes) + " values", "what is this long is several");
    auto made = std::make_shared<Node>();
    made->kind = kind;
    made->place = at(mark);
    return made;
  }

  void leaf(std::shared_ptr<Node> made, YAML::anchor_t anchor) {
    if (anchor != 0) anchors_[anchor] = made;
    put(std::move(made));
  }

  void open(std::shared_ptr<Node> made, YAML::anchor_t anchor, const YAML::Mark& mark) {
    if (open_.size() >= most_levels) stop(mark, "nested more than " + std::to_string(most_levels) + " levels deep", {});
    open_.push_back({std::move(made), anchor, nullptr});
  }

  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    if (done.anchor != 0) anchors_[done.anchor] = done.node;
    put(std::move(done.node));
  }

  void put(NodePointer made) {
    if (open_.empty()) {
      root_ = std::move(made);
    } else if (Open& parent = open_.back(); parent.node->kind == Node::Kind::sequence) {
      parent.node->items.push_back(std::move(made));
    } else if (!parent.key) {
      parent.key = std::move(made);
    } else {
      parent.node->entries.emplace_back(std::exchange(parent.key, nullptr), std::move(made));
    }
  }

  Findings& findings_;
  NodePointer root_;
  Place document_place_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, NodePointer> anchors_;
  std::size_t aliases_ = 0;
  std::size_t nodes_ = 0;
};

/// What must be true of the bytes before YAML is looked at.
bool bytes_are_fit(std::string_view text, Findings& findings) {
  if (text.size() > most_bytes) {
    findings.error({}, "larger than 1 MiB",
                   "a plan is a few steps, a manifest a list of needs: data belongs in a table");
    return false;
  }
  int line = 0;
  int column = 0;
  bool indented_by_tab = false;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = character_length(text.substr(i));
    const char first = text[i];
    if (length == 0) {
      findings.error(findings.place(line, column), "not UTF-8", "save the file as UTF-8");
      return false;
    }
    if ((static_cast<unsigned char>(first) < 0x20 && first != '\t' && first != '\n' && first != '\r') ||
        first == 0x7F) {
      findings.error(findings.place(line, column), "a control character", "remove it");
      return false;
    }
    // Only the line's first character: behind spaces a tab may be part of a block of SQL.
    if (first == '\t' && column == 0 && text.find_first_not_of(" \t\r", i) != std::string_view::npos &&
        text[text.find_first_not_of(" \t\r", i)] != '\n') {
      findings.error(findings.place(line, column), "a tab as indentation", "YAML indents with spaces");
      indented_by_tab = true;
    }
    i += length;
    column += static_cast<int>(length);
    if (first == '\n') {
      ++line;
      column = 0;
    }
  }
  return !indented_by_tab;
}

}  // namespace

std::string_view kind_name(const Node& node) {
  switch (node.kind) {
    case Node::Kind::null:
      return "empty";
    case Node::Kind::scalar:
      return "text";
    case Node::Kind::sequence:
      return "a list";
    case Node::Kind::map:
      return "a map";
  }
  return "";
}

Findings::Findings(std::string_view text, std::string file, bool draft) : file_(std::move(file)), draft_(draft) {
  while (true) {
    const std::size_t end = text.find('\n');
    std::string_view current = text.substr(0, end);
    if (current.ends_with('\r')) current.remove_suffix(1);
    lines_.push_back(current);
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
}

void Findings::error(Place place, std::string message, std::string hint) {
  add(Severity::error, place, std::move(message), std::move(hint));
}

void Findings::warning(Place place, std::string message, std::string hint) {
  add(Severity::warning, place, std::move(message), std::move(hint));
}

void Findings::add(Severity severity, Place place, std::string message, std::string hint) {
  if (found_.size() >= most_findings) return;
  constexpr std::size_t longest = 500;  // of a line that is shown
  std::string text(line(place.line).substr(0, longest));
  found_.push_back({file_, place.line, place.column, std::move(message), std::move(hint), severity, std::move(text)});
}

std::string_view Findings::line(int number) const {
  if (number < 1 || static_cast<std::size_t>(number) > lines_.size()) return {};
  return lines_[static_cast<std::size_t>(number) - 1];
}

Place Findings::place(int line_from_0, int byte_from_0) const {
  const int number = std::clamp(line_from_0 + 1, 1, static_cast<int>(lines_.size()));
  const std::string_view before = line(number).substr(0, static_cast<std::size_t>(std::max(byte_from_0, 0)));
  const auto characters =
      std::ranges::count_if(before, [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; });
  return {number, static_cast<int>(characters) + 1};
}

bool Findings::failed() const {
  return has_errors(found_);
}

std::vector<Diagnostic> Findings::take() {
  std::ranges::stable_sort(found_, {}, [](const Diagnostic& d) { return std::tuple(d.line, d.column); });
  return std::move(found_);
}

NodePointer read_tree(std::string_view text, Findings& findings) {
  if (!bytes_are_fit(text, findings)) return nullptr;
  TreeBuilder builder(findings);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) return nullptr;
    TreeBuilder second(findings);
    if (parser.HandleNextDocument(second))
      findings.error(second.document_place(), "a second YAML document", "one plan a file: remove the line with `---`");
    return builder.root();
  } catch (const Stopped&) {
  } catch (const YAML::Exception& error) {
    const bool known = !error.mark.is_null();
    findings.error(known ? findings.place(error.mark.line, error.mark.column) : Place{1, 1}, "YAML: " + error.msg,
                   "text with `: `, ` #` or a leading [ { * & ! | > % @ ` needs quotes");
  }
  return nullptr;
}

std::optional<std::string> read_bytes(const std::string& path, std::vector<Diagnostic>& diagnostics) {
  std::ifstream stream(path, std::ios::binary);
  std::string bytes(most_bytes + 1, '\0');
  stream.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!stream.eof() && stream.fail()) {  // not there, a folder, not permitted
    diagnostics.push_back(
        {path, 0, 0, "cannot be read", "is there such a file, and may you read it?", Severity::error, {}});
    return std::nullopt;
  }
  bytes.resize(static_cast<std::size_t>(stream.gcount()));
  return bytes;
}

}  // namespace switchback::plan_file
