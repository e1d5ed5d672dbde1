#include "probe.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "switchback/core/error.hpp"
#include "switchback/core/excerpt.hpp"
#include "switchback/core/units.hpp"
#include "switchback/http/answers.hpp"
#include "switchback/http/client.hpp"
#include "switchback/process/child.hpp"

namespace switchback::daemon {
namespace {

using Clock = std::chrono::steady_clock;
using Kind = AlertSource::Kind;
using State = Signal::State;

/// What one look says; a look that failed throws and is unknown.
struct Reading {
  State state = State::unknown;
  std::string reason;
};

[[noreturn]] void unknown(const std::string& why) {
  throw Error(Exit::unreachable, Remedy::retry, why);
}

/// Asks one question whose answer is good or bad.
class PlainProbe : public Probe {
 public:
  explicit PlainProbe(const AlertSource& source) : source_(source) {}
  std::vector<Signal> ask() final {
    const auto at = Clock::now();
    try {
      const Reading reading = look();
      return {source_signal(source_, at, reading.state, reading.reason)};
    } catch (const std::exception& error) {
      return {source_signal(source_, at, State::unknown, first_line(error.what()))};
    }
  }

 protected:
  virtual Reading look() = 0;
  const AlertSource source_;
};

/// A web server, with the credentials for it.
class Web {
 public:
  explicit Web(const AlertSource& source) : source_(source) {
    if (source.token_env.empty()) return;
    const char* value = std::getenv(source.token_env.c_str());
    token_ = value == nullptr ? "" : value;
  }

  http::HttpAnswer get(const std::string& url) const {
    http::HttpRequest request;
    request.url = parse_url(url).url;
    request.timeout = source_.timeout;
    request.ca = path_from(source_.folder, source_.ca);
    request.authorization = authorization();
    return http::get(request);
  }

 private:
  std::string authorization() const {
    if (source_.token_env.empty()) return "";
    const auto visible = [](char c) { return c >= ' ' && c != 0x7f; };
    if (token_.empty() || !std::ranges::all_of(token_, visible))
      unknown("the environment variable " + source_.token_env + " is not set, or not to a token");
    // A bearer token has no colon in it (RFC 6750, 2.1).
    return token_.find(':') == std::string::npos ? "Bearer " + token_ : "Basic " + base64(token_);
  }

  const AlertSource source_;
  std::string token_;
};

class AlertmanagerProbe final : public Probe {
 public:
  explicit AlertmanagerProbe(const AlertSource& source) : url_(alerts_url(source)), web_(source), memory_(source) {}

  std::vector<Signal> ask() override {
    const auto at = Clock::now();
    try {
      const http::HttpAnswer answer = web_.get(url_);
      if (answer.status != 200) unknown("it answers " + std::to_string(answer.status) + ": " + first_line(answer.body));
      return memory_.answered(at, http::alerts_in(answer.body));
    } catch (const std::exception& error) {
      return memory_.unreadable(at, first_line(error.what()));
    }
  }

 private:
  std::string url_;
  Web web_;
  AlertMemory memory_;
};

class PrometheusProbe final : public PlainProbe {
 public:
  explicit PrometheusProbe(const AlertSource& source) : PlainProbe(source), url_(query_url(source)), web_(source) {}

 private:
  Reading look() override {
    const http::HttpAnswer answer = web_.get(url_);
    // It explains a refusal (400, 422, 503) in the same form as a result.
    const http::QueryOutcome outcome = http::outcome_in(answer.body);
    if (answer.status != 200)
      unknown("it answers " + std::to_string(answer.status) + ": " + first_line(outcome.reason));
    return {outcome.state, first_line(outcome.reason)};
  }

  std::string url_;
  Web web_;
};

class HttpProbe final : public PlainProbe {
 public:
  explicit HttpProbe(const AlertSource& source) : PlainProbe(source), web_(source) {}

 private:
  Reading look() override {
    const int status = web_.get(source_.url).status;
    if (status == source_.expect) return {State::good, ""};
    return {State::bad, "it answers " + std::to_string(status) + ", not " + std::to_string(source_.expect)};
  }

