/// One runner a plan: a lease that runs out, and an epoch that fences whoever held it before.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "switchback/engine/journal.hpp"
#include "switchback/ports/session.hpp"

namespace switchback::engine {

/// What every writing transaction of a runner proves first.
struct Fence {
  PlanId plan = 0;
  std::int64_t epoch = 0;
};

/// Opens a transaction and takes the fence: first the shared lock on the plan, then, in a statement of its own, the
/// epoch (read without the lock it could go stale between the check and the commit). Error(Exit::busy) when another
/// runner has taken over. Returns whether the plan is paused.
bool begin_fenced(ports::Session& session, const Fence& fence);

/// Takes the plan, or throws Error(Exit::busy) naming the runner that has it. A lease that has run out, was released,
/// or whose runner has no session left is taken over: sessions of the old runner that still hold the plan's lock or sit
/// in a transaction are terminated (by pid and backend start), then the epoch is raised.
Fence acquire_lease(ports::Session& session, const Actor& actor, const PlanRecord& plan,
                    std::chrono::milliseconds lease);

/// Waits for the transactions that a runner of the plan has under way. False: for longer than lock_timeout.
bool await_runner(ports::Session& session, PlanId plan);

/// Makes this session known as the runner's, so that a successor can find it.
void register_session(ports::Session& session, const Fence& fence);

/// False when the lease is lost.
/// Cancels what the plan's runner executes just now: its batches, and any other statement that has run for a second.
/// Looks again until there is nothing of the kind, for two seconds at most. To be called when the plan is paused
/// already, so that nothing is begun again. False: something was still under way. Error (42501) for a role that may not
/// cancel the runner's statements.
bool cancel_in_flight(ports::Session& session, PlanId plan);

bool renew_lease(ports::Session& session, const Fence& fence);
void release_lease(ports::Session& session, const Fence& fence);

}  // namespace switchback::engine
