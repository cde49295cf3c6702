// Index use: what a call does with an index decides where it waits and how long its body may be.
#pragma once

#include <cstddef>
#include <cstdint>

#include "api/context.h"

namespace selvedge::api {

enum class IndexUse : std::uint8_t { reads, writes, writes_vectors };

// Both for as long as the context lives.
boost::asio::thread_pool& pool_for(const ApiContext& context, IndexUse use);
std::size_t body_bytes_max(const ApiContext& context, IndexUse use);

}  // namespace selvedge::api
