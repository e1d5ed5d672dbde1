/// Refusals in the server's log, in its csv and json forms.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace switchback::postgres {

/// One log record with SQLSTATE 42501.
struct Refusal {
  std::string role, database, application, message, statement;
};

/// Takes a log piece by piece, as it grows: what is not a whole record yet waits for the next piece. Which form it has
/// is told by each record's first character: a brace begins json. Csv as documented under "Using CSV-Format Log
/// Output" (13 has 23 columns, later versions append more). What it cannot read it passes over.
class LogReader {
 public:
  std::vector<Refusal> take(std::string_view piece);
  /// Another file begins.
  void restart() { rest_.clear(); }

 private:
  std::string rest_;
};

}  // namespace switchback::postgres
