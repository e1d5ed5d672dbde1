/// Real alert sources for tests: Debian's Alertmanager and Prometheus, on free ports in folders of their own, and a web
/// page that says what a test wants.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "switchback/process/child.hpp"

namespace switchback::tests {

/// A port of 127.0.0.1 that nobody listens on.
int free_port();

/// A folder that goes with the object.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::string& path() const { return path_; }
  void write(const std::string& name, const std::string& text) const;

 private:
  std::string path_;
};

class Alertmanager {
 public:
  Alertmanager();  ///< runs and is ready
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  void fires(const std::string& alert, const std::string& instance);
  void resolved(const std::string& alert, const std::string& instance);
  void silence(const std::string& alert);

  void kill();
  /// With nothing in its memory.
  void start_empty();

 private:
  void post(const std::string& path, const std::string& json) const;
  Folder folder_;
  int port_ = 0;
  int lives_ = 0;
  std::unique_ptr<process::Child> process_;
};

/// One thread, one connection at a time, one answer to everybody.
class WebPage {
 public:
  WebPage();
  ~WebPage();
  WebPage(const WebPage&) = delete;
  WebPage& operator=(const WebPage&) = delete;
  std::string url() const { return "http://" + address(); }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  void says(int status, const std::string& body, const std::string& header = "");
  /// Takes connections and says nothing, until it says something again.
  void hangs();
  std::string last_request();

 private:
  void serve();
  void answer(int connection);
  int port_ = 0;
  int listener_ = -1;
  std::atomic<bool> ending_{false};
  std::atomic<bool> hanging_{false};
  std::mutex mutex_;
  std::string answer_, request_;
  std::thread thread_;
};

/// Scrapes `page` five times a second.
class Prometheus {
 public:
  explicit Prometheus(const WebPage& page);
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  void kill() { process_.reset(); }

 private:
  Folder folder_;
  int port_ = 0;
  std::unique_ptr<process::Child> process_;
};

}  // namespace switchback::tests
