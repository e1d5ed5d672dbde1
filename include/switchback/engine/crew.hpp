/// Several sessions at one batch job: threads that do batches, and the runner's own thread, which looks after them.
#pragma once

#include <memory>
#include <optional>

#include "switchback/engine/workbench.hpp"

namespace switchback::engine {

/// One worker as its job sees it. Used by its own thread alone.
class CrewMember {
 public:
  virtual ~CrewMember() = default;
  /// One batch in transactions of `session`. False: there is nothing left for this worker.
  virtual bool batch(FencedSession& session, const Trying& trying) = 0;
};

/// What a crew is given to do.
class CrewJob {
 public:
  virtual ~CrewJob() = default;
  /// A worker's share, made in the worker's thread; destroyed there when it ends, for whatever reason: what it had in
  /// hand is then free for another.
  virtual std::unique_ptr<CrewMember> join() = 0;
  /// From the runner's thread: the settings in force, many times a second; how far it is; a hold that ends the job;
  /// whether, when no worker finds anything left, really everything is done.
  virtual void apply(const Settings& settings) = 0;
  virtual Progress progress() = 0;
  virtual std::optional<Hold> hold() = 0;
  virtual bool complete() = 0;
};

/// Works `job` off with as many workers as `backfill.workers` says at each moment. While the plan is paused or held no
/// batch begins; the one in flight ends. An Error of one worker ends all, and comes out. Every thread has ended when it
/// returns.
Stop work_off(Workbench& bench, CrewJob& job);

}  // namespace switchback::engine
