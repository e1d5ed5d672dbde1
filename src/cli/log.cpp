#include "log.hpp"

#include <spdlog/formatter.h>
#include <spdlog/sinks/ansicolor_sink.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <iostream>
#include <memory>

#include "json_text.hpp"

namespace switchback::cli {
namespace {

bool as_json = false;

std::string_view word_of(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::warn:
      return "warning";
    case spdlog::level::err:
      return "error";
    case spdlog::level::debug:
      return "detail";
    default:
      return "info";
  }
}

spdlog::level::level_enum level_of(Level level) {
  switch (level) {
    case Level::detail:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warning:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::string_view text_of(const spdlog::details::log_msg& message) {
  return {message.payload.data(), message.payload.size()};
}

void append(spdlog::memory_buf_t& out, std::string_view text) {
  out.append(text.data(), text.data() + text.size());
}

class JsonLines final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    const auto at = std::chrono::floor<std::chrono::milliseconds>(message.time);
    const Json line{{"time", show_iso(at)}, {"level", word_of(message.level)}, {"message", text_of(message)}};
    append(out, dumped(line, false) + "\n");
  }
  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<JsonLines>(); }
};

class TextLines final : public spdlog::formatter {
 public:
  explicit TextLines(Paint paint) : paint_(paint) {}
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    if (message.level == spdlog::level::warn) append(out, paint_.bold("switchback: ") + paint_.warn("warning: "));
    append(out, text_of(message));
    if (!text_of(message).ends_with('\n')) append(out, "\n");
  }
  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<TextLines>(paint_); }

 private:
  Paint paint_;
};

}  // namespace

void start_log(bool json, bool quiet, bool verbose, Paint paint) {
  as_json = json;
  auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(std::cerr, true);
  auto logger = std::make_shared<spdlog::logger>("switchback", sink);
  if (json)
    logger->set_formatter(std::make_unique<JsonLines>());
  else
    logger->set_formatter(std::make_unique<TextLines>(paint));
  logger->set_level(quiet ? spdlog::level::warn : verbose ? spdlog::level::debug : spdlog::level::info);
  spdlog::set_default_logger(logger);
}

void log_line(Level level, std::string_view line) {
  spdlog::default_logger_raw()->log(level_of(level), spdlog::string_view_t(line.data(), line.size()));
}

bool log_is_json() {
  return as_json;
}

}  // namespace switchback::cli
