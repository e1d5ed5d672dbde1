/// What only the server, or its functions' bodies, can tell of an image's statements.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "switchback/core/footprint.hpp"
#include "switchback/core/gate.hpp"
#include "switchback/ports/session.hpp"

namespace switchback::ports {

/// Of one statement: prepared as a client would, and nothing of it executed.
struct Preparation {
  bool asked = false;   ///< false: it is none that can be prepared, or names could not be looked up as the image does
  std::string code;     ///< SQLSTATE of the refusal; empty: the server takes it
  std::string message;  ///< the server's, its first line
};

class ImageAsking {
 public:
  virtual ~ImageAsking() = default;

  /// One answer a text, in their order. In a transaction of the caller's, whose settings and locks are as before
  /// afterwards; names are looked up as in a session of `role` (empty: of one without settings). Takes the locks that
  /// preparing takes, each for one statement, and waits 200 ms for one at most.
  virtual std::vector<Preparation> prepare(Session& session, const std::vector<std::string>& texts,
                                           const std::string& role) = 0;

  /// What the bodies of those functions need that are in sql or plpgsql, and of what they call in turn. A column in
  /// `taken` counts as one of its table's, whether it still bears that name or not.
  virtual std::vector<ImageSurroundings::Called> called(Session& session, const std::vector<TableName>& functions,
                                                        const std::vector<PlanEffect::Column>& taken) = 0;
};

}  // namespace switchback::ports
