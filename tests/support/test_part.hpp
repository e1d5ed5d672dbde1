#pragma once

#include <cstddef>

namespace switchback::tests {

/// Which part of the tests this process runs, of how many, from SWITCHBACK_TEST_PART ("2/3"); the first of one where
/// nobody has said so.
struct TestPart {
  std::size_t index = 1;
  std::size_t count = 1;
};
TestPart test_part();

/// A case tagged [shared] runs in every part, and takes from what it goes through only what is at that part's places.
bool is_of_this_part(std::size_t place);

}  // namespace switchback::tests
