/// Where the sources are. One file alone is compiled with the path, so that a compiler's cache serves every clone.
#pragma once

#include <filesystem>

namespace switchback::tests {

std::filesystem::path source_folder();

}  // namespace switchback::tests
