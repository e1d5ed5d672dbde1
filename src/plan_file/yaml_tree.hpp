/// A YAML document as a tree that knows where everything stands, read under limits. Private to the readers.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "switchback/core/plan.hpp"
#include "switchback/plan_file/diagnostic.hpp"

namespace switchback::plan_file {

struct Node;
using NodePointer = std::shared_ptr<const Node>;  ///< an alias shares the node of its anchor

struct Node {
  enum class Kind { null, scalar, sequence, map };
  Kind kind = Kind::null;
  Place place;
  std::string value;   ///< of a scalar
  bool plain = false;  ///< a scalar without quotes and not a block
  std::vector<NodePointer> items;
  std::vector<std::pair<NodePointer, NodePointer>> entries;  ///< key, value; duplicates included
};

/// "a list", "a map", "text", "empty": for messages.
std::string_view kind_name(const Node& node);

/// Collects diagnostics for one text.
class Findings {
 public:
  /// Of a draft, what is left to fill in is no error.
  Findings(std::string_view text, std::string file, bool draft = false);

  void error(Place place, std::string message, std::string hint = {});
  void warning(Place place, std::string message, std::string hint = {});
  /// yaml-cpp counts bytes from 0; people count characters from 1.
  Place place(int line_from_0, int byte_from_0) const;
  bool failed() const;
  bool is_draft() const { return draft_; }
  /// In the order of the file.
  std::vector<Diagnostic> take();

 private:
  void add(Severity severity, Place place, std::string message, std::string hint);
  std::string_view line(int number) const;

  std::string file_;
  bool draft_;
  std::vector<std::string_view> lines_;
  std::vector<Diagnostic> found_;
};

/// Null (nothing added to `findings`) for an empty document; null and a finding when it cannot be read.
NodePointer read_tree(std::string_view text, Findings& findings);

/// The bytes of a file of at most a plan's size; empty with a diagnostic when it cannot be read.
std::optional<std::string> read_bytes(const std::string& path, std::vector<Diagnostic>& diagnostics);

}  // namespace switchback::plan_file
