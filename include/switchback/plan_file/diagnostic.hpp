/// What is wrong with a plan or a configuration, and where.
#pragma once

#include <string>
#include <vector>

namespace switchback {

enum class Severity { error, warning };

/// One finding in a file. Pure data; `line` and `column` are 1-based and count characters, 0 where the whole file is
/// meant.
struct Diagnostic {
  std::string file;
  int line = 0;
  int column = 0;
  std::string message;
  std::string hint;  ///< what to write instead; may be empty
  Severity severity = Severity::error;
  std::string line_text;  ///< the line of the file, without its end
};

/// `file:line:column: error: message`, the source line, a caret under the place, `hint: …`; ends with a newline.
std::string render(const Diagnostic& diagnostic);

/// Whether any of them is an error (warnings do not stop anything).
bool has_errors(const std::vector<Diagnostic>& diagnostics);

}  // namespace switchback
