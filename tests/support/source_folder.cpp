#include "source_folder.hpp"

namespace switchback::tests {

std::filesystem::path source_folder() {
  return SWITCHBACK_SOURCE_DIR;
}

}  // namespace switchback::tests
