// Access log: one line a request when its answer is whole, and the counts behind /metrics.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "http/message.h"

namespace selvedge::api {

struct RequestCounts {
  std::array<std::uint64_t, 6> by_class{};  // [2] = answers with a status of 200 to 299.
  std::uint64_t body_bytes = 0;             // Sent.
  std::uint64_t streams_open = 0;
};

// The path alone, cut and without the query, which may hold what a person typed.
std::string loggable_path(std::string_view target);

// Counts and logs `response` to "POST /path" begun at `begun`; a streamed one when its body is
// destroyed, with the bytes that went out until then. Never bodies. `counts` outlives the server.
// I/O thread only.
void record(RequestCounts& counts, const http::Request& request, http::Response& response,
            std::chrono::steady_clock::time_point begun);

}  // namespace selvedge::api
