/// One request at a time.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "switchback/core/url.hpp"

namespace switchback::http {

struct HttpRequest {
  Url url;
  std::string authorization;                ///< the header's value; empty: none. Never repeated in an error
  std::string ca;                           ///< a file of certificates to trust beside the system's
  std::chrono::milliseconds timeout{2000};  ///< for all of it: name, connection, handshake, answer
  bool only_ca = false;                     ///< the system's certificates are not trusted
};

struct HttpAnswer {
  int status = 0;
  std::string body;  ///< at most 4 MiB: more is an error
};

/// Blocks; from any thread. Redirects are answers like any other. With https the server must prove its name. Error
/// (Exit::unreachable, Remedy::retry) when there is no whole answer, in a few words that fit behind the address.
HttpAnswer get(const HttpRequest& request);

struct HttpBody {
  std::string type;  ///< "application/json"
  std::string text;
  std::vector<std::pair<std::string, std::string>> headers;  ///< beside those that every request has
};
/// As get.
HttpAnswer post(const HttpRequest& request, const HttpBody& body);

/// HMAC-SHA-256 (RFC 2104) in lower-case hex.
std::string hmac_sha256(const std::string& key, const std::string& text);

}  // namespace switchback::http
