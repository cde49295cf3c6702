// The verbs `upstream add|list|remove|check`: remote servers that answer for model ids.
#pragma once

#include <CLI/App.hpp>

#include "cli/context.h"

namespace selvedge::app {

void add_upstream_verbs(CLI::App& app, cli::Context& context);

}  // namespace selvedge::app
