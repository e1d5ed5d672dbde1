/// What the journal says of the one plan of a database, asked directly: fast enough to be asked again and again.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "switchback/ports/session.hpp"

namespace switchback::tests {

bool has(const std::string& text, const std::string& part);

/// A session as an application has it: row level security in force, no timeouts. The caller owns it.
std::unique_ptr<ports::Session> application(const std::string& uri, const std::string& name);

/// The configuration of Tool::default_configuration(), with batches so small that 20,000 rows take many seconds.
std::string slow_configuration(const std::string& more = {});

/// Every question is answered with nothing (empty, 0) while there is no journal or no plan yet, or no server.
class PlanView {
 public:
  explicit PlanView(std::string uri) : uri_(std::move(uri)) {}

  std::string state();
  std::string hold_kind();
  std::string hold_reason();  ///< all of them, one a line
  std::string hold_since();
  std::int64_t rows_done();  ///< by the backfill, as its checkpoints say
  std::int64_t epoch();
  std::int64_t events();  ///< how many
  std::string kinds();    ///< of events, in order, a blank between
  std::string states();   ///< that the plan has been in, in order, a blank between
  std::string now();      ///< the server's clock
  double seconds_since(const std::string& from, const std::string& to);
  /// One value of any query; empty where there is none.
  std::string ask(const std::string& sql);

 private:
  std::string uri_;
  std::unique_ptr<ports::Session> session_;
};

}  // namespace switchback::tests
