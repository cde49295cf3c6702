// Markdown verb: `selvedge markdown`, files into Markdown.
#pragma once

#include "cli/context.h"

namespace CLI {
class App;
}

namespace selvedge::cli {

void add_markdown_verb(CLI::App& app, Context& context);

}  // namespace selvedge::cli
