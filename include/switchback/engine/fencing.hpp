/// Taking the login of a role whose image nobody may run any more, and giving it back.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "switchback/core/gate.hpp"
#include "switchback/engine/images.hpp"

namespace switchback::engine {

struct RoleSession {
  std::int64_t pid = 0;
  std::string application;
  std::string client;  ///< address; empty: a socket, or not shown to us
};

struct FenceOutcome {
  std::string role;
  bool changed = false;               ///< false: it was so already
  std::vector<RoleSession> sessions;  ///< of the role, now: they go on until they end
};

/// NOLOGIN for the role of an image past the horizon. `role`: where neither manifest nor settings say it. Checked and
/// done in one transaction, with an event. Error(Exit::invalid): no such image, no such role, no role known;
/// Error(Exit::refused): core's fence_refusal, a role that is superuser, replicates, owns something, has sessions in
/// other databases of the cluster, or is our own.
FenceOutcome fence(ports::Session& session, const Actor& actor, const HorizonRules& rules, const std::string& image,
                   const std::string& role, const std::string& reason);

/// LOGIN again for what fence() took it from; Error(Exit::refused) where somebody else did.
FenceOutcome unfence(ports::Session& session, const Actor& actor, const HorizonRules& rules, const std::string& image,
                     const std::string& role, const std::string& reason);

/// The reason for a gate's no: the image's role, where it is known, may not log in. Reads only.
std::optional<GateReason> login_refused(ports::Session& session, const std::vector<RegisteredImage>& images,
                                        const HorizonRules& rules, const std::string& image);

}  // namespace switchback::engine