  Web web_;
};

class SqlProbe final : public PlainProbe {
 public:
  SqlProbe(const AlertSource& source, ProbeConnect connect) : PlainProbe(source), connect_(std::move(connect)) {}

 private:
  Reading look() override {
    try {
      if (!session_) begin_session();
      return judged();
    } catch (const Error& error) {
      if (error.remedy() != Remedy::retry) session_.reset();
      throw;
    }
  }

  void begin_session() {
    auto session = connect_(source_.replica);
    if (!session) unknown("no connection is configured for replica " + source_.replica + " (health.replicas: connect)");
    const std::string limit = std::to_string(source_.timeout.count());
    // The query is the user's, with names as the role sees them.
    session->exec("SET statement_timeout = " + limit + "; SET lock_timeout = " + limit + "; RESET search_path");
    session_ = std::move(session);
  }

  Reading judged() {
    std::string query = source_.query;
    while (!query.empty() && (query.back() == ';' || query.back() == ' ' || query.back() == '\n')) query.pop_back();
    // As a subquery it is one query and nothing else, and can be kept from sending a whole table.
    ports::Transaction transaction(*session_, "READ ONLY");
    const ports::Rows rows = transaction.exec("SELECT * FROM (\n" + query + "\n) AS probe LIMIT 2");
    transaction.commit();
    if (rows.size() != 1 || rows.rows[0].size() != 1)
      unknown("the query must give one row of one column, true or false");
    const ports::Value& value = rows.at(0, 0);
    if (!value) unknown("the query gives NULL");
    if (*value == "t") return {State::bad, "true"};
    if (*value == "f") return {State::good, ""};
    unknown("the query gives " + first_line(*value) + ", which is neither true nor false");
  }

  ProbeConnect connect_;
  std::unique_ptr<ports::Session> session_;
};

class ExecProbe final : public PlainProbe {
 public:
  using PlainProbe::PlainProbe;

 private:
  Reading look() override {
    process::Command command;
    command.argv = source_.argv;
    if (command.argv[0].find('/') != std::string::npos) command.argv[0] = path_from(source_.folder, command.argv[0]);
    command.die_with_us = true;
    const process::Outcome outcome = process::run(command, source_.timeout);
    if (outcome.timed_out) unknown("it did not end within " + show_duration(source_.timeout));
    if (outcome.exit_code == 0) return {State::good, ""};
    if (outcome.exit_code == 1) return {State::bad, outcome.out.empty() ? "exit 1" : first_line(outcome.out)};
    const std::string said = first_line(outcome.err);
    unknown("it ended with exit " + std::to_string(outcome.exit_code) + (said.empty() ? "" : ": " + said));
  }
};

class FileProbe final : public PlainProbe {
 public:
  using PlainProbe::PlainProbe;

 private:
  Reading look() override {
    const std::string path = path_from(source_.folder, source_.path);
    std::error_code failed;
    const auto type = std::filesystem::status(path, failed).type();
    if (type == std::filesystem::file_type::not_found) return {State::good, ""};
    if (type == std::filesystem::file_type::none) unknown(failed.message());
    return {State::bad, "it exists"};
  }
};

}  // namespace

std::unique_ptr<Probe> make_probe(const AlertSource& source, const ProbeConnect& connect) {
  switch (source.kind) {
    case Kind::alertmanager:
      return std::make_unique<AlertmanagerProbe>(source);
    case Kind::prometheus:
      return std::make_unique<PrometheusProbe>(source);
    case Kind::http:
      return std::make_unique<HttpProbe>(source);
    case Kind::sql:
      return std::make_unique<SqlProbe>(source, connect);
    case Kind::exec:
      return std::make_unique<ExecProbe>(source);
    case Kind::file:
      return std::make_unique<FileProbe>(source);
    case Kind::health:  // the watch reads them
      break;
  }
  throw Error(Exit::failed, Remedy::bug, "an alert source of no kind");
}

}  // namespace switchback::daemon
