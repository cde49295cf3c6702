// `selvedge run`: one call of a model of the running server.
#pragma once

#include "cli/context.h"

namespace CLI {
class App;
}

namespace selvedge::cli {

// Adds `run`. `context` must outlive `app`.
void add_run_verb(CLI::App& app, Context& context);

}  // namespace selvedge::cli
