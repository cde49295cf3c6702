// Index path: from the name to the index, and from a mutation to its UUID.
#include "api/index_path.h"

#include <utility>

#include "api/json_writer.h"
#include "api/vectorize_errors.h"
#include "base/uuid.h"

namespace selvedge::api {

Result<std::shared_ptr<vectors::Index>> find_index(const IndexPath& path) {
  auto found = path.store.find(path.account, path.name);
  if (!found.ok()) return reworded(std::move(found.error()), path.name);
  return found;
}

Result<std::string> mutation_result(const IndexPath& path, const vectors::Index& index,
                                    Result<vectors::MutationNumber> written) {
  if (!written.ok()) return reworded(std::move(written.error()), path.name);
  std::string result = "{\"mutationId\":";
  append_string(result, mutation_id(index.description(), *written));
  result += '}';
  return result;
}

std::string mutation_id(const vectors::IndexDescription& index, vectors::MutationNumber number) {
  return uuid_from_numbers(index.serial, number);
}

}  // namespace selvedge::api
