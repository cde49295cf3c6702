// `selvedge env` and `selvedge init`: the environment of Workers, for a shell and for a `.env`
// file.
#pragma once

#include "cli/context.h"

namespace CLI {
class App;
}

namespace selvedge::cli {

// Adds `env` and `init`. `context` must outlive `app`.
void add_environment_verbs(CLI::App& app, Context& context);

}  // namespace selvedge::cli
