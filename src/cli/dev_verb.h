// `selvedge dev`: a server, the indexes, and the project's own `wrangler dev`.
#pragma once

#include <string>
#include <vector>

#include "cli/context.h"

namespace CLI {
class App;
}

namespace selvedge::cli {

// Adds `dev`. `arguments` is what stands behind the verb: it is wrangler's language, so the parser
// of the other verbs never sees it. Both must outlive `app`. The exit code is wrangler's.
void add_dev_verb(CLI::App& app, Context& context, const std::vector<std::string>& arguments);

}  // namespace selvedge::cli
