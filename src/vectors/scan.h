// Scan: the nearest rows of a snapshot, exactly, by looking at every one.
#pragma once

#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <hwy/aligned_allocator.h>

#include "vectors/compiled_filter.h"
#include "vectors/index.h"
#include "vectors/snapshot.h"

namespace selvedge::vectors {

// A query brought into the form of the rows: padded, aligned, and of length 1 for cosine.
class PreparedQuery {
 public:
  // `values` is [dimensions]; copied.
  PreparedQuery(Metric metric, std::span<const float> values);

  Metric metric() const { return metric_; }
  std::size_t dimensions() const { return dimensions_; }
  const float* values() const { return values_.get(); }
  // False: a value is an infinity or not a number, and this is of no use.
  bool finite() const { return std::isfinite(squared_length_); }
  // Of the values.
  double squared_length() const { return squared_length_; }

  // The key of one vector: what results are sorted by, smallest first. Exact to float32, never an
  // infinity or a NaN. `values` is [dimensions].
  float key(std::span<const float> values) const;
  // The score of a key: the metric's own number.
  float score(float key) const { return metric_ == Metric::cosine ? 0.0F - key : key; }

 private:
  Metric metric_;
  std::size_t dimensions_;
  double squared_length_;
  hwy::AlignedFreeUniquePtr<float[]> values_;
};

// A row that was found. Points into the snapshot it was found in.
struct Candidate {
  float key = 0;
  Place place;

  const Chunk& chunk() const { return place.chunk(); }
  std::size_t row() const { return place.row; }
  Slot slot() const { return chunk().first_slot() + place.row; }
  std::string_view id() const { return chunk().id(place.row); }
  bool operator<(const Candidate& other) const {
    return key != other.key ? key < other.key : id() < other.id();
  }
};

// The keys of these rows of one chunk into `keys`, which has their size.
void score_rows(const PreparedQuery& query, const IndexedChunk& indexed,
                std::span<const std::uint32_t> rows, std::span<float> keys);

// The same of rows of any chunks.
void score_places(const PreparedQuery& query, std::span<const Place> places, std::span<float> keys);

// Which rows a scan may find. `filter` is borrowed and compiled for the snapshot's properties.
struct Restriction {
  std::optional<PartitionNumber> partition = std::nullopt;
  const CompiledFilter* filter = nullptr;

  bool any() const { return partition.has_value() || filter != nullptr; }
};

// Computes the keys of rows of one chunk, which the snapshot sees, and gives each as a Candidate to
// `take`. `raw` is memory to reuse.
template <class Take>
void offer_rows(const PreparedQuery& query, const IndexedChunk& indexed,
                std::span<const std::uint32_t> rows, std::vector<float>& raw, Take take) {
  raw.resize(rows.size());
  score_rows(query, indexed, rows, raw);
  for (std::size_t at = 0; at < rows.size(); ++at) take(Candidate{raw[at], {&indexed, rows[at]}});
}

// The first `count` rows by key, then id; fewer when there are not so many. Distances are computed
// of the rows that `restriction` leaves only. One thread, no lock, no I/O.
std::vector<Candidate> scan(const Snapshot& snapshot, const PreparedQuery& query, std::size_t count,
                            const Restriction& restriction);

}  // namespace selvedge::vectors
