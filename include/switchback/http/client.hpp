/// One GET at a time, for probes.
#pragma once

#include <chrono>
#include <string>

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

}  // namespace switchback::http
