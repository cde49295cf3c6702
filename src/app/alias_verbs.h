// The verbs `alias add|list|remove`: further names of models.
#pragma once

#include <CLI/App.hpp>

#include "cli/context.h"

namespace selvedge::app {

void add_alias_verbs(CLI::App& app, cli::Context& context);

}  // namespace selvedge::app
