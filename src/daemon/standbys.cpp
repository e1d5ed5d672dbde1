#include "standbys.hpp"

#include "switchback/core/error.hpp"

namespace switchback::daemon {
namespace {

bool answers(ports::Session& session) {
  try {
    session.exec("SELECT 1");
    return true;
  } catch (const Error&) {  // it broke since the last look
    return false;
  }
}

}  // namespace

std::vector<ports::SampledServer> Standbys::sessions(const std::string& database) {
  std::vector<ports::SampledServer> servers;
  for (const auto& [name, connection] : connections_) {
    auto& session = sessions_[name];
    ports::SampledServer server{name, nullptr, ""};
    try {
      if (!session || !answers(*session)) session = connect_(connection, database);
      server.session = session.get();
    } catch (const Error& error) {
      session.reset();
      server.unreachable = error.what();
    }
    servers.push_back(std::move(server));
  }
  return servers;
}

}  // namespace switchback::daemon
