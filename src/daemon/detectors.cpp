#include "detectors.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "switchback/core/brownout.hpp"
#include "switchback/core/error.hpp"
#include "switchback/core/excerpt.hpp"
#include "switchback/core/units.hpp"
#include "switchback/daemon/alert_poller.hpp"
#include "switchback/postgres/server_log.hpp"
#include "switchback/postgres/statement_judge.hpp"

namespace switchback::daemon {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;
using Connect = std::function<std::unique_ptr<ports::Session>()>;

constexpr std::int64_t piece_size = 1'000'000;
constexpr milliseconds probe_patience{3000};

[[noreturn]] void cannot_read(const std::string& why) {
  throw Error(Exit::unreachable, Remedy::person, why);
}

/// Where log files are.
class LogPlace {
 public:
  virtual ~LogPlace() = default;
  virtual std::string newest() = 0;  ///< the file that is written to now
  virtual std::int64_t size(const std::string& file) = 0;
  virtual std::string read(const std::string& file, std::int64_t from, std::int64_t bytes) = 0;
};

class LocalPlace final : public LogPlace {
 public:
  explicit LocalPlace(std::string path) : path_(std::move(path)) {}

  std::string newest() override {
    namespace fs = std::filesystem;
    std::error_code failed;
    if (!fs::is_directory(path_, failed)) return path_;
    std::string best;
    fs::file_time_type at{};
    for (const auto& entry : fs::directory_iterator(path_, failed)) {
      const auto extension = entry.path().extension();
      if (extension != ".csv" && extension != ".json") continue;
      const auto written = entry.last_write_time(failed);
      if (failed || (!best.empty() && written < at)) continue;
      best = entry.path().string();
      at = written;
    }
    if (best.empty()) cannot_read("there is no csv or json log in " + path_);
    return best;
  }
  std::int64_t size(const std::string& file) override {
    std::error_code failed;
    const auto bytes = std::filesystem::file_size(file, failed);
    if (failed) cannot_read(file + ": " + failed.message());
    return static_cast<std::int64_t>(bytes);
  }
  std::string read(const std::string& file, std::int64_t from, std::int64_t bytes) override {
    std::ifstream in(file, std::ios::binary);
    in.seekg(from);
    std::string text(static_cast<std::size_t>(bytes), '\0');
    in.read(text.data(), bytes);
    if (in.bad() || !in.is_open()) cannot_read("cannot read " + file);
    text.resize(static_cast<std::size_t>(in.gcount()));
    return text;
  }

 private:
  std::string path_;
};

class ServerPlace final : public LogPlace {
 public:
  explicit ServerPlace(const Connect& connect) : session_(connect()) {}

  std::string newest() override {
    const bool has_json = session_->server_version() >= 150000;
    const auto rows = session_->exec(std::string("SELECT coalesce(") +
                                     (has_json ? "pg_catalog.pg_current_logfile('jsonlog'), " : "") +
                                     "pg_catalog.pg_current_logfile('csvlog'))");
    if (!rows.at(0, 0))
      cannot_read("the server writes neither a csv nor a json log (logging_collector, log_destination)");
    return rows.text(0, 0);
  }
  std::int64_t size(const std::string& file) override {
    return session_->exec("SELECT size FROM pg_catalog.pg_stat_file($1)", {file}).integer(0, 0);
  }
  std::string read(const std::string& file, std::int64_t from, std::int64_t bytes) override {
    const std::string hex =
        session_
            ->exec("SELECT pg_catalog.encode(pg_catalog.pg_read_binary_file($1, $2::bigint, $3::bigint), 'hex')",
                   {file, std::to_string(from), std::to_string(bytes)})
            .text(0, 0);
    std::string text;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
      text += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    return text;
  }

 private:
  std::unique_ptr<ports::Session> session_;
};

class LogDetector final : public ports::BrownoutDetector {
 public:
  LogDetector(std::string log, Connect connect, std::vector<TableName> tables)
      : log_(std::move(log)), connect_(std::move(connect)), tables_(std::move(tables)) {}

  std::string name() const override { return log_ == "server" ? "server log" : "log " + log_; }
  bool telling() const override { return true; }
  bool looked() const override { return looked_; }

  /// A refusal of our own must be seen: else those of others would not be.
  std::optional<std::string> arm() override {
    looked_ = false;
    if (log_ == "server")
      place_ = std::make_unique<ServerPlace>(connect_);
    else
      place_ = std::make_unique<LocalPlace>(log_);
    reader_.restart();
    file_ = place_->newest();
    offset_ = place_->size(file_);
    const std::string token =
        "switchback looks whether refusals reach the log: " + std::to_string(std::random_device{}());
    const auto session = connect_();
    database_ = session->exec("SELECT pg_catalog.current_database()").text(0, 0);
    try {
      session->exec("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege', MESSAGE = '" + token +
                    "'; END $$");
    } catch (const Error& error) {
      if (error.sqlstate() != "42501") throw;
    }
    for (const auto end = Clock::now() + probe_patience; Clock::now() < end;) {
      for (const postgres::Refusal& refusal : more())
        if (refusal.message == token) return std::nullopt;
      std::this_thread::sleep_for(milliseconds(50));
    }
    return "a refusal that was made to see it did not show in it (log_min_messages, log_destination)";
  }

