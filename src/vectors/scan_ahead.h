// Scan ahead: a long scan of the database, read by a thread of its own.
#pragma once

#include <string_view>

#include "vectors/database.h"

namespace selvedge::vectors {

// As Database::scan of the whole range: `visit` is called in the caller's thread, while another one
// reads some megabytes ahead of it. Errors: as there.
Status scan_ahead(const Database& database, std::string_view begin, std::string_view end,
                  const Database::Visit& visit);

}  // namespace selvedge::vectors
