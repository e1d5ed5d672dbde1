/// A file that is there whole or not at all. Private to the command line.
#pragma once

#include <string>
#include <string_view>

namespace switchback::cli {

/// Writes the file for its owner alone (0600), in place of what was there, by way of a file beside it that is renamed
/// once it is on disk. Error(Exit::failed) that names the path; then what was there is untouched.
void write_private_file(const std::string& path, std::string_view text);

}  // namespace switchback::cli
