// CommandLine: all verbs in one tree.
#pragma once

namespace selvedge::app {

// Parses and runs. Exit codes: 0 done, 1 the verb failed, 2 a wrong command line.
int run_command_line(int argc, char** argv);

}  // namespace selvedge::app
