// Upstream: a remote server that speaks OpenAI's API and answers for a model's id.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "catalog/catalog.h"

namespace selvedge::inference {

struct Upstream {
  std::string id;            // "@cf/meta/llama-3-8b-instruct", or one that the catalogue lacks.
  std::string url;           // "http://127.0.0.1:8080/v1", without a slash at the end.
  std::string model;         // Its name there.
  std::string key_variable;  // The environment variable that holds the bearer token; empty: none.
  catalog::Task task = catalog::Task::text_generation;  // Else text_embeddings.
  std::int32_t dimensions = 0;  // Of embeddings of an id that the catalogue lacks.
  int connect_ms_max = 5'000;
  int silence_ms_max = 120'000;  // Without a byte for so long it is given up.
  int tries = 3;                 // In all, until the first token came.

  // "llama3 at 127.0.0.1:8080": for people.
  std::string name() const;
};

// The form of the file is told in docs/operations.md#upstreams. Errors: file_invalid.
Result<std::vector<Upstream>> parse_upstreams(std::string_view json);
std::string upstreams_json(const std::vector<Upstream>& upstreams);

// Errors: file_invalid, in words that name the member.
Status check_upstream(const Upstream& upstream);

// The upstreams of a home folder: <home>/upstreams.json, looked at again when it changed.
// Thread-safe.
class Upstreams {
 public:
  explicit Upstreams(std::filesystem::path file) : file_(std::move(file)) {}

  // Null where nothing answers for `id`. A file that does not hold is as none; the log says so.
  std::shared_ptr<const Upstream> find(std::string_view id) const;
  std::vector<std::shared_ptr<const Upstream>> all() const;

 private:
  void look() const;

  const std::filesystem::path file_;
  mutable std::mutex mutex_;  // Guards what follows.
  mutable std::filesystem::file_time_type seen_ = std::filesystem::file_time_type::min();
  mutable std::vector<std::shared_ptr<const Upstream>> known_;
};

}  // namespace selvedge::inference
