#include "switchback/daemon/notifier.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "switchback/core/error.hpp"
#include "switchback/core/units.hpp"
#include "switchback/core/url.hpp"
#include "switchback/engine/notifying.hpp"
#include "switchback/http/client.hpp"
#include "switchback/process/child.hpp"

namespace switchback::daemon {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;
using Kind = NotifyTarget::Kind;

Sent failed(bool again, const std::string& why) {
  return {false, again, why};
}

/// Empty: it is not set.
std::string variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? "" : value;
}

http::HttpBody webhook_body(const NotifyTarget& target, const Told& event) {
  http::HttpBody body{"application/json", engine::message_of(event), {}};
  const std::string now = std::to_string(
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count());
  body.headers = {{"X-Switchback-Delivery", std::to_string(event.id)}, {"X-Switchback-Timestamp", now}};
  if (!target.secret_env.empty())
    body.headers.emplace_back("X-Switchback-Signature",
                              "sha256=" + http::hmac_sha256(variable(target.secret_env), now + "." + body.text));
  return body;
}

Sent to_address(const NotifyTarget& target, const Told& event) {
  const std::string address = target.url_env.empty() ? target.url : variable(target.url_env);
  if (address.empty()) return failed(true, "the environment variable " + target.url_env + " is not set");
  if (!target.secret_env.empty() && variable(target.secret_env).empty())
    return failed(true, "the environment variable " + target.secret_env + " is not set");
  const ParsedUrl parsed = parse_url(address);
  if (!parsed.why_not.empty()) return failed(true, "the address is not usable: " + parsed.why_not);
  http::HttpRequest request;
  request.url = parsed.url;
  request.timeout = target.timeout;
  request.ca = path_from(target.folder, target.ca);
  const http::HttpBody body =
      target.kind == Kind::slack
          ? http::HttpBody{"application/json", nlohmann::json{{"text", slack_text(event)}}.dump(), {}}
          : webhook_body(target, event);
  const int status = http::post(request, body).status;
  if (status >= 200 && status < 300) return {true, false, ""};
  return failed(may_pass(status), "it answers " + std::to_string(status));
}

Sent to_program(const NotifyTarget& target, const Told& event) {
  process::Command command;
  command.argv = target.run;
  if (command.argv[0].find('/') != std::string::npos) command.argv[0] = path_from(target.folder, command.argv[0]);
  command.input = engine::message_of(event);
  command.environment = {{"SWITCHBACK_OCCASION", std::string(occasion_of(event).value_or(""))},
                         {"SWITCHBACK_PLAN", event.plan},
                         {"SWITCHBACK_TEXT", sentence_of(event)}};
  command.die_with_us = true;
  const process::Outcome outcome = process::run(command, target.timeout);
  if (outcome.timed_out) return failed(true, "it did not end within " + show_duration(target.timeout));
  if (outcome.ok()) return {true, false, ""};
  return failed(true, "it ended with exit " + std::to_string(outcome.exit_code));
}

/// Whether there was one to tell. `why`: of one that could not be told.
bool deliver_one(ports::Session& session, const NotifyTarget& target, std::string& why) {
  const auto delivery = engine::claim_delivery(session, target);
  if (!delivery) return false;
  const Sent sent = send(target, delivery->event);
  if (sent.ok)
    engine::record_delivered(session, target, delivery->event.id);
  else
    engine::record_undelivered(session, target, *delivery, sent.why, sent.again);
  if (!sent.ok) why = std::string(name(target.kind)) + " " + target.name + " could not be told: " + sent.why;
  return sent.ok || !sent.again;
}

}  // namespace

Sent send(const NotifyTarget& target, const Told& event) {
  try {
    return target.kind == Kind::exec ? to_program(target, event) : to_address(target, event);
  } catch (const std::exception& error) {
    return failed(true, error.what());
  }
}

std::vector<std::string> deliver_due(ports::Session& session, const std::vector<NotifyTarget>& targets,
                                     milliseconds deadline) {
  const auto end = Clock::now() + deadline;
  std::vector<std::string> problems;
  for (const NotifyTarget& target : targets) {
    std::string why;
    while (Clock::now() < end && deliver_one(session, target, why)) {
    }
    if (!why.empty()) problems.push_back(why);
  }
  return problems;
}

struct Notifier::Inside {
  struct Line {
    NotifyTarget target;
    bool ended = false;
    std::thread thread;
  };

  /// Once more after the end was asked for: what happened last is what one wants to hear of.
  void keep_telling(Line& line) {
    std::unique_ptr<ports::Session> session;
    for (bool last = false; !last;) {
      {
        std::unique_lock lock(mutex);
        last = changed.wait_for(lock, milliseconds(1000), [this] { return ending; });
      }
      try {
        if (!session) session = connect();
        std::string why;
        while (deliver_one(*session, line.target, why)) {
        }
      } catch (const std::exception&) {  // the outbox has it still
        session.reset();
      }
    }
    session.reset();
    const std::lock_guard lock(mutex);
    line.ended = true;
    changed.notify_all();
  }

  Connect connect;
  std::mutex mutex;  // guards ending and every ended
  std::condition_variable changed;
  bool ending = false;
  std::vector<Line> lines;
};

Notifier::Notifier(std::vector<NotifyTarget> targets, Connect connect) : inside_(std::make_shared<Inside>()) {
  inside_->connect = std::move(connect);
  inside_->lines.reserve(targets.size());
  for (NotifyTarget& target : targets) inside_->lines.push_back({std::move(target), false, {}});
  for (Inside::Line& line : inside_->lines)
    line.thread = std::thread([inside = inside_, &line] { inside->keep_telling(line); });
}

Notifier::~Notifier() {
  std::unique_lock lock(inside_->mutex);
  inside_->ending = true;
  inside_->changed.notify_all();
  inside_->changed.wait_for(lock, milliseconds(3000),
                            [this] { return std::ranges::all_of(inside_->lines, &Inside::Line::ended); });
  std::vector<std::thread> threads;
  for (Inside::Line& line : inside_->lines) {
    if (line.ended)
      threads.push_back(std::move(line.thread));
    else
      line.thread.detach();  // one that hangs must not keep the runner
  }
  lock.unlock();
  for (std::thread& thread : threads) thread.join();
}

}  // namespace switchback::daemon
