// VectorizeClient: the indexes of one account behind Vectorize's REST API, ours or the hosted one.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "cli/api_client.h"
#include "cli/vector_page.h"

namespace selvedge::cli {

// Where an account is.
struct VectorizePlace {
  std::string url;      // Up to and without "/accounts", as "http://127.0.0.1:7358/client/v4".
  std::string account;  //
  std::string token;    // Never shown; may be empty.
};

// Every call is one that may be made twice: once the place has answered, what breaks off or asks
// for patience (429, 5xx) is tried again for about half a minute. Errors of all calls: unavailable
// (no answer, or none but those), index_not_found, unauthorized, invalid_input (refused: the
// message is the server's), internal (an answer of another form).
class VectorizeClient {
 public:
  explicit VectorizeClient(VectorizePlace place);

  // {"name","description","config":{"dimensions","metric"},…}
  Result<nlohmann::json> index(const std::string& name);
  // `body` as Vectorize takes it.
  Status create(const nlohmann::json& body);
  // Vectors that the index holds.
  Result<std::uint64_t> count(const std::string& name);

  // Each {"propertyName","indexType"}.
  Result<nlohmann::json> metadata_indexes(const std::string& name);
  Status create_metadata_index(const std::string& name, const nlohmann::json& index);

  // All ids as they are when the first page is read. `told(done, total)` after each page.
  using Told = std::function<void(std::uint64_t done, std::uint64_t total)>;
  Result<std::vector<std::string>> list_ids(const std::string& name, const Told& told);

  // The vectors of these ids that are there, as they are now. One call, or several where the place
  // takes fewer ids a call.
  Result<VectorPage> get(const std::string& name, std::span<const std::string> ids,
                         bool with_values);

  // `verb` is "insert" or "upsert"; `lines` is NDJSON.
  Status write(const std::string& name, std::string_view verb, const std::string& lines);

 private:
  Result<std::string> ask(std::string_view method, const std::string& path, const std::string& body,
                          std::string_view type = "application/json");
  Result<nlohmann::json> ask_json(std::string_view method, const std::string& path,
                                  const std::string& body = {});

  ApiClient client_;
  std::string url_;
  std::string indexes_path_;
  std::size_t ids_per_call_;
  bool answered_ = false;
};

}  // namespace selvedge::cli
