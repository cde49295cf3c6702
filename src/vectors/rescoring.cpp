// Rescoring: one row after the other, the next one on its way from memory.
#include "vectors/rescoring.h"

#include <cstdint>

#include "ann/distance.h"
#include "ann/prefetch.h"

namespace selvedge::vectors {
namespace {

void prefetch(const Place& at, std::size_t stride) {
  ann::prefetch_lines(at.chunk().block().values + at.row * stride, stride * sizeof(float));
}

// A key as a code's score, up to a number that is the same for all rows.
double code_score(Metric metric, float key) {
  const double wide = key;
  return metric == Metric::euclidean ? -wide * wide / 2 : -wide;
}

// Offers the row of a slot, which the snapshot sees, and returns its key.
float offer_exactly(const Snapshot& snapshot, const PreparedQuery& query, Slot slot,
                    TopK<Candidate>& nearest) {
  const Place place = snapshot.place(slot);
  const std::uint32_t row[] = {place.row};
  float key = 0;
  score_rows(query, *place.indexed, row, {&key, 1});
  if (!nearest.admits(key)) return key;
  place.chunk().fetch_match(place.row);
  nearest.offer({key, place});
  return key;
}

}  // namespace

void rescore(const Snapshot& snapshot, const PreparedQuery& query, std::span<const Slot> found,
             TopK<Candidate>& nearest) {
  const std::size_t stride = ann::padded_dimensions(query.dimensions());
  for (std::size_t at = 0; at < found.size(); ++at) {
    if (at + 1 < found.size()) prefetch(snapshot.place(found[at + 1]), stride);
    offer_exactly(snapshot, query, found[at], nearest);
  }
}

bool Rescoring::promising(float score) const {
  return errors_.count() < judged_least_ ||
         score + errors_.most(deviations_) >= code_score(query_.metric(), nearest_.worst_key());
}

void Rescoring::fetch(Slot slot) const {
  prefetch(snapshot_.place(slot), ann::padded_dimensions(query_.dimensions()));
}

void Rescoring::offer(Slot slot, float score) {
  const float key = offer_exactly(snapshot_, query_, slot, nearest_);
  errors_.add(code_score(query_.metric(), key) - score);
}

}  // namespace selvedge::vectors
