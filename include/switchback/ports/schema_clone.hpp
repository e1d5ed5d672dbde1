/// A database with the schema of another one and without its rows, where a server may be asked about statements.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "switchback/ports/session.hpp"

namespace switchback::ports {

/// What open() gives. The session is the clone's own: of a role that owns everything in it and is no superuser; to be
/// left outside a transaction, with nothing changed. It is there until the next open() or discard().
struct OpenClone {
  Session* session = nullptr;        ///< null: none could be made
  std::string why_not;               ///< then: why
  std::string remedy;                ///< and what would end that
  std::vector<std::string> lacking;  ///< what of the schema could not be made: "CREATE EXTENSION hstore … (why)"
};

class SchemaClone {
 public:
  virtual ~SchemaClone() = default;

  /// Why the configuration wants no clone; empty: one may be made.
  virtual std::optional<std::string> declined() const = 0;

  /// The clone of what `source` is connected to, made when there is none for `schema` yet: seconds. `schema` stands for
  /// the state of the source's schema: another text, another clone. Takes ACCESS SHARE locks on every table of the
  /// source for as long as pg_dump reads its catalog, and waits for none of them longer than lock_timeout.
  virtual OpenClone open(Session& source, const std::string& schema) = 0;

  /// Takes the clone away; the next open() makes another one. Also what a broken session is answered with.
  virtual void discard() noexcept = 0;
};

}  // namespace switchback::ports
