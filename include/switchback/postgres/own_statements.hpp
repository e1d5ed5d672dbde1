/// The mark on what switchback runs.
#pragma once

#include <string>
#include <string_view>

namespace switchback::postgres {

/// `sql` with own_mark in each of its statements that has none. What stands in quotes, also a function's body, is left.
std::string with_own_marks(std::string_view sql);

}  // namespace switchback::postgres
