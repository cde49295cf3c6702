// Index path: one index of one account, as every Vectorize call names it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "api/rules.h"
#include "base/result.h"
#include "catalog/usage_ledger.h"
#include "http/message.h"
#include "vectors/store.h"

namespace selvedge::api {

// The hosted service takes fewer vectors a call from a Worker's binding than over REST.
enum class VectorizeDoor : std::uint8_t { rest, binding };

// Lent for one call.
struct IndexPath {
  vectors::Store& store;
  std::string_view account;
  std::string_view name;
  const Rules& rules;
  VectorizeDoor door = VectorizeDoor::rest;
  std::optional<std::chrono::milliseconds> write_delay = std::nullopt;  // Of this call's write.
  catalog::UsageLedger* ledger = nullptr;                               // Null: nothing is booked.
};

// The request's header `selvedge-write-delay` ("30s"): readers see what it writes after that time,
// as with the server's --write-delay. Errors: query_invalid.
Result<std::optional<std::chrono::milliseconds>> write_delay_of(const http::Request& request);

// Books queries of the index, and how many vectors it has.
void book(const IndexPath& path, const vectors::Index& index, std::int64_t queries);

// It blocks. Errors, in Cloudflare's wording: index_not_found, index_deleted, io, corrupt_data.
Result<std::shared_ptr<vectors::Index>> find_index(const IndexPath& path);

// What is known of the index without loading it. It blocks. Errors: as find_index.
Result<vectors::IndexStatus> index_status(const IndexPath& path);

// {"mutationId":"<uuid>"} of what a write of the index gave; its errors in Cloudflare's wording.
Result<std::string> mutation_result(const IndexPath& path, const vectors::Index& index,
                                    Result<vectors::MutationNumber> written);

// The UUID by which the wire calls a mutation.
std::string mutation_id(const vectors::IndexDescription& index, vectors::MutationNumber number);

}  // namespace selvedge::api
