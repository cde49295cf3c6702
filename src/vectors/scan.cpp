// Scan: kernels over whole chunks, then one pass over their numbers.
#include "vectors/scan.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "ann/lanes.h"
#include "vectors/top_k.h"

namespace selvedge::vectors {
namespace {

// Scores are JSON numbers: what float32 cannot hold becomes its largest number.
float clamped(double number) {
  constexpr double kLargest = std::numeric_limits<float>::max();
  return static_cast<float>(std::clamp(number, -kLargest, kLargest));
}

// Turns what the kernels give for one row into its key. Smaller is nearer.
float key_of(Metric metric, float raw, float inverse_length) {
  switch (metric) {
    case Metric::cosine:
      // Rounding must not take an identical vector past 1.
      return 0.0F - std::clamp(raw * inverse_length, -1.0F, 1.0F);
    case Metric::euclidean:
      return std::sqrt(raw);
    case Metric::dot_product:
      return 0.0F - raw;
  }
  return 0;
}

// The rows of one chunk that a query may return. The partition comes first: it is the cheapest to
// look at.
void choose_rows(const IndexedChunk& indexed, std::size_t rows, const Restriction& restriction,
                 MutationNumber mutation, std::vector<std::uint32_t>& chosen) {
  const Chunk& chunk = *indexed.chunk;
  chosen.resize(rows);
  std::size_t kept = 0;
  for (std::uint32_t row = 0; row < rows; ++row) {
    chosen[kept] = row;
    const bool right = !restriction.partition || chunk.partition(row) == *restriction.partition;
    kept += right && chunk.visible(row, mutation) ? 1U : 0U;
  }
  chosen.resize(kept);
  if (restriction.filter != nullptr) restriction.filter->narrow(indexed.columns, chosen);
}

}  // namespace

PreparedQuery::PreparedQuery(Metric metric, std::span<const float> values)
    : metric_(metric),
      dimensions_(values.size()),
      squared_length_(ann::squared_length<double>(values)),
      values_(hwy::AllocateAligned<float>(ann::padded_dimensions(values.size()))) {
  double scale = 1;
  // A zero query stays zero: its cosine with everything is 0.
  if (metric == Metric::cosine && squared_length_ > 0 && finite()) {
    scale = 1 / std::sqrt(squared_length_);
    squared_length_ = 1;
  }
  for (std::size_t at = 0; at < values.size(); ++at) {
    values_[at] = static_cast<float>(values[at] * scale);
  }
  std::fill(values_.get() + dimensions_, values_.get() + ann::padded_dimensions(dimensions_), 0.0F);
}

float PreparedQuery::key(std::span<const float> values) const {
  double sum = 0;
  double squares = 0;
  for (std::size_t at = 0; at < dimensions_; ++at) {
    const double here = values_[at];
    const double there = values[at];
    sum += metric_ == Metric::euclidean ? (here - there) * (here - there) : here * there;
    squares += there * there;
  }
  switch (metric_) {
    case Metric::cosine:
      return squares == 0 ? 0.0F : clamped(0.0 - std::clamp(sum / std::sqrt(squares), -1.0, 1.0));
    case Metric::euclidean:
      return clamped(std::sqrt(sum));
    case Metric::dot_product:
      return clamped(0.0 - sum);
  }
  return 0;
}

namespace {

// Of a row for which the kernels gave `raw`.
float row_key(const PreparedQuery& query, const Chunk& chunk, std::size_t row, float raw) {
  if (std::isfinite(raw) && std::isfinite(chunk.inverse_length(row))) {
    return key_of(query.metric(), raw, chunk.inverse_length(row));
  }
  return query.key(chunk.values(row, query.dimensions()));  // float32 overflowed.
}

}  // namespace

void score_rows(const PreparedQuery& query, const IndexedChunk& indexed,
                std::span<const std::uint32_t> rows, std::span<float> keys) {
  const Chunk& chunk = *indexed.chunk;
  if (query.metric() == Metric::euclidean) {
    ann::squared_distance_chosen(query.values(), chunk.block(), rows, keys);
  } else {
    ann::dot_chosen(query.values(), chunk.block(), rows, keys);
  }
  for (std::size_t at = 0; at < rows.size(); ++at) {
    keys[at] = row_key(query, chunk, rows[at], keys[at]);
  }
}

void score_places(const PreparedQuery& query, std::span<const Place> places,
                  std::span<float> keys) {
  constexpr std::size_t kAtOnce = 16;
  const std::size_t stride = ann::padded_dimensions(query.dimensions());
  for (std::size_t first = 0; first < places.size(); first += kAtOnce) {
    const auto some = places.subspan(first, std::min(kAtOnce, places.size() - first));
    const float* rows[kAtOnce];
    for (std::size_t at = 0; at < some.size(); ++at) {
      rows[at] = some[at].chunk().block().values + some[at].row * stride;
    }
    const auto out = keys.subspan(first, some.size());
    if (query.metric() == Metric::euclidean) {
      ann::squared_distance_scattered(query.values(), stride, {rows, some.size()}, out);
    } else {
      ann::dot_scattered(query.values(), stride, {rows, some.size()}, out);
    }
    for (std::size_t at = 0; at < some.size(); ++at) {
      out[at] = row_key(query, some[at].chunk(), some[at].row, out[at]);
    }
  }
}

std::vector<Candidate> scan(const Snapshot& snapshot, const PreparedQuery& query, std::size_t count,
                            const Restriction& restriction) {
  TopK<Candidate> nearest(count);
  std::vector<float> raw;
  std::vector<std::uint32_t> chosen;
  const Metric metric = query.metric();
  for (std::size_t at = 0; at < snapshot.chunks->size(); ++at) {
    const IndexedChunk& indexed = (*snapshot.chunks)[at];
    const Chunk& chunk = *indexed.chunk;
    const std::size_t rows = snapshot.rows_in(at);
    // Not even the values of a row that is not seen may be read: it may be written at this moment.
    const bool choosy = restriction.any() || !chunk.all_visible(snapshot.stats.mutation);
    if (choosy) choose_rows(indexed, rows, restriction, snapshot.stats.mutation, chosen);
    raw.resize(choosy ? chosen.size() : rows);
    if (metric == Metric::euclidean) {
      choosy ? ann::squared_distance_chosen(query.values(), chunk.block(), chosen, raw)
             : ann::squared_distance_rows(query.values(), chunk.block(), raw);
    } else {
      choosy ? ann::dot_chosen(query.values(), chunk.block(), chosen, raw)
             : ann::dot_rows(query.values(), chunk.block(), raw);
    }
    for (std::size_t number = 0; number < raw.size(); ++number) {
      const std::size_t row = choosy ? chosen[number] : number;
      const float key = row_key(query, chunk, row, raw[number]);
      if (nearest.admits(key)) nearest.offer({key, {&indexed, static_cast<std::uint32_t>(row)}});
    }
  }
  return nearest.sorted();
}

}  // namespace selvedge::vectors
