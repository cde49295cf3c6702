// `selvedge add` and `selvedge ask`: the RAG bot from the command line.
#pragma once

#include "cli/context.h"

namespace CLI {
class App;
}

namespace selvedge::cli {

// Adds `add` and `ask`. `context` must outlive `app`.
void add_knowledge_verbs(CLI::App& app, Context& context);

}  // namespace selvedge::cli
