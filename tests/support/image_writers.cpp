#include "image_writers.hpp"

#include <random>

#include "plan_view.hpp"
#include "server.hpp"
#include "switchback/core/error.hpp"

namespace switchback::tests {
namespace {

using Clock = std::chrono::steady_clock;

/// Of all writers of this process, so that new keys never meet.
std::atomic<std::int64_t> next_number{1'000'000'000};

void replace(std::string& text, const std::string& name, std::int64_t value) {
  const auto is_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
  for (std::size_t at = 0; (at = text.find(name, at)) != std::string::npos;) {
    const std::size_t end = at + name.size();
    const bool whole = (end == text.size() || !is_word(text[end])) && (at == 0 || text[at - 1] != ':');
    if (whole) text.replace(at, name.size(), std::to_string(value));
    at += whole ? 1 : name.size();
  }
}

}  // namespace

std::unique_ptr<ports::Session> scene_session(const std::string& uri, const std::string& application_name) {
  auto session = application(uri, application_name);
  session->exec("SET search_path = \"$user\", public");
  return session;
}

void make_ledger(const std::string& uri) {
  application(uri, "test")
      ->exec(
          "CREATE SCHEMA scene; CREATE TABLE scene.wrote (seq bigserial PRIMARY KEY, id bigint NOT NULL, value text); "
          "CREATE VIEW scene.last AS SELECT DISTINCT ON (id) id, value FROM scene.wrote ORDER BY id, seq DESC");
}

ImageWriters::ImageWriters(std::string uri, std::string application, const Body& body, int rows, unsigned seed)
    : uri_(std::move(uri)), application_(std::move(application)), body_(body), rows_(rows) {
  for (unsigned i = 0; i < 2; ++i) threads_.emplace_back([this, i, seed] { write(seed * 2 + i); });
}

ImageWriters::~ImageWriters() {
  stop();
}

void ImageWriters::stop() {
  stopping_ = true;
  for (std::thread& thread : threads_)
    if (thread.joinable()) thread.join();
}

std::vector<std::string> ImageWriters::failures() {
  const std::lock_guard lock(mutex_);
  return failures_;
}

void ImageWriters::write(unsigned seed) {
  std::mt19937 random(seed);
  std::unique_ptr<ports::Session> session;
  while (!stopping_) {
    // A pause between statements, so that the application is busy but does not own both cores.
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
    std::string sql = body_[random() % body_.size()];
    replace(sql, ":id", 1 + static_cast<std::int64_t>(random() % static_cast<unsigned>(rows_)));
    replace(sql, ":n", ++next_number);
    try {
      if (!session) session = scene_session(uri_, application_);
      const auto since = Clock::now();
      session->exec(sql);
      ++writes_;
      const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - since).count();
      for (std::int64_t known = longest_; took > known && !longest_.compare_exchange_weak(known, took);) {
      }
    } catch (const Error& error) {
      // What a trigger of two tables kept equal asks for; the next one is as good.
      if (error.sqlstate() == "40001" &&
          std::string(error.what()).find("which may be waiting for this one") != std::string::npos)
        continue;
      const std::lock_guard lock(mutex_);
      failures_.push_back(error.sqlstate() + " " + error.what() + ": " + sql);
    }
  }
}

}  // namespace switchback::tests
