/// What becomes of an image's statements when a contract takes what it takes. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace switchback {

/// The worse one is the later one.
enum class ReplayOutcome {
  ok,
  shape,    ///< works, and gives other columns
  unknown,  ///< could not be told
  breaks,   ///< fails, or does something else than it did
};
std::string_view name(ReplayOutcome outcome);  ///< "ok", "other result", "unknown", "breaks"

struct ReplayedStatement {
  std::string text;
  ReplayOutcome outcome = ReplayOutcome::ok;
  std::string why;  ///< empty: ok
  bool operator==(const ReplayedStatement&) const = default;
};

/// What the statement's text says of everything that goes.
enum class TextWord {
  clear,
  star,     ///< reads whole rows in its select lists, and no more of what goes than that
  unclear,  ///< ambiguous, or not understood
  uses,
};
/// What the server said when asked with and without: nothing is executed, so that it does not see what a row is made
/// into (row_to_json), where values land (INSERT without columns), what COPY does, nor bodies of functions.
enum class ReplayWord {
  same,
  shape,    ///< prepared both times, with other columns
  refused,  ///< prepared with, refused without
  none,     ///< it was not asked, or refused both times
};
/// Neither clears what the other finds.
ReplayOutcome joined(TextWord text, ReplayWord server);

/// Of all images of the horizon that have statements.
struct ContractReplay {
  std::map<std::string, std::vector<ReplayedStatement>> images;
  /// What goes and no manifest speaks of (types, functions, what ON CONFLICT may rest on): only statements tell.
  std::vector<std::string> beyond_manifests;
  std::string remark;  ///< why the parse tree's word stands alone; empty: the server was asked too
};

}  // namespace switchback
