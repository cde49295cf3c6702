// Redirected config: a configuration of workerd whose AI and Vectorize bindings lead to the server.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "launcher/server_place.h"

namespace selvedge::launcher {

// `message` is a Config of workerd.capnp, unpacked, with its segment table, as `workerd serve
// --binary` reads it.
//
// In every Worker, each binding that wraps `cloudflare-internal:ai-api` or
// `cloudflare-internal:vectorize-api` gets another inner `fetcher`: the relay Worker
// (relay_source.h), which passes requests to an external service that adds
//   mf-binding         the binding's name; of Miniflare's "MINIFLARE_PROXY:type:worker:name" the
//   last part selvedge-index     of Vectorize, the inner `indexId` selvedge-account, authorization
//   where `place` has them
// The relay and these services are appended; their names begin with "selvedge:". Everything else
// stays as it is, fields of newer schemas included.
//
// nullopt: there is nothing to redirect, it has been done before, or it is no such message; then it
// is to be used unchanged. Never throws; takes a few times the memory of the message.
std::optional<std::string> redirected_config(std::span<const std::byte> message,
                                             const ServerPlace& place);

}  // namespace selvedge::launcher
