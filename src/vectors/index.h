// Index: one durable vector index. What a write acknowledged is on disk and seen by every later
// query.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "base/result.h"

namespace selvedge::vectors {

enum class Metric : std::uint8_t { cosine, euclidean, dot_product };

// Grows by one per write call of an index; 0 = nothing was ever written. `api` writes it as a UUID.
using MutationNumber = std::uint64_t;

struct IndexConfig {
  std::uint32_t dimensions = 0;
  Metric metric = Metric::cosine;
  std::string preset;  // As asked for at creation; may be empty.
};

struct IndexDescription {
  std::string name;
  std::string description;
  IndexConfig config;
  std::uint64_t serial = 0;     // Never reused: a recreated name has another one.
  std::int64_t created_us = 0;  // Microseconds since 1970, UTC.
  std::int64_t modified_us = 0;
};

// The vectors of one write. `values` is [ids.size() x dimensions] float32, row-major. The other
// lists have one entry per id. Metadata is opaque bytes here (`api` stores compact JSON); empty =
// none.
struct VectorBatch {
  std::size_t dimensions = 0;
  std::vector<std::string> ids;
  std::vector<float> values;
  std::vector<std::optional<std::string>> partitions;  // "namespace" on the wire.
  std::vector<std::string> metadata;
};

struct StoredVector {
  std::string id;
  std::optional<std::string> partition;
  std::string metadata;
  std::vector<float> values;
};

struct Match {
  std::string id;
  float score = 0;  // By the metric: see QueryResult order in docs/compatibility.md.
  std::optional<std::string> partition;
  std::string metadata;       // Empty unless asked for.
  std::vector<float> values;  // Empty unless asked for.
};

struct QueryOptions {
  std::size_t top_k = limits::top_k_default;
  bool with_values = false;
  bool with_metadata = false;
  std::optional<std::string> partition = std::nullopt;  // Only vectors of this one.
};

struct IndexStats {
  std::uint64_t vector_count = 0;
  MutationNumber mutation = 0;   // The last one processed: always the last one acknowledged.
  std::int64_t mutation_us = 0;  // When, microseconds since 1970; 0 = never.
};

struct IdPage {
  std::vector<std::string> ids;  // In the order of their bytes.
  std::uint64_t total_count = 0;
  bool truncated = false;
};

// Any number of readers, one writer at a time; all methods are thread-safe and block (call them on
// a worker pool). Readers take a snapshot and never wait for writers.
class Index {
 public:
  virtual ~Index() = default;

  virtual const IndexDescription& description() const = 0;

  // Adds the vectors whose ids are new; known ids keep their old values. Of an id that stands twice
  // in one batch the first counts. On return the batch is on disk and visible. Errors:
  // dimension_mismatch (nothing is written), io (the index turns read-only until reopened).
  virtual Result<MutationNumber> insert(const VectorBatch& batch) = 0;

  // Adds or replaces, values and metadata whole; of an id that stands twice the last counts.
  // Errors: as insert.
  virtual Result<MutationNumber> upsert(const VectorBatch& batch) = 0;

  // Removes; unknown ids are no error. Errors: io.
  virtual Result<MutationNumber> erase(std::span<const std::string> ids) = 0;

  // The vectors that exist, in the order of `ids`; unknown ids are left out. Errors: io,
  // corrupt_data.
  virtual Result<std::vector<StoredVector>> get(std::span<const std::string> ids) const = 0;

  // The nearest vectors, most similar first; equal scores in the order of ids. Scores: cosine -1…1
  // descending, euclidean distance ascending, dot product negated, ascending. A zero vector has
  // cosine 0 with everything. Errors: query_dimension_mismatch, io, corrupt_data.
  virtual Result<std::vector<Match>> query(std::span<const float> vector,
                                           const QueryOptions& options) const = 0;

  // Up to `count` ids greater than `after` (empty = from the start).
  virtual Result<IdPage> list(std::string_view after, std::size_t count) const = 0;

  virtual IndexStats stats() const = 0;
};

}  // namespace selvedge::vectors
