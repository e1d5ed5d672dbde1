/// Connections to the standbys of health.replicas, for usage evidence. Private to the wiring.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "switchback/ports/usage_source.hpp"

namespace switchback::daemon {

/// Used by the driving thread alone. A connection is kept from one look to the next, and made again when it broke.
class Standbys {
 public:
  /// By connection string, to the database of that name.
  using Connect =
      std::function<std::unique_ptr<ports::Session>(const std::string& connection, const std::string& database)>;
  Standbys(std::map<std::string, std::string> connections, Connect connect)
      : connections_(std::move(connections)), connect_(std::move(connect)) {}

  /// All that are configured; those that cannot be reached within some seconds with the reason. The sessions live until
  /// the next call.
  std::vector<ports::SampledServer> sessions(const std::string& database);

 private:
  std::map<std::string, std::string> connections_;
  Connect connect_;
  std::map<std::string, std::unique_ptr<ports::Session>> sessions_;
};

}  // namespace switchback::daemon
