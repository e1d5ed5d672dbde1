#include "command.hpp"
#include "switchback/daemon/brownout_guard.hpp"

namespace switchback::cli {
namespace {

struct GuardOptions {};

int guard(Invocation&, const GuardOptions&) {
  return daemon::stand_guard();
}

}  // namespace

void add_brownout_guard(CLI::App& app, Action& chosen) {
  CLI::App* command =
      add_command(app, "brownout-guard",
                  {"The second process of a brownout, which gives the privileges back when the runner is dead.",
                   "switchback run plans/drop-column-brownout.yaml --to contracted --wait",
                   "nothing: switchback run starts it by itself, and it ends by itself."});
  command->group("");  // not for people
  on_call(command, chosen, std::make_shared<GuardOptions>(), guard);
}

}  // namespace switchback::cli
