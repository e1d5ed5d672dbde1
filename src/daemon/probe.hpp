/// One alert source, asked. Private to the daemon.
#pragma once

#include <memory>
#include <vector>

#include "switchback/daemon/alert_poller.hpp"

namespace switchback::daemon {

/// Used by one thread at a time.
class Probe {
 public:
  virtual ~Probe() = default;
  /// Asks once, for its timeout at most; what failed is an unknown signal, never an exception of ours.
  virtual std::vector<Signal> ask() = 0;
};

/// Credentials are read from the environment here, once.
std::unique_ptr<Probe> make_probe(const AlertSource& source, const ProbeConnect& connect);

}  // namespace switchback::daemon
