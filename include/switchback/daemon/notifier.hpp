/// Tells the targets of the configuration what the history says of plans.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "switchback/core/notification.hpp"
#include "switchback/ports/session.hpp"

namespace switchback::daemon {

/// How one delivery ended.
struct Sent {
  bool ok = false;
  bool again = true;  ///< it may go better another time
  std::string why;    ///< when not ok; no address, no secret
};
/// Blocks for the target's timeout at most. Never throws.
Sent send(const NotifyTarget& target, const Told& event);

/// Delivers what is due, each target's events in their order, until nothing is or `deadline` has passed. What could not
/// be delivered is returned in words and left in the outbox. Database errors come out.
std::vector<std::string> deliver_due(ports::Session& session, const std::vector<NotifyTarget>& targets,
                                     std::chrono::milliseconds deadline);

/// Does so every second in threads of its own, one for each target, with sessions of their own: no engine waits for it.
class Notifier {
 public:
  using Connect = std::function<std::unique_ptr<ports::Session>()>;
  Notifier(std::vector<NotifyTarget> targets, Connect connect);
  /// Delivers what has just happened, for at most three seconds, and ends.
  ~Notifier();
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

 private:
  struct Inside;
  std::shared_ptr<Inside> inside_;  // shared with the threads
};

}  // namespace switchback::daemon
