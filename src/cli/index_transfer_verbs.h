// `selvedge index import | export | copy`: many vectors at once.
#pragma once

#include "cli/context.h"

namespace CLI {
class App;
}

namespace selvedge::cli {

// Adds them to the group `index`. `context` must outlive it.
void add_index_transfer_verbs(CLI::App& group, Context& context);

}  // namespace selvedge::cli
