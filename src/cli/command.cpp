#include "command.hpp"

#include <array>

#include "switchback/core/nearest.hpp"

namespace switchback::cli {
namespace {

constexpr std::array despites{std::string_view("horizon"), std::string_view("usage"), std::string_view("loss"),
                              std::string_view("backup"), std::string_view("approval")};

std::string indented(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if (!out.empty()) out += "\n";
    if (end > at) out += "  " + text.substr(at, end - at);
    at = end + 1;
  }
  return out;
}

}  // namespace

CLI::App* add_command(CLI::App& parent, const std::string& name, const Help& help) {
  CLI::App* command = parent.add_subcommand(name, help.what);
  command->footer("Example:\n" + indented(help.example) + "\n\nNext:\n" + indented(help.next) +
                  "\n\nFlags that go everywhere (-d, -c, -o, -y, -q, -v …): switchback --help");
  return command;
}

void require_one_of(std::string_view what, std::string_view text, std::span<const std::string_view> known) {
  if (std::ranges::find(known, text) != known.end()) return;
  std::string all;
  for (const std::string_view one : known) all += (all.empty() ? "" : ", ") + std::string(one);
  const auto near = nearest(text, known);
  throw usage_error(std::string(what) + " cannot be '" + std::string(text) + "'",
                    (near ? "did you mean " + *near + "? It takes " : "it takes ") + all);
}

void add_despite(CLI::App* command, DespiteOptions& options) {
  command
      ->add_option("--despite", options.what, "override by name: horizon, usage, loss, backup or approval; on record")
      ->type_name("WHAT")
      ->expected(1)
      ->take_all();
  command->add_option("--reason", options.reason, "why; on record")->type_name("TEXT");
}

std::vector<daemon::Despite> checked(const DespiteOptions& options) {
  std::vector<daemon::Despite> result;
  for (const std::string& what : options.what) {
    require_one_of("--despite", what, despites);
    if (options.reason.empty()) throw usage_error("--despite " + what + " needs --reason", "say why: it is on record");
    result.push_back({what, options.reason});
  }
  return result;
}

}  // namespace switchback::cli
