// Inline work: what is quick is done where it stands, what is long on the pool.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include "base/offload.h"

namespace selvedge::api {

// What takes longer than about a millisecond leaves the I/O thread.
inline constexpr std::size_t kInlineBodyBytes = 64 * 1024;  // Of JSON to read.
inline constexpr std::size_t kInlineValues = 8 * 1024;      // Floats to write as JSON.

// The result of `work`, whose effort is `size`. `work` is as for offload().
template <class Work>
asio::awaitable<std::invoke_result_t<Work&>> inline_or_offload(asio::thread_pool& pool,
                                                               std::size_t size,
                                                               std::size_t inline_max, Work work) {
  if (size <= inline_max) co_return work();
  auto result = co_await offload(pool, std::move(work));
  co_return std::move(result);
}

}  // namespace selvedge::api
