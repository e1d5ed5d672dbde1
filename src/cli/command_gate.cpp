#include <poll.h>

#include <array>

#include "command_images.hpp"
#include "render_images.hpp"
#include "switchback/core/units.hpp"
#include "switchback/engine/gating.hpp"
#include "switchback/postgres/image_asking.hpp"

namespace switchback::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::array formats{std::string_view("text"), std::string_view("github")};

struct GateOptions {
  GateKind kind = GateKind::deploy;
  std::string image;
  std::string format = "text";
  std::string wait;
};

/// Asks once; a connection that broke while it waits is made again.
class Asking {
 public:
  Asking(Invocation& invocation, const GateOptions& options) : invocation_(invocation), options_(options) {}

  GateAnswer ask() {
    if (!session_) session_ = invocation_.connected(true);  // the gate looks itself whether it can read the journal
    return engine::ask_gate(*session_, engine::horizon_rules(invocation_.settings()), options_.image, options_.kind,
                            asking_);
  }

  GateAnswer ask_until(Clock::time_point deadline) {
    constexpr std::chrono::milliseconds period{1000};
    for (;;) {
      std::optional<GateAnswer> answer;
      try {
        answer = ask();
        if (answer->verdict == GateVerdict::yes) return *answer;
      } catch (const Error& error) {
        if (error.remedy() != Remedy::reconnect || Clock::now() >= deadline) throw;
        session_.reset();
      }
      if (Clock::now() >= deadline && answer) return *answer;
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
      poll(nullptr, 0, static_cast<int>(std::clamp(left, std::chrono::milliseconds{0}, period).count()));
    }
  }

 private:
  Invocation& invocation_;
  const GateOptions& options_;
  std::unique_ptr<ports::Session> session_;
  postgres::ImageAsking asking_;
};

int ask(Invocation& invocation, const GateOptions& options) {
  require_one_of("--format", options.format, formats);
  std::chrono::milliseconds wait{0};
  if (!options.wait.empty()) {
    const auto duration = parse_duration(options.wait);
    if (!duration) throw usage_error("--wait cannot be '" + options.wait + "'", "it takes a duration: 30s, 5m");
    wait = *duration;
  }
  const GateAnswer answer = [&] {
    try {
      return Asking(invocation, options).ask_until(Clock::now() + wait);
    } catch (const Error& error) {
      if (options.format == "github" && !invocation.json())
        invocation.data(gate_github_failure(options.image, options.kind, error));
      throw;
    }
  }();
  if (invocation.json())
    invocation.data(gate_json(options.image, options.kind, answer));
  else if (options.format == "github")
    invocation.data(gate_github(options.image, options.kind, answer));
  else
    invocation.data(gate_text(options.image, options.kind, answer, invocation.out()));
  return static_cast<int>(answer.verdict == GateVerdict::yes ? Exit::done : Exit::refused);
}

void add_kind(CLI::App& gate, Action& chosen, GateKind kind, const Help& help) {
  CLI::App* command = add_command(gate, std::string(name(kind)), help);
  auto options = std::make_shared<GateOptions>();
  options->kind = kind;
  command->add_option("IMAGE", options->image, "the image's name")->type_name("")->required();
  command->add_option("--wait", options->wait, "ask again until it is a yes, for so long: 5m")->type_name("TIME");
  command->add_option("--format", options->format, "text, or github: annotations for GitHub Actions")
      ->type_name("FORM");
  on_call(command, chosen, options, ask);
}

}  // namespace

void add_gate(CLI::App& app, Action& chosen) {
  CLI::App* gate = add_command(
      app, "gate",
      {"May an image be deployed, or rolled back to? Exit 0: yes. Exit 3: no, or not known. Needs read rights only.",
       "switchback gate deploy shop:v42 --wait 5m\nswitchback gate rollback shop:v41 -o json",
       "a no names the command that makes it a yes, how long that takes, and images that are safe now."});
  add_kind(*gate, chosen, GateKind::deploy,
           {"Does everything the image needs exist, filled and under its name, and are its writes accepted?",
            "switchback gate deploy shop:v42 --wait 5m", "deploy it; switchback image deployed shop:v42."});
  add_kind(*gate, chosen, GateKind::rollback,
           {"The same, asked before kubectl rollout undo.", "switchback gate rollback shop:v41",
            "a no: run the remedy that it names, and ask again."});
}

}  // namespace switchback::cli
