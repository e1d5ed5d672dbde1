/// The journal's rows of coverage, brought forward by one look.
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "switchback/ports/session.hpp"

namespace switchback::postgres {

/// Why something cannot be watched now, and what would change that; empty: it can.
struct Blindness {
  std::string reason;
  std::string remedy;
  explicit operator bool() const { return !reason.empty(); }
};

/// What the journal holds of one source on one server.
struct Recorded {
  bool there = false;
  bool looked = false;  ///< at least once something could be seen
  nlohmann::json marks = nlohmann::json::object();
  std::string gap;   ///< why nobody looked for more than 5 minutes; empty: somebody did
  std::string step;  ///< what the server's clock did since, where it is not right; empty: nothing
};

class CoverageJournal {
 public:
  /// The session is borrowed, and in a transaction from begin() on.
  CoverageJournal(ports::Session& journal, std::int64_t plan) : journal_(journal), plan_(std::to_string(plan)) {}

  /// Waits for another sampler of the plan: two at once would each count from a state the other has moved on from.
  /// Then reads the clocks.
  void begin();
  std::string clock() { return journal_.exec("SELECT pg_catalog.clock_timestamp()").text(0, 0); }
  /// The database server's clock at begin().
  std::chrono::milliseconds at() const { return server_; }
  Recorded recorded(const std::string& source, const std::string& server);

  /// The source could be read at `at`. `cuts`: why coverage begins anew there; a step of the clock does it too.
  void seen(const std::string& source, const std::string& server, const std::string& at, const Recorded& before,
            nlohmann::json marks, std::vector<std::string> cuts);
  /// It shows nothing that counts: coverage ends, and begins anew once it shows something.
  void blind(const std::string& source, const std::string& server, const Recorded& before, const Blindness& why);
  /// The server could not be asked: coverage stands still. Whether it can go on is seen when it answers again.
  void unread(const std::string& source, const std::string& server, const Blindness& why);

  ports::Session& journal() { return journal_; }
  const std::string& plan() const { return plan_; }

 private:
  void put(const std::string& source, const std::string& server, const std::string& at, const nlohmann::json& marks,
           const std::string* cut_by);
  nlohmann::json clocks_beside(const nlohmann::json& marks) const;

  ports::Session& journal_;
  std::string plan_;
  std::string machine_;                 ///< this boot of this machine
  std::chrono::milliseconds own_{};     ///< since it booted, suspended or not
  std::chrono::milliseconds server_{};  ///< the database server's clock at the same moment
  std::chrono::milliseconds blur_{};    ///< how far apart the two readings may be
};

/// JSON with whatever the server has put in texts, which need not be valid UTF-8.
std::string dumped(const nlohmann::json& value);

}  // namespace switchback::postgres
