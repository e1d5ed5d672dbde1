#include "switchback/plan_file/inverse_file.hpp"

#include "sql_look.hpp"
#include "switchback/core/error.hpp"
#include "switchback/plan_file/plan_reader.hpp"
#include "switchback/plan_file/plan_writer.hpp"

namespace switchback {

Inverse inverse_plan(const Plan& plan, InverseFacts facts) {
  facts.bears_both = plan_file::bears_both_images;
  facts.as_drop_step = plan_file::as_drop_step;
  return inverse_of(plan, facts);
}

std::string inverse_file(const Plan& original, State state, const Inverse& inverse) {
  std::string text = inverse_comment(original, state, inverse) + to_yaml(inverse.plan);
  const ReadPlan read = read_plan(text, inverse.plan.name);
  if (read.plan) return text;
  std::string found;
  for (const Diagnostic& one : read.diagnostics) found += "\n" + render(one);
  throw Error(Exit::failed, Remedy::bug, "the plan that undoes " + original.name + " cannot be read:" + found,
              "write the undoing plan by hand");
}

}  // namespace switchback
