/// The outbox: which events of the history which target has been told of. The events themselves are the messages, so
/// that one that was committed is told, and none that was not.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "switchback/core/notification.hpp"
#include "switchback/engine/journal.hpp"

namespace switchback::engine {

struct Delivery {
  Told event;
  int attempts = 0;  ///< this one counted
};

/// A target that the journal does not know yet is told of what happens from now on.
void enrol_targets(ports::Session& session, const std::vector<NotifyTarget>& targets);
/// The oldest event that the target is to be told of and has not been; claimed for a minute, so that nobody else tells
/// it meanwhile. Empty: none, or its turn has not come. Each event is told at least once, in their order.
std::optional<Delivery> claim_delivery(ports::Session& session, const NotifyTarget& target);
void record_delivered(ports::Session& session, const NotifyTarget& target, std::int64_t event);
/// `again`: it is tried again, after notify_pause(), until notify_patience is over.
void record_undelivered(ports::Session& session, const NotifyTarget& target, const Delivery& delivery,
                        const std::string& why, bool again);

struct OutboxLine {
  std::string target;
  std::int64_t waiting = 0, delivered = 0, given_up = 0;
  std::string last_error;
  std::string last_delivered;  ///< ISO 8601
};
std::vector<OutboxLine> outbox(ports::Session& session, const std::vector<NotifyTarget>& targets);

/// {"schema_version": 1, "id": …, "occasion": …, "text": …, …}: what a webhook and a program get.
std::string message_of(const Told& event);

}  // namespace switchback::engine
