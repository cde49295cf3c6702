// Finetune verbs: create, list, delete: LoRA adapters of the server's account.
#pragma once

#include "cli/context.h"

namespace CLI {
class App;
}

namespace selvedge::cli {

void add_finetune_verbs(CLI::App& app, Context& context);

}  // namespace selvedge::cli
