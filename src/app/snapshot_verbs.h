// `selvedge snapshot create | restore`: the vectors of a data folder, as they were at one moment.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "cli/context.h"

namespace CLI {
class App;
}

namespace selvedge::app {

// Adds both verbs. `context` must outlive `app`.
void add_snapshot_verbs(CLI::App& app, cli::Context& context);

// Writes `folder` with `vectors/` and, where there is one, `catalog.db`. A server that has the data
// folder is asked for the vectors; it goes on serving. Errors: already_exists, unavailable (the
// folder is in use by something that does not answer at the context's URL), io, corrupt_data.
Status create_snapshot(const cli::Context& context, const std::filesystem::path& folder);

// Puts the vectors of a snapshot in the place of the data folder's, which are kept beside as
// `vectors.replaced`; `catalog.db` goes along where the data folder has none. The snapshot stays.
// Errors: not_found (no snapshot), unavailable (the data folder is in use), already_exists (vectors
// are there and `replace` is false, or `vectors.replaced` is), io, corrupt_data.
Status restore_snapshot(const std::filesystem::path& home, const std::filesystem::path& folder,
                        bool replace);

}  // namespace selvedge::app
