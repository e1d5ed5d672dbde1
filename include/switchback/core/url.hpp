/// Web addresses, as far as probes need them. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace switchback {

struct Url {
  bool tls = false;
  std::string host;  ///< without the brackets of an IPv6 address
  std::uint16_t port = 80;
  std::string target = "/";  ///< path and query, as they go into the request line
  bool operator==(const Url&) const = default;
};

struct ParsedUrl {
  Url url;
  std::string why_not;  ///< empty when it is one
};
/// http:// or https:// only; no user or password (they would end up in logs), no fragment, nothing that would have to
/// be escaped.
ParsedUrl parse_url(std::string_view text);

/// Everything but letters, digits and `-._~` as %XX (RFC 3986, 2.3).
std::string percent_encoded(std::string_view text);

/// For messages: what stands between `//` and `@` replaced by `***`.
std::string masked_url(std::string_view text);

/// `host:port` for messages and for the Host header, the port left out where it is the usual one.
std::string authority(const Url& url);

/// RFC 4648, with padding.
std::string base64(std::string_view bytes);

}  // namespace switchback
