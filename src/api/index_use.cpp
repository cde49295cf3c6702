// Index use: pools and bounds.
#include "api/index_use.h"

#include "base/limits.h"

namespace selvedge::api {

boost::asio::thread_pool& pool_for(const ApiContext& context, IndexUse use) {
  const bool reads = use == IndexUse::reads || context.write_pool == nullptr;
  return reads ? context.pool : *context.write_pool;
}

std::size_t body_bytes_max(const ApiContext& context, IndexUse use) {
  return use == IndexUse::writes_vectors ? context.rules.write_bytes_max
                                         : limits::json_body_bytes_max;
}

}  // namespace selvedge::api
