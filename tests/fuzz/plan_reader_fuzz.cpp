// Whatever the bytes are, the readers answer with a plan or with diagnostics; and what they take, they take again after
// it has been written.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "switchback/core/change.hpp"
#include "switchback/core/error.hpp"
#include "switchback/plan_file/config_reader.hpp"
#include "switchback/plan_file/plan_reader.hpp"
#include "switchback/plan_file/plan_writer.hpp"

using namespace switchback;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

Plan long_form(const Plan& plan) {
  try {
    return expand_changes(plan, {});
  } catch (const Error&) {
    return plan;  // a change that cannot be expressed
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const ReadPlan read = read_plan(text, "fuzz");
  require(read.plan.has_value() == !has_errors(read.diagnostics));
  for (const Diagnostic& diagnostic : read.diagnostics) require(!render(diagnostic).empty());
  if (read.plan) {
    for (const Plan& plan : {*read.plan, long_form(*read.plan)}) {
      const std::string yaml = to_yaml(plan);
      const ReadPlan again = read_plan(yaml, "again");
      require(again.plan.has_value() && to_yaml(*again.plan) == yaml);
    }
  }
  for (const Diagnostic& diagnostic : read_config(text, "fuzz").diagnostics) require(!render(diagnostic).empty());
  return 0;
}
