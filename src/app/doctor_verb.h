// `selvedge doctor`: is this machine ready, and what is missing.
#pragma once

#include "cli/context.h"

namespace CLI {
class App;
}

namespace selvedge::app {

// Adds `doctor`. Exit code 1 when something needed is missing.
void add_doctor_verb(CLI::App& app, cli::Context& context);

}  // namespace selvedge::app
