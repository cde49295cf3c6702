// Snapshot route: POST /snapshots/{name}, the vectors' folder as it is at one moment.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "api/context.h"
#include "api/router.h"
#include "http/message.h"

namespace selvedge::api {

// Makes the folder `name` (letters, digits, '-' and '_', 64 at most) among the server's snapshots:
// callers choose no path. Writes go on meanwhile. -> {"folder"}, absolute. Errors, in the plain
// form: invalid_input, already_exists, io.
boost::asio::awaitable<http::Response> make_snapshot(const ApiContext& context,
                                                     const PathParameters& parameters);

}  // namespace selvedge::api
