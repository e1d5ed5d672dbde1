#include "switchback/core/url.hpp"

#include "catch.hpp"

using namespace switchback;

TEST_CASE("an address is taken apart into what a request needs", "[url]") {
  CHECK(parse_url("http://alerts:9093").url == Url{false, "alerts", 9093, "/"});
  CHECK(parse_url("https://shop.example/health?deep=1").url == Url{true, "shop.example", 443, "/health?deep=1"});
  CHECK(parse_url("http://[::1]:80/x").url == Url{false, "::1", 80, "/x"});
  CHECK(parse_url("http://a?b").url == Url{false, "a", 80, "/?b"});
  CHECK(authority(parse_url("https://a:443").url) == "a");
  CHECK(authority(parse_url("https://a:80").url) == "a:80");
  CHECK(authority(parse_url("http://[::1]:9/").url) == "[::1]:9");
}

TEST_CASE("what is no address that can be asked is refused with why", "[url]") {
  for (const char* text : {"alerts:9093", "ftp://a", "http://", "http://:80", "http://a:0", "http://a:65536",
                           "http://a:", "http://a:8o", "http://a/b c", "http://a/\r\nHost: b", "http://ä",
                           "http://a/#b", "http://[::1", "http://[::1]x", "http://a;b"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_url(text).why_not.empty());
  }
  CHECK(parse_url("http://me:secret@a").why_not.find("token_env") != std::string::npos);
}

TEST_CASE("a user and a password in an address are never shown", "[url]") {
  CHECK(masked_url("http://me:secret@a/b?c") == "http://***@a/b?c");
  CHECK(masked_url("http://me:se@cret@a") == "http://***@a");
  CHECK(masked_url("me:secret@a") == "***@a");
  CHECK(masked_url("http://a/b@c") == "http://a/b@c");
}

TEST_CASE("what goes into a query is escaped byte by byte", "[url]") {
  CHECK(percent_encoded("aZ09-._~") == "aZ09-._~");
  CHECK(percent_encoded(R"(alertname=~"Postgres.*Lag")") == "alertname%3D~%22Postgres.%2ALag%22");
  CHECK(percent_encoded("a+b & c/ä%") == "a%2Bb%20%26%20c%2F%C3%A4%25");
}

TEST_CASE("base64 pads to groups of four", "[url]") {
  CHECK(base64("").empty());
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("Aladdin:open sesame") == "QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  CHECK(base64("\xff\xfe\xfd") == "//79");
}
