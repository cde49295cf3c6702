// `selvedge serve` and `selvedge bot`: start the server, with or without the bot's door.
#pragma once

#include "cli/context.h"

namespace CLI {
class App;
}

namespace selvedge::app {

// Adds `serve` and `bot`. `context` must outlive `app`.
void add_serve_verbs(CLI::App& app, cli::Context& context);

}  // namespace selvedge::app
