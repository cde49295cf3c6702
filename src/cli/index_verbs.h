// `selvedge index …`: Vectorize indexes of the running server.
#pragma once

#include "cli/context.h"

namespace CLI {
class App;
}

namespace selvedge::cli {

// Adds `index create|list|get|info|delete`, `tune`, and those of index_transfer_verbs.h. `context`
// must outlive `app`.
void add_index_verbs(CLI::App& app, Context& context);

}  // namespace selvedge::cli
