/// The history as a chain of hashes: whether what is there is what was written.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace switchback {

/// An event, by what binds it to the others.
struct ChainLink {
  std::int64_t id = 0;
  std::string hash;                   ///< as it was written, hex
  std::string computed;               ///< of the event as it is now
  std::vector<std::string> previous;  ///< hashes of those that nothing followed yet when it was written
};

struct ChainBreak {
  std::int64_t id = 0;
  std::string what;
};

struct ChainReport {
  std::size_t events = 0;
  std::vector<ChainBreak> breaks;  ///< by id; empty: nothing in between was changed or taken out
  std::vector<std::string> heads;  ///< hashes that no later event covers yet, newest last
};

/// `links` by rising id. Events that were written at the same time follow the same ones, or the one with the lower id
/// the other; the next event follows all of them. What the chain cannot show is that its end was cut off: for that
/// somebody keeps a head elsewhere, `expected` (empty: none is), a beginning of its hash is enough.
ChainReport check_chain(const std::vector<ChainLink>& links, const std::string& expected);

}  // namespace switchback
