/// Concurrent writers of one image, from a scenario's SQL: what they were told is committed is in the ledger.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "scenario.hpp"
#include "switchback/ports/session.hpp"

namespace switchback::tests {

/// The ledger: the table scene.wrote (seq, id, value), to which a writer adds a line in the transaction that writes a
/// row, after the row is locked; so the order of seq is the order of that row's writes. scene.last is the last line of
/// each id; a value of NULL: the row was deleted.
void make_ledger(const std::string& uri);

/// As an application has it, with its usual search_path.
std::unique_ptr<ports::Session> scene_session(const std::string& uri, const std::string& application_name);

class ImageWriters {
 public:
  /// Two sessions, each doing one block after the other until stop().
  ImageWriters(std::string uri, std::string application, const Body& body, int rows, unsigned seed);
  ~ImageWriters();
  ImageWriters(const ImageWriters&) = delete;
  ImageWriters& operator=(const ImageWriters&) = delete;

  void stop();
  std::int64_t writes() const { return writes_; }  ///< transactions that were acknowledged
  std::chrono::milliseconds longest() const { return std::chrono::milliseconds(longest_); }  ///< of any of them
  std::vector<std::string> failures();

 private:
  void write(unsigned seed);

  std::string uri_, application_;
  const Body& body_;
  int rows_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::int64_t> writes_{0}, longest_{0};
  std::mutex mutex_;
  std::vector<std::string> failures_;
  std::vector<std::thread> threads_;
};

}  // namespace switchback::tests
