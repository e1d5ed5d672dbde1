/// Two images that write a table: one keeps to a rule, one breaks it now and then until it is told to stop.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace switchback::tests {

class RuleTraffic {
 public:
  /// What an image writes next; `n` counts its statements from 0.
  using Next = std::function<std::string(std::int64_t n)>;

  /// One session for each image: shop:v41 writes `before`, shop:v42 `after`, about 200 statements a second each.
  RuleTraffic(std::string uri, Next before, Next after);
  ~RuleTraffic();
  RuleTraffic(const RuleTraffic&) = delete;
  RuleTraffic& operator=(const RuleTraffic&) = delete;

  void stop_before();  ///< the older image goes
  void stop();
  std::int64_t writes() const { return writes_; }
  /// Statements that failed, each with its SQLSTATE.
  std::vector<std::string> failures();

 private:
  void write(const std::string& application, const Next& next, const std::atomic<bool>& stopping);

  std::string uri_;
  std::atomic<bool> before_stopping_{false};
  std::atomic<bool> after_stopping_{false};
  std::atomic<std::int64_t> writes_{0};
  std::mutex mutex_;
  std::vector<std::string> failures_;
  std::thread before_, after_;
};

}  // namespace switchback::tests
