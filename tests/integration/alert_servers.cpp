#include "alert_servers.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <random>
#include <stdexcept>

#include "switchback/core/error.hpp"
#include "switchback/http/client.hpp"
#include "tool.hpp"

namespace switchback::tests {
namespace {

using namespace std::chrono_literals;

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int listening_socket() {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(0);
  if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || listen(listener, 16) != 0)
    throw std::runtime_error("no socket to listen on");
  return listener;
}

int port_of(int listener) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

void send_all(int connection, const std::string& text) {
  std::size_t sent = 0;
  while (sent < text.size()) {
    const ssize_t count = send(connection, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) return;
    sent += static_cast<std::size_t>(count);
  }
}

bool is_ready(const std::string& url) {
  try {
    return http::get({parse_url(url).url, "", "", 1s}).status == 200;
  } catch (const Error&) {
    return false;
  }
}

std::unique_ptr<process::Child> started(const std::vector<std::string>& argv, const std::string& folder,
                                        const std::string& ready) {
  auto child =
      std::make_unique<process::Child>(process::Command{.argv = argv, .directory = folder, .die_with_us = true});
  if (!eventually(30s, [&] { return is_ready(ready); }))
    throw std::runtime_error(argv.front() + " does not come up: " + child->err());
  return child;
}

/// As RFC 3339 has it, so far from now.
std::string moment(std::chrono::seconds from_now) {
  const std::time_t time = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now() + from_now);
  std::tm parts{};
  gmtime_r(&time, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

std::string alert_json(const std::string& alert, const std::string& instance, const std::string& times) {
  return R"([{"labels": {"alertname": ")" + alert + R"(", "instance": ")" + instance +
         R"("}, "annotations": {"summary": "said by a test"}, )" + times + "}]";
}

}  // namespace

int free_port() {
  const int listener = listening_socket();
  const int port = port_of(listener);
  close(listener);
  return port;
}

Folder::Folder() {
  std::random_device random;
  path_ = (std::filesystem::temp_directory_path() / ("switchback-alerts-" + std::to_string(random()))).string();
  std::filesystem::create_directory(path_);
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void Folder::write(const std::string& name, const std::string& text) const {
  std::ofstream(path_ + "/" + name) << text;
}

Alertmanager::Alertmanager() : port_(free_port()) {
  folder_.write("alertmanager.yml", "route: { receiver: none }\nreceivers: [ { name: none } ]\n");
  start_empty();
}

void Alertmanager::start_empty() {
  process_ = started(
      {"prometheus-alertmanager", "--config.file=alertmanager.yml", "--storage.path=data" + std::to_string(++lives_),
       "--cluster.listen-address=", "--web.listen-address=127.0.0.1:" + std::to_string(port_)},
      folder_.path(), url() + "/-/ready");
}

void Alertmanager::kill() {
  process_->signal(SIGKILL);
  process_->wait(10s);
}

void Alertmanager::post(const std::string& path, const std::string& json) const {
  const int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port_);
  std::string answer;
  if (connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    send_all(connection, "POST " + path +
                             " HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\n" +
                             "Content-Length: " + std::to_string(json.size()) + "\r\n\r\n" + json);
    std::array<char, 4096> buffer{};
    for (ssize_t count = 0; (count = recv(connection, buffer.data(), buffer.size(), 0)) > 0;)
      answer.append(buffer.data(), static_cast<std::size_t>(count));
  }
  close(connection);
  if (!answer.starts_with("HTTP/1.1 200"))
    throw std::runtime_error("Alertmanager does not take " + json + ": " + answer);
}

void Alertmanager::fires(const std::string& alert, const std::string& instance) {
  post("/api/v2/alerts",
       alert_json(alert, instance, R"("startsAt": ")" + moment(-60s) + R"(", "endsAt": ")" + moment(3600s) + "\""));
}

void Alertmanager::resolved(const std::string& alert, const std::string& instance) {
  post("/api/v2/alerts",
       alert_json(alert, instance, R"("startsAt": ")" + moment(-60s) + R"(", "endsAt": ")" + moment(-1s) + "\""));
}

void Alertmanager::silence(const std::string& alert) {
  post("/api/v2/silences", R"({"matchers": [{"name": "alertname", "value": ")" + alert +
                               R"(", "isRegex": false, "isEqual": true}], "startsAt": ")" + moment(0s) +
                               R"(", "endsAt": ")" + moment(3600s) +
                               R"(", "createdBy": "a test", "comment": "known"})");
}

WebPage::WebPage() : listener_(listening_socket()) {
  port_ = port_of(listener_);
  says(200, "fine\n");
  thread_ = std::thread([this] { serve(); });
}

WebPage::~WebPage() {
  ending_ = true;
  thread_.join();
  close(listener_);
}

void WebPage::says(int status, const std::string& body, const std::string& header) {
  const std::lock_guard lock(mutex_);
  hanging_ = false;
  answer_ = "HTTP/1.1 " + std::to_string(status) + " So\r\nContent-Type: text/plain\r\nConnection: close\r\n" + header +
            "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

void WebPage::hangs() {
  hanging_ = true;
}

std::string WebPage::last_request() {
  const std::lock_guard lock(mutex_);
  return request_;
}

void WebPage::serve() {
  while (!ending_) {
    pollfd waiting{listener_, POLLIN, 0};
    if (poll(&waiting, 1, 50) <= 0) continue;
    const int connection = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) continue;
    answer(connection);
    close(connection);
  }
}

void WebPage::answer(int connection) {
  std::string request;
  std::array<char, 4096> buffer{};
  while (request.find("\r\n\r\n") == std::string::npos) {
    pollfd waiting{connection, POLLIN, 0};
    if (poll(&waiting, 1, 1000) <= 0) return;
    const ssize_t count = recv(connection, buffer.data(), buffer.size(), 0);
    if (count <= 0) return;
    request.append(buffer.data(), static_cast<std::size_t>(count));
  }
  while (hanging_ && !ending_) {
    // Until whoever asked has had enough.
    pollfd waiting{connection, POLLIN, 0};
    if (poll(&waiting, 1, 50) > 0) return;
  }
  std::string text;
  {
    const std::lock_guard lock(mutex_);
    request_ = request;
    text = answer_;
  }
  send_all(connection, text);
}

Prometheus::Prometheus(const WebPage& page) : port_(free_port()) {
  folder_.write("prometheus.yml",
                "global: { scrape_interval: 200ms, scrape_timeout: 200ms }\n"
                "scrape_configs: [ { job_name: page, static_configs: [ { targets: ['" +
                    page.address() + "'] } ] } ]\n");
  process_ = started({"prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data",
                      "--web.listen-address=127.0.0.1:" + std::to_string(port_)},
                     folder_.path(), url() + "/-/ready");
}

}  // namespace switchback::tests
