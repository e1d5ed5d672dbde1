#include "switchback/cli/command_line.hpp"

int main(int argc, char** argv) {
  return switchback::cli::run_command_line(argc, argv);
}
