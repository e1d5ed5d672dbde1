#include "free_space.hpp"

#include "switchback/core/error.hpp"
#include "switchback/core/excerpt.hpp"

namespace switchback::daemon {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds period{5000};
constexpr milliseconds deadline{5000};
/// What most commands end within: their first reading is then there before the first batch. The heartbeat can wait so
/// long.
constexpr milliseconds patience{100};

}  // namespace

std::optional<Signal> FreeSpaceProbe::look(Monotonic now, const HealthLimits& limits) {
  if (limits.free_space_exec.empty() || limits.free_space == SignalPolicy::ignore) {
    child_.reset();
    return std::nullopt;
  }
  if (read_at_ == Monotonic{}) read_at_ = now;
  if (child_) collect(now, milliseconds(0));
  if (!child_ && now >= due_) start(now, limits);
  return judge_free_space(read_at_, reading_, limits);
}

void FreeSpaceProbe::start(Monotonic now, const HealthLimits& limits) {
  due_ = now + period;
  started_ = now;
  try {
    process::Command command;
    command.argv = limits.free_space_exec;
    command.die_with_us = true;
    child_.emplace(command);
    collect(now, patience);
  } catch (const Error& error) {
    reading_ = {{}, error.what()};
    read_at_ = now;
  }
}

void FreeSpaceProbe::collect(Monotonic now, milliseconds at_most) {
  const auto code = child_->wait(at_most);
  if (!code && now - started_ < deadline) return;
  if (!code)
    reading_ = {{}, "its command did not end within 5 s"};
  else if (*code != 0)
    reading_ = {{}, "its command ended with " + std::to_string(*code) + ": " + first_line(child_->err())};
  else
    reading_ = {child_->out(), {}};
  read_at_ = now;
  child_.reset();
}

}  // namespace switchback::daemon
