// selvedge: server and command line in one program.
#include <csignal>

#include "app/command_line.h"

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // A closed pipe or socket is an error value, not the end.
  return selvedge::app::run_command_line(argc, argv);
}
