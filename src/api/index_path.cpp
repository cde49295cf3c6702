// Index path: from the name to the index, and from a mutation to its UUID.
#include "api/index_path.h"

#include <utility>

#include "api/json_writer.h"
#include "api/vectorize_errors.h"
#include "base/duration.h"
#include "base/limits.h"
#include "base/uuid.h"

namespace selvedge::api {

Result<std::optional<std::chrono::milliseconds>> write_delay_of(const http::Request& request) {
  constexpr std::string_view kName = "selvedge-write-delay";
  using Delay = std::optional<std::chrono::milliseconds>;
  if (!request.headers.has(kName)) return Delay();
  auto delay = parse_duration(request.headers.get(kName));
  if (delay.ok() && delay->count() <= limits::kit_delay_ms_max) return Delay(*delay);
  std::string message(kName);
  message += ": ";
  message += delay.ok() ? "longer than 1h" : delay.error().message;
  return Error{Code::query_invalid, std::move(message)};
}

Result<std::shared_ptr<vectors::Index>> find_index(const IndexPath& path) {
  auto found = path.store.find(path.account, path.name);
  if (!found.ok()) return reworded(std::move(found.error()), path.name);
  if (path.write_delay) return (*found)->delayed(*path.write_delay);
  return found;
}

void book(const IndexPath& path, const vectors::Index& index, std::int64_t queries) {
  if (path.ledger == nullptr) return;
  catalog::VectorUse use;
  use.queries = queries;
  use.dimensions = index.description().config.dimensions;
  use.vectors_most = static_cast<std::int64_t>(index.stats().vector_count);
  path.ledger->add(path.account, path.name, use);
}

Result<vectors::IndexStatus> index_status(const IndexPath& path) {
  auto known = path.store.status(path.account, path.name);
  if (!known.ok()) return reworded(std::move(known.error()), path.name);
  return known;
}

Result<std::string> mutation_result(const IndexPath& path, const vectors::Index& index,
                                    Result<vectors::MutationNumber> written) {
  if (!written.ok()) return reworded(std::move(written.error()), path.name);
  book(path, index, 0);
  std::string result = "{\"mutationId\":";
  append_string(result, mutation_id(index.description(), *written));
  result += '}';
  return result;
}

std::string mutation_id(const vectors::IndexDescription& index, vectors::MutationNumber number) {
  return uuid_from_numbers(index.serial, number);
}

}  // namespace selvedge::api
