// Service: the running server: everything wired together, from start to signal.
#pragma once

#include "app/serve_options.h"
#include "base/result.h"

namespace selvedge::app {

// Starts the server, prints where it listens (one line `listening on http://127.0.0.1:PORT` on
// stdout; with the bot also `bot on http://127.0.0.1:PORT`), and returns when SIGINT or SIGTERM
// ended it cleanly, within 5 s. Errors: io (port taken, folder not writable), unavailable (another
// server uses the folder), corrupt_data.
Status run_service(const ServeOptions& options);

}  // namespace selvedge::app
