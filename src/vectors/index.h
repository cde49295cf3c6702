// Index: one durable vector index. What a write acknowledged is on disk and, unless its store was
// told to delay that, seen by every later query.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "vectors/filter.h"

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
  // What the metadata indexes hold of it; empty unless asked for. Properties that the vector lacks
  // are left out.
  std::vector<std::pair<std::string, PropertyValue>> indexed = {};
};

struct QueryOptions {
  std::size_t top_k = limits::top_k_default;
  bool with_values = false;
  bool with_metadata = false;
  bool with_indexed = false;
  std::optional<std::string> partition = std::nullopt;  // Only vectors of this one.
  std::optional<Filter> filter = std::nullopt;          // Only vectors of which it is true.
  // Which share of the true nearest to find, 0…1; 1 looks at every vector that may match, exactly.
  // None: the index's own setting.
  std::optional<float> recall = std::nullopt;
};

// How an index holds its vectors in memory. Bytes are estimates of what is resident for it alone,
// but for `mapped_bytes`: files that the system may drop from memory at any time.
struct Internals {
  std::uint64_t linked_count = 0;  // Vectors that the graph reaches.
  std::uint64_t recent_count = 0;  // Not yet linked: every query looks at them.
  std::uint64_t dead_count = 0;    // Replaced or erased, not yet taken out.
  std::uint64_t values_bytes = 0;  // float32 in memory of our own.
  std::uint64_t mapped_bytes = 0;
  std::uint64_t codes_bytes = 0;
  std::uint64_t graph_bytes = 0;
  std::uint64_t other_bytes = 0;  // Ids, properties, numbers beside.
};

// Of an index whose recall was never set.
inline constexpr float kRecallDefault = 0.95F;

// What a search for the ten nearest can count on, as measured on vectors of the index.
struct RecallPoint {
  std::size_t width = 0;  // How many vectors a query follows at once.
  float recall = 0;       // Share of the true nearest, less than was found when measured.
  float us = 0;           // Of one query, CPU microseconds.
};

struct IndexStats {
  std::uint64_t vector_count = 0;
  MutationNumber mutation = 0;   // The last one processed: seen by readers.
  std::int64_t mutation_us = 0;  // When, microseconds since 1970; 0 = never.
};

struct IdPage {
  std::vector<std::string> ids;  // In the order of their bytes.
  std::uint64_t total_count = 0;
  bool truncated = false;
};

// One page of a listing whose contents were fixed when it began.
struct ListPage {
  std::vector<std::string> ids;
  std::uint64_t total_count = 0;  // Of the whole listing.
  std::string next_cursor;        // Empty on the last page. ASCII letters, digits and '-'.
  std::int64_t expires_us = 0;    // When the cursor stops working, microseconds since 1970.
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

  // A listing of all ids as they are now, or, with a cursor, its next page: ids written later are
  // absent, ids deleted later still there. A cursor can be used again until it expires; it does not
  // outlive the process. Errors: cursor_invalid, io, corrupt_data.
  virtual Result<ListPage> list_page(std::size_t count, std::string_view cursor) const = 0;

  // Makes `property` known to filters; of a property that has an index already the type is
  // replaced. `with_written`: the vectors that are there come in too. Counts as a mutation. Errors:
  // too_many_metadata_indexes (more than `count_max`), io.
  virtual Result<MutationNumber> create_metadata_index(std::string_view property, PropertyType type,
                                                       bool with_written,
                                                       std::size_t count_max) = 0;
  // Counts as a mutation. Errors: metadata_index_not_found, io.
  virtual Result<MutationNumber> delete_metadata_index(std::string_view property) = 0;
  // In the order of creation.
  virtual std::vector<MetadataIndex> metadata_indexes() const = 0;

  virtual IndexStats stats() const = 0;
  virtual Internals internals() const = 0;

  // By width, recall never falling; empty until there was something to measure.
  virtual std::vector<RecallPoint> calibration() const = 0;
  // What queries are answered with that do not say their own, 0…1; kept on disk. No mutation.
  virtual float recall() const = 0;
  // Errors: invalid_input (not 0…1), index_not_found, io.
  virtual Status set_recall(float recall) = 0;

  // Waits until what was written is linked and whatever goes on in the background has ended. For
  // benchmarks and tests: queries see all writes without it.
  virtual void settle() = 0;

  // How many different partitions the index has when those of `added` have come in; exact where it
  // is above `most`, else at most that many.
  virtual std::size_t partitions_with(std::span<const std::optional<std::string>> added,
                                      std::size_t most) const = 0;

  // The same index; what is written through the result is on disk at once, but readers (of either)
  // see it only after `delay`, and never before what was written earlier. After a restart all is
  // seen. For tests of clients: imitates a store that is consistent in the end.
  virtual std::shared_ptr<Index> delayed(std::chrono::microseconds delay) = 0;
};

}  // namespace selvedge::vectors
