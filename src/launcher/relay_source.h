// The relay Worker: the JavaScript that stands between a binding and the server.
#pragma once

#include <string_view>

namespace selvedge::launcher {

// The text of relay.js, an ES module whose default export is a WorkerEntrypoint. It finds
//   env.URL     where the server is, as people read it
//   env.<to>    for each external service, under the name that its callers give in their props
//   ctx.props   {"to", "kind": "ai" | "vectorize", "name": the binding's name in the Worker}
std::string_view relay_source();

}  // namespace selvedge::launcher
