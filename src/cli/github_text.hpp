/// Annotations for GitHub Actions, as the documentation of workflow commands has them. Private to the command line.
#pragma once

#include <string>
#include <string_view>

namespace switchback::cli {

inline std::string github_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '%')
      out += "%25";
    else if (c == '\r')
      out += "%0D";
    else if (c == '\n')
      out += "%0A";
    else
      out += c;
  }
  return out;
}

/// A comma or a colon would end the property.
inline std::string github_property(std::string_view text) {
  std::string property;
  for (const char c : github_escaped(text)) property += c == ':' ? "%3A" : c == ',' ? "%2C" : std::string(1, c);
  return property;
}

}  // namespace switchback::cli
