#include "switchback/daemon/alert_poller.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "probe.hpp"

namespace switchback::daemon {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

struct AlertPoller::Inside {
  struct Asked {
    AlertSource source;
    std::unique_ptr<Probe> probe;  // of its thread alone
    std::vector<Signal> signals;
    bool answered = false;
    bool ended = false;
    std::thread thread;
  };

  void keep_asking(Asked& one) {
    for (;;) {
      std::vector<Signal> fresh = one.probe->ask();
      std::unique_lock lock(mutex);
      one.signals = std::move(fresh);
      one.answered = true;
      changed.notify_all();
      if (!changed.wait_for(lock, one.source.every, [this] { return ending; })) continue;
      one.ended = true;
      changed.notify_all();
      return;
    }
  }

  /// Until all are, or have had the time that they may take; with the mutex held.
  void wait_until_all(std::unique_lock<std::mutex>& lock, bool Asked::*are) {
    milliseconds longest{0};
    for (const Asked& one : all) longest = std::max(longest, one.source.timeout);
    changed.wait_for(lock, longest + milliseconds(500), [&] { return std::ranges::all_of(all, are); });
  }

  std::mutex mutex;  // guards signals, answered, ended and ending
  std::condition_variable changed;
  bool ending = false;
  std::vector<Asked> all;
};

AlertPoller::AlertPoller(const std::vector<AlertSource>& sources, const ProbeConnect& connect)
    : inside_(std::make_shared<Inside>()) {
  inside_->all.reserve(sources.size());
  for (const AlertSource& source : sources) {
    Inside::Asked& one = inside_->all.emplace_back();
    one.source = source;
    one.probe = make_probe(source, connect);
    one.signals = {source_signal(source, Clock::now(), Signal::State::unknown, "it has not answered yet")};
  }
  for (Inside::Asked& one : inside_->all)
    one.thread = std::thread([inside = inside_, &one] { inside->keep_asking(one); });
  std::unique_lock lock(inside_->mutex);
  inside_->wait_until_all(lock, &Inside::Asked::answered);
}

AlertPoller::~AlertPoller() {
  std::unique_lock lock(inside_->mutex);
  inside_->ending = true;
  inside_->changed.notify_all();
  inside_->wait_until_all(lock, &Inside::Asked::ended);
  std::vector<std::thread> threads;
  for (Inside::Asked& one : inside_->all) {
    if (one.ended)
      threads.push_back(std::move(one.thread));
    else
      one.thread.detach();  // a name server or a frozen database server keeps it longer than anybody wants to wait
  }
  lock.unlock();
  for (std::thread& thread : threads) thread.join();
}

std::vector<Signal> AlertPoller::latest() const {
  const std::lock_guard lock(inside_->mutex);
  std::vector<Signal> signals;
  for (const Inside::Asked& one : inside_->all) signals.insert(signals.end(), one.signals.begin(), one.signals.end());
  return merged(std::move(signals));
}

}  // namespace switchback::daemon
