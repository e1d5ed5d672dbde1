#include "rule_traffic.hpp"

#include <chrono>

#include "plan_view.hpp"
#include "switchback/core/error.hpp"

namespace switchback::tests {

RuleTraffic::RuleTraffic(std::string uri, Next before, Next after)
    : uri_(std::move(uri)),
      before_([this, next = std::move(before)] { write("shop:v41", next, before_stopping_); }),
      after_([this, next = std::move(after)] { write("shop:v42", next, after_stopping_); }) {}

RuleTraffic::~RuleTraffic() {
  stop();
}

void RuleTraffic::stop_before() {
  before_stopping_ = true;
  if (before_.joinable()) before_.join();
}

void RuleTraffic::stop() {
  stop_before();
  after_stopping_ = true;
  if (after_.joinable()) after_.join();
}

std::vector<std::string> RuleTraffic::failures() {
  const std::lock_guard lock(mutex_);
  return failures_;
}

void RuleTraffic::write(const std::string& application, const Next& next, const std::atomic<bool>& stopping) {
  const auto session = tests::application(uri_, application);
  session->exec("SET search_path = public");
  for (std::int64_t n = 0; !stopping; ++n) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    const std::string sql = next(n);
    try {
      session->exec(sql);
      ++writes_;
    } catch (const Error& error) {
      const std::lock_guard lock(mutex_);
      failures_.push_back(error.sqlstate() + " " + error.what() + ": " + sql);
    }
  }
}

}  // namespace switchback::tests
