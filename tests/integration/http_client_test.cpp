#include "alert_servers.hpp"
#include "catch.hpp"
#include "plan_view.hpp"
#include "switchback/core/error.hpp"
#include "switchback/http/client.hpp"
#include "tool.hpp"

using namespace switchback;
using namespace switchback::tests;
using namespace std::chrono_literals;

namespace {

http::HttpRequest request_for(const std::string& url) {
  http::HttpRequest request;
  request.url = parse_url(url).url;
  return request;
}

std::string failure_of(const http::HttpRequest& request) {
  try {
    http::get(request);
  } catch (const Error& error) {
    CHECK(error.exit() == Exit::unreachable);
    return error.what();
  }
  return "";
}

/// openssl's own server, with a certificate that it has signed itself, for the name localhost alone.
struct TlsPage {
  Folder folder;
  int port = free_port();
  std::unique_ptr<process::Child> server;

  TlsPage() {
    const auto made = process::run(
        {.argv = {"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem",
                  "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"},
         .directory = folder.path()},
        60s);
    INFO(made.err);
    REQUIRE(made.ok());
    server = std::make_unique<process::Child>(
        process::Command{.argv = {"openssl", "s_server", "-accept", "127.0.0.1:" + std::to_string(port), "-cert",
                                  "cert.pem", "-key", "key.pem", "-www"},
                         .directory = folder.path(),
                         .die_with_us = true});
  }
  http::HttpRequest request(const std::string& host) const {
    auto request = request_for("https://" + host + ":" + std::to_string(port) + "/");
    request.ca = folder.path() + "/cert.pem";
    return request;
  }
};

}  // namespace

TEST_CASE("an answer comes with status and body, redirects are not followed", "[http]") {
  WebPage page;
  page.says(200, "fine\n");
  CHECK(http::get(request_for(page.url() + "/a?b=c")).body == "fine\n");
  CHECK(has(page.last_request(), "GET /a?b=c HTTP/1.1\r\nHost: " + page.address() + "\r\n"));
  CHECK_FALSE(has(page.last_request(), "Authorization"));
  page.says(302, "", "Location: " + page.url() + "/elsewhere\r\n");
  CHECK(http::get(request_for(page.url() + "/here")).status == 302);
  CHECK(has(page.last_request(), "GET /here "));
}

TEST_CASE("a server that hangs, is not there or says too much is an error", "[http]") {
  WebPage page;
  auto request = request_for(page.url());
  request.timeout = 300ms;
  page.hangs();
  const auto begin = std::chrono::steady_clock::now();
  CHECK(failure_of(request) == "no answer within 0.3 s");
  CHECK(std::chrono::steady_clock::now() - begin < 2s);
  request.timeout = 10s;
  page.says(200, std::string(4 << 20, 'a'));
  CHECK(http::get(request).body.size() == 4 << 20);
  page.says(200, std::string((4 << 20) + 1, 'a'));
  CHECK(has(failure_of(request), "body limit exceeded"));
  CHECK(has(failure_of(request_for("http://127.0.0.1:" + std::to_string(free_port()))), "refused"));
}

TEST_CASE("with https the server must prove its name to somebody whom we trust", "[http]") {
  const TlsPage page;
  REQUIRE(eventually(30s, [&] { return failure_of(page.request("localhost")).empty(); }));
  const auto answer = http::get(page.request("localhost"));
  CHECK(answer.status == 200);
  CHECK(has(answer.body, "TLSv1."));
  CHECK(has(failure_of(page.request("127.0.0.1")), "certificate verify failed"));
  auto trusting_nobody = page.request("localhost");
  trusting_nobody.ca.clear();
  CHECK(has(failure_of(trusting_nobody), "certificate verify failed"));
  trusting_nobody.ca = "/nowhere.pem";
  CHECK(has(failure_of(trusting_nobody), "/nowhere.pem cannot be read"));
}
