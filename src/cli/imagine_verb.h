// The verb that draws: "imagine".
#pragma once

#include "cli/context.h"

namespace CLI {
class App;
}

namespace selvedge::cli {

void add_imagine_verb(CLI::App& app, Context& context);

}  // namespace selvedge::cli
