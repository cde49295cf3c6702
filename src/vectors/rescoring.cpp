// Rescoring: some rows at once, the next ones on their way from memory.
#include "vectors/rescoring.h"

#include <cstdint>

#include "ann/distance.h"
#include "ann/prefetch.h"

namespace selvedge::vectors {
namespace {

void prefetch_values(const Place& at, const PreparedQuery& query) {
  const std::size_t stride = ann::padded_dimensions(query.dimensions());
  ann::prefetch_lines(at.chunk().block().values + at.row * stride, stride * sizeof(float));
}

// A key as a code's score, up to a number that is the same for all rows.
double code_score(Metric metric, float key) {
  const double wide = key;
  return metric == Metric::euclidean ? -wide * wide / 2 : -wide;
}

void offer_with(float key, const Place& place, TopK<Candidate>& nearest) {
  if (!nearest.admits(key)) return;
  place.chunk().fetch_match(place.row);
  nearest.offer({key, place});
}

}  // namespace

void rescore(const Snapshot& snapshot, const PreparedQuery& query, std::span<const Slot> found,
             TopK<Candidate>& nearest) {
  constexpr std::size_t kTogether = 4;
  const auto fetch = [&](std::size_t first) {
    for (std::size_t at = first; at < std::min(first + kTogether, found.size()); ++at) {
      const Place place = snapshot.place(found[at]);
      place.chunk().fetch_stamps(place.row);
      prefetch_values(place, query);
    }
  };
  fetch(0);
  for (std::size_t first = 0; first < found.size(); first += kTogether) {
    fetch(first + kTogether);
    Place places[kTogether];
    float keys[kTogether];
    const std::size_t count = std::min(kTogether, found.size() - first);
    for (std::size_t at = 0; at < count; ++at) places[at] = snapshot.place(found[first + at]);
    score_places(query, {places, count}, {keys, count});
    for (std::size_t at = 0; at < count; ++at) offer_with(keys[at], places[at], nearest);
  }
}

bool Rescoring::promising(float score) const {
  return errors_.count() < judged_least_ ||
         score + errors_.most(deviations_) >= code_score(query_.metric(), nearest_.worst_key());
}

void Rescoring::fetch_stamps(const ann::Candidates& listed, std::size_t at) const {
  if (at >= listed.size() || listed.slot(at) >= snapshot_.slot_end) return;
  const Place place = snapshot_.place(listed.slot(at));
  place.chunk().fetch_stamps(place.row);
}

void Rescoring::fetch_values(const ann::Candidates& listed, std::size_t at) const {
  if (at >= listed.size() || listed.slot(at) >= snapshot_.slot_end) return;
  prefetch_values(snapshot_.place(listed.slot(at)), query_);
}

void Rescoring::offer(const Group& group) {
  float keys[kTogether];
  score_places(query_, {group.places, group.count}, {keys, group.count});
  for (std::size_t at = 0; at < group.count; ++at) {
    offer_with(keys[at], group.places[at], nearest_);
    errors_.add(code_score(query_.metric(), keys[at]) - group.scores[at]);
  }
}

}  // namespace selvedge::vectors