  std::optional<ports::Trip> look() override {
    const auto refusals = more();
    looked_ = true;
    for (const postgres::Refusal& refusal : refusals) {
      if (refusal.database != database_ || refusal.application.starts_with("switchback")) continue;
      const bool ours = std::ranges::any_of(tables_, [&](const TableName& table) {
        return postgres::mentions(refusal.message, table.name) || postgres::mentions(refusal.statement, table.name);
      });
      if (!ours) continue;
      return ports::Trip{true, "role " + refusal.role + ", application " +
                                   (refusal.application.empty() ? "without a name" : refusal.application) +
                                   ", was refused: " + excerpt(refusal.message) +
                                   (refusal.statement.empty() ? "" : ": " + excerpt(refusal.statement))};
    }
    return std::nullopt;
  }

 private:
  std::vector<postgres::Refusal> more() {
    std::vector<postgres::Refusal> out = rest();
    if (const std::string newest = place_->newest(); newest != file_) {
      file_ = newest;
      offset_ = 0;
      reader_.restart();
      for (postgres::Refusal& refusal : rest()) out.push_back(std::move(refusal));
    }
    return out;
  }

  /// What the present file has grown by.
  std::vector<postgres::Refusal> rest() {
    std::vector<postgres::Refusal> out;
    const std::int64_t size = place_->size(file_);
    if (size < offset_) offset_ = 0;  // written anew
    while (offset_ < size) {
      const std::string piece = place_->read(file_, offset_, std::min(piece_size, size - offset_));
      if (piece.empty()) break;
      offset_ += static_cast<std::int64_t>(piece.size());
      for (postgres::Refusal& refusal : reader_.take(piece)) out.push_back(std::move(refusal));
    }
    return out;
  }

  std::string log_;
  Connect connect_;
  std::vector<TableName> tables_;
  std::unique_ptr<LogPlace> place_;
  postgres::LogReader reader_;
  std::string file_, database_;
  std::int64_t offset_ = 0;
  bool looked_ = false;
};

class HttpDetector final : public ports::BrownoutDetector {
 public:
  explicit HttpDetector(AlertSource source)
      : name_(name_of(source)), poller_({asked_often(std::move(source))}, ProbeConnect()) {}

  std::string name() const override { return name_; }
  bool telling() const override { return true; }
  bool looked() const override { return looked_; }

  std::optional<std::string> arm() override {
    looked_ = false;
    for (const Signal& signal : poller_.latest())
      if (signal.state != Signal::State::good) return "it is not good now: " + signal.reason;
    armed_ = Clock::now();
    return std::nullopt;
  }

  std::optional<ports::Trip> look() override {
    for (const Signal& signal : poller_.latest()) {
      if (signal.at < armed_ || signal.state == Signal::State::unknown) continue;
      looked_ = true;
      if (signal.state == Signal::State::bad) return ports::Trip{true, signal.reason};
    }
    return std::nullopt;
  }

 private:
  static AlertSource asked_often(AlertSource source) {
    source.every = std::min(source.every, milliseconds(1000));
    return source;
  }

  std::string name_;
  AlertPoller poller_;
  Monotonic armed_{};
  bool looked_ = false;
};

/// From PostgreSQL 15 on a session reports its rollbacks only together with something else it did, or when it ends:
/// pgstat_report_stat() in the server's pgstat.c returns early when nothing but them is pending.
class RollbackDetector final : public ports::BrownoutDetector {
 public:
  explicit RollbackDetector(const Connect& connect) : session_(connect()), first_(count()) {}

  std::string name() const override { return "rolled-back transactions"; }
  bool telling() const override { return false; }
  bool looked() const override { return true; }

  std::optional<std::string> arm() override {
    const auto seconds = std::chrono::duration<double>(Clock::now() - begun_).count();
    const double now = count();
    if (now < first_ || seconds < 1) return "nobody knows yet how many are usual";
    usual_ = (now - first_) / seconds;
    armed_ = Clock::now();
    at_arms_ = now;
    return std::nullopt;
  }

  std::optional<ports::Trip> look() override {
    const auto time = std::chrono::duration_cast<milliseconds>(Clock::now() - armed_);
    const double risen = count() - at_arms_;
    if (!rollbacks_rose(risen, time, usual_)) return std::nullopt;
    return ports::Trip{false, show_count(static_cast<std::int64_t>(risen)) + " in " + show_duration(time) +
                                  ", usual are " + show_count(std::lround(usual_)) + " a second"};
  }

 private:
  double count() {
    return session_
        ->exec("SELECT xact_rollback FROM pg_catalog.pg_stat_database WHERE datname = pg_catalog.current_database()")
        .number(0, 0);
  }

  std::unique_ptr<ports::Session> session_;
  double first_;
  Clock::time_point begun_ = Clock::now();
  Clock::time_point armed_{};
  double at_arms_ = 0, usual_ = 0;
};

}  // namespace

std::vector<std::unique_ptr<ports::BrownoutDetector>> make_detectors(const std::string& log,
                                                                     const std::vector<AlertSource>& sources,
                                                                     const Connect& connect,
                                                                     const std::vector<TableName>& tables) {
  std::vector<std::unique_ptr<ports::BrownoutDetector>> out;
  if (!log.empty()) out.push_back(std::make_unique<LogDetector>(log, connect, tables));
  for (const AlertSource& source : sources)
    if (source.kind == AlertSource::Kind::http) out.push_back(std::make_unique<HttpDetector>(source));
  out.push_back(std::make_unique<RollbackDetector>(connect));
  return out;
}

}  // namespace switchback::daemon
