// Runner program: the command line and the life of a runner process, whatever its engine.
#pragma once

#include "engines/engine.h"

namespace selvedge::engines {

// usage: <program> --fd N | --version
// N is an open socket to the server. Confines the process, then runs the loop over N with `loader`.
// Returns the exit code: that of RunnerLoop, or 64 for a wrong command line.
int run_runner_program(int argument_count, char** arguments, const char* version, Loader loader);

}  // namespace selvedge::engines
