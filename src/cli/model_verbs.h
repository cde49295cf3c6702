// `selvedge pull | import | list | show | rm | unbind`: the models of this machine. They work on
// the home folder, with or without a running server, which sees what they change at once.
#pragma once

#include <memory>

#include "base/result.h"
#include "catalog/catalog.h"
#include "cli/context.h"

namespace CLI {
class App;
}

namespace selvedge::cli {

// Adds the six verbs. `context` must outlive `app`.
void add_model_verbs(CLI::App& app, Context& context);

// The catalogue of the context's home under its profile, with its aliases. Errors: as
// Catalog::open.
Result<std::unique_ptr<catalog::Catalog>> open_catalog(const Context& context);

}  // namespace selvedge::cli
