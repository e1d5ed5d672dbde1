/// Three images of a small application, and what really happens when they run: the facts that a gate's answers are
/// held to.
#pragma once

#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "server.hpp"
#include "switchback/ports/session.hpp"
#include "tool.hpp"

namespace switchback::tests {

/// One image. In its statements `:id`, `:first`, `:last`, `:name` and `:mail` stand for what one request brings.
struct ShopRelease {
  std::string image;
  std::vector<std::string> births;   ///< make a person, with an order
  std::vector<std::string> changes;  ///< give one another name and another address
  std::vector<std::string> others;   ///< whatever else it does; leaves nothing behind
  std::string reads;                 ///< id, name and address of everybody
  /// Its manifest: every statement, with parameters.
  std::string manifest() const;
};

/// v41 knows users.full_name and users.email, v42 first_name and last_name in the place of full_name, v43 mail in the
/// place of email too.
const std::array<ShopRelease, 3>& releases();

/// What an image is held to have done: the last name and address that it was told is committed.
using People = std::map<std::int64_t, std::pair<std::string, std::string>>;

struct GateFact {
  std::string answer;   ///< yes, no or unknown: `gate deploy`, and `gate rollback` says the same
  std::string reasons;  ///< the gate's
  bool works = true;    ///< all its statements succeed, and no write is lost
  std::string failure;  ///< the first that did not, in words
};

/// A database of the shop: what is in it as far as somebody was told so. A copy of it can be walked on from.
struct ShopWorld {
  std::string uri;
  People people;
  std::int64_t next = 1000;

  /// Tables with so many people, a journal, and the three images registered by their manifests.
  ShopWorld(const Tool& tool, std::string database, int people);
  /// The same database once more, under a name of its own. Nobody may be connected.
  ShopWorld copy() const;
  void drop() const;

  /// Asks the gate of each image, and then runs it: those that may, by turns, on rows of their own and of each other;
  /// then those that may not, on rows of their own, which are taken away again.
  std::array<GateFact, 3> look(const Tool& tool);

 private:
  ShopWorld() = default;
};

}  // namespace switchback::tests
