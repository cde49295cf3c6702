// NearView: walks, what is rescored of them, and the rows beside.
#include "vectors/near_view.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <span>
#include <utility>

#include "ann/lanes.h"
#include "vectors/rescoring.h"
#include "vectors/top_k.h"

namespace selvedge::vectors {
namespace {

// A walk that found too few rows that are still there is walked again, wider, up to here.
constexpr std::size_t kWidthMost = 4'096;

// Codes are right within a few ranks at the front, and no better behind. For fewer than was
// measured as many are looked at.
std::size_t rescored(std::size_t asked, std::size_t width) {
  const std::size_t count = std::max(asked, NearView::kFew);
  return std::min(width, count + count / 2 + 1 + width / 8);
}

// Of what codes are wrong by, so much is reckoned with. What narrow walks may lose for speed must
// not keep wide ones from finding all.
double deviations_for(std::size_t width) {
  constexpr double kNarrow = 64;
  return 2 + std::max(0.0, std::log2(static_cast<double>(width) / kNarrow)) / 2;
}

// Of listed rows, what their rests move scores by is reckoned with more generously: no walk found
// them promising before. On the benchmark's vectors this costs a third of a point of recall.
double listed_deviations(std::size_t width) { return deviations_for(width) + 0.5; }
// Where all have to be found: no rest moves a score farther.
constexpr double kAllDeviations = 6;

// Chosen on the benchmark's vectors, where it saves an eighth of the work at a recall of 0.95 and a
// fifth at 0.99; what it costs in recall, calibration sees.
ann::Graph::Effort effort_for(std::size_t count, std::size_t width) {
  // For fewer than was measured, a walk must be as good.
  const std::size_t asked = std::max(count, NearView::kFew);
  return {width, asked + asked * 3 / 5, std::max<std::size_t>(8, width * 3 / 10)};
}

// Queries that do not are scanned.
bool fits_codes(const PreparedQuery& query) { return vectors::fits_codes(query.squared_length()); }

// The first width that was measured to be wide enough.
std::optional<std::size_t> width_of(const NearView& view, float NearView::Setting::*recall,
                                    float wanted) {
  const auto enough =
      std::find_if(view.settings.begin(), view.settings.end(),
                   [&](const NearView::Setting& each) { return each.*recall >= wanted; });
  if (enough == view.settings.end()) return std::nullopt;
  return enough->width;
}

// Nothing where no width that was measured finds as much, or none was measured yet.
std::optional<std::size_t> width_for(const NearView& view, float recall, std::size_t count) {
  constexpr std::size_t kFew = NearView::kFew;
  constexpr std::size_t kMany = NearView::kMany;
  const auto narrow = width_of(view, &NearView::Setting::recall, recall);
  if (!narrow || count <= kFew) return narrow;
  const auto wide = width_of(view, &NearView::Setting::recall_of_many, recall);
  if (!wide) return std::nullopt;
  // Of more than was measured, as much wider.
  if (count >= kMany) return *wide * count / kMany;
  const std::size_t more = std::max(*wide, *narrow) - *narrow;
  return std::max(count, *narrow + more * (count - kFew) / (kMany - kFew));
}

// Offers the rows of these entries that the snapshot sees and `found` does not have.
template <class EntryAt>
void offer_entries(const Snapshot& snapshot, const PreparedQuery& query, std::size_t count,
                   EntryAt entry_at, std::span<const Slot> found, TopK<Candidate>& nearest) {
  std::vector<std::uint32_t> rows;
  std::vector<float> raw;
  for (std::size_t at = 0; at < count;) {
    // The graph may be newer than the snapshot.
    if (entry_at(at).slot >= snapshot.slot_end) {
      ++at;
      continue;
    }
    // Slots of one chunk together, as they mostly follow each other.
    const Place first = snapshot.place(entry_at(at).slot);
    const Chunk& chunk = first.chunk();
    rows.clear();
    for (; at < count; ++at) {
      const SlotLog::Entry entry = entry_at(at);
      if (entry.slot < chunk.first_slot() || entry.slot >= chunk.first_slot() + chunk.capacity()) {
        break;
      }
      const auto row = static_cast<std::uint32_t>(entry.slot - chunk.first_slot());
      // Of a slot that was given anew only the newest entry counts.
      if (chunk.visible(row, snapshot.stats.mutation) && chunk.born(row) == entry.born) {
        rows.push_back(row);
      }
    }
    offer_rows(query, *first.indexed, rows, raw, [&](const Candidate& candidate) {
      if (!nearest.admits(candidate.key)) return;
      if (std::find(found.begin(), found.end(), candidate.slot()) != found.end()) return;
      nearest.offer(candidate);
    });
  }
}

// Of so few, exact keys are as quick as codes.
constexpr std::size_t kRecentFew = 16;

// The position of the first recent row that the view's codes hold, and with it all behind it.
std::uint64_t coded_from(const NearView& view, const Snapshot& snapshot) {
  const SlotLog::View& recent = snapshot.recent;
  const RecentCodes& known = snapshot.recent_codes;
  if (known.codes != view.codes) return recent.end();
  const std::uint64_t from = std::clamp(known.from, recent.begin(), recent.end());
  return recent.end() - from <= kRecentFew ? recent.end() : from;
}

// Offers the recent rows from `first` on that are promising by their codes, as many as a walk of
// this width offers at most, but for those that `found` has.
void offer_coded(const NearView& view, const Snapshot& snapshot, const PreparedQuery& query,
                 std::uint64_t first, std::size_t count, std::size_t width,
                 std::span<const Slot> found, TopK<Candidate>& nearest) {
  std::vector<Slot> slots;
  const SlotLog::View& recent = snapshot.recent;
  slots.reserve(static_cast<std::size_t>(recent.end() - first));
  for (std::uint64_t at = first; at < recent.end();) {
    // Slots of one chunk together, as they mostly follow each other.
    const Chunk& chunk = snapshot.place(recent.at(at).slot).chunk();
    for (; at < recent.end(); ++at) {
      const SlotLog::Entry& entry = recent.at(at);
      const std::size_t row = std::size_t{entry.slot} - chunk.first_slot();
      if (row >= chunk.capacity()) break;  // Also of a slot before the chunk.
      if (chunk.born(row) != entry.born || !chunk.visible(row, snapshot.stats.mutation)) continue;
      slots.push_back(entry.slot);
    }
  }
  auto scratch = view.scratches->take();
  const std::span<const float> values(query.values(), query.dimensions());
  const ann::CodeQuery code = view.codes->quantizer->query(values, scratch->query);
  ann::Graph::search_listed(*view.codes, code, rescored(count, width), listed_deviations(width),
                            slots, *scratch);
  Rescoring rescoring(snapshot, query, count, deviations_for(width), nearest);
  std::vector<Slot> offered;
  // The graph may be newer than the snapshot.
  const auto unknown = [found](Slot slot) {
    return std::find(found.begin(), found.end(), slot) == found.end();
  };
  rescoring.offer(scratch->allowed, scratch->allowed.size(), unknown, offered);
  view.scratches->give(std::move(scratch));
}

// Fills `found` with the slots that were offered.
void walk_into(const NearView& view, const Snapshot& snapshot, const PreparedQuery& query,
               std::size_t count, std::size_t width, std::vector<Slot>& found,
               TopK<Candidate>& nearest) {
  auto scratch = view.scratches->take();
  const std::span<const float> values(query.values(), query.dimensions());
  const ann::CodeQuery code = view.codes->quantizer->query(values, scratch->query);
  view.graph->search(*view.codes, code, effort_for(count, width), *scratch);
  const std::size_t wanted = rescored(count, width);
  found.reserve(wanted);
  Rescoring rescoring(snapshot, query, count, deviations_for(width), nearest);
  const auto seen = [&snapshot](Slot slot) { return snapshot.sees(slot); };
  rescoring.offer(scratch->candidates, wanted, seen, found);
  view.scratches->give(std::move(scratch));
}

}  // namespace

bool values_in_space(Metric metric, std::size_t dimensions, const Snapshot& snapshot, Slot slot,
                     std::vector<float>& values) {
  const Place at = snapshot.place(slot);
  return values_in_space(metric, at.chunk().values(at.row, dimensions), values);
}

bool values_in_space(Metric metric, std::span<const float> row, std::vector<float>& values) {
  const auto squares = ann::squared_length<double>(row);
  if (!fits_codes(squares)) return false;
  const float scale = metric == Metric::cosine ? static_cast<float>(1 / std::sqrt(squares)) : 1.0F;
  values.resize(row.size());
  for (std::size_t dimension = 0; dimension < row.size(); ++dimension) {
    values[dimension] = row[dimension] * scale;
  }
  return true;
}

std::vector<Candidate> walk(const NearView& view, const Snapshot& snapshot,
                            const PreparedQuery& query, std::size_t count, std::size_t width) {
  TopK<Candidate> nearest(count);
  std::vector<Slot> found;
  walk_into(view, snapshot, query, count, width, found, nearest);
  return nearest.sorted();
}

namespace {

// Where most rows are not linked yet, or most are asked for, neither walks nor codes are.
bool short_cut(const NearView& view, const Snapshot& snapshot, const PreparedQuery& query,
               std::size_t count) {
  const std::size_t linked = view.graph->linked_count();
  return snapshot.recent.size() <= linked && count * 8 <= linked && fits_codes(query);
}

}  // namespace

std::optional<std::vector<Candidate>> search_near(const NearView& view, const Snapshot& snapshot,
                                                  const PreparedQuery& query, std::size_t count,
                                                  float recall) {
  if (!short_cut(view, snapshot, query, count)) return std::nullopt;
  const auto enough = width_for(view, recall, count);
  if (!enough) return std::nullopt;
  std::vector<Slot> found;
  TopK<Candidate> nearest(count);
  for (std::size_t width = *enough;; width *= 2) {
    if (width > kWidthMost) return std::nullopt;
    walk_into(view, snapshot, query, count, width, found, nearest);
    // Dead rows that are not taken out yet may have crowded out others.
    if (found.size() >= count) break;
    found.clear();
    nearest = TopK<Candidate>(count);
  }
  const SlotLog::View& recent = snapshot.recent;
  const auto recent_at = [&recent](std::size_t at) { return recent.at(recent.begin() + at); };
  const std::uint64_t coded = coded_from(view, snapshot);
  offer_entries(snapshot, query, static_cast<std::size_t>(coded - recent.begin()), recent_at, found,
                nearest);
  if (coded < recent.end()) {
    offer_coded(view, snapshot, query, coded, count, *enough, found, nearest);
  }
  const std::vector<SlotLog::Entry>& apart = *view.apart;
  if (apart.empty()) return nearest.sorted();
  // Some of those apart may have been recent when the snapshot was taken.
  for (std::size_t at = 0; at < recent.size(); ++at) found.push_back(recent_at(at).slot);
  offer_entries(
      snapshot, query, apart.size(), [&apart](std::size_t at) { return apart[at]; }, found,
      nearest);
  return nearest.sorted();
}

namespace {

// About what it costs, in nanoseconds, to judge an allowed row by its code, and to follow a row of
// the graph.
constexpr std::size_t kCodeNs = 5;
constexpr std::size_t kHopNs = 1'000;
// Fewer allowed rows are scored exactly at once.
constexpr std::size_t kExactMost = 64;
constexpr std::size_t kHopsLeast = 64;

struct AllowedTest {
  const Snapshot& snapshot;
  const AllowedRows& allowed;
  const bool all_seen = snapshot.sees_all();

  bool operator()(Slot slot) const {
    if (slot >= snapshot.slot_end || !allowed.contains(slot)) return false;
    if (all_seen) return true;
    // Of most chunks all rows are seen: then no stamps have to come from memory.
    const Place at = snapshot.place(slot);
    return at.chunk().all_visible(snapshot.stats.mutation) || snapshot.sees(slot);
  }
  static bool test(const void* context, Slot slot) {
    return (*static_cast<const AllowedTest*>(context))(slot);
  }
};

// Slots that have no code, or may have none yet; ascending.
std::vector<Slot> without_code(const NearView& view, const Snapshot& snapshot) {
  std::vector<Slot> slots;
  const SlotLog::View& recent = snapshot.recent;
  for (std::uint64_t at = recent.begin(); at < recent.end(); ++at) {
    slots.push_back(recent.at(at).slot);
  }
  for (const SlotLog::Entry& each : *view.apart) slots.push_back(each.slot);
  std::sort(slots.begin(), slots.end());
  slots.erase(std::unique(slots.begin(), slots.end()), slots.end());
  return slots;
}

// Those of `seen` that are not among the uncoded; both ascend.
std::vector<Slot> coded_of(std::span<const Slot> seen, std::span<const Slot> uncoded) {
  std::vector<Slot> coded;
  coded.reserve(seen.size());
  std::set_difference(seen.begin(), seen.end(), uncoded.begin(), uncoded.end(),
                      std::back_inserter(coded));
  return coded;
}

// The `width` best of these slots, which have codes.
std::vector<Slot> best_by_codes(const NearView& view, const PreparedQuery& query, std::size_t width,
                                std::span<const Slot> slots) {
  auto scratch = view.scratches->take();
  const std::span<const float> values(query.values(), query.dimensions());
  const ann::CodeQuery code = view.codes->quantizer->query(values, scratch->query);
  ann::Graph::search_listed(*view.codes, code, width, kAllDeviations, slots, *scratch);
  std::vector<Slot> found;
  for (std::size_t at = 0; at < scratch->allowed.size(); ++at) {
    found.push_back(scratch->allowed.slot(at));
  }
  view.scratches->give(std::move(scratch));
  return found;
}

// By the codes of all allowed rows, or a walk where it is likely to be quicker and then is. Offers
// the best, and returns them.
std::vector<Slot> offer_allowed(const NearView& view, const Snapshot& snapshot,
                                const PreparedQuery& query, std::size_t count, std::size_t width,
                                const AllowedRows& allowed, std::span<const Slot> uncoded,
                                TopK<Candidate>& nearest) {
  auto scratch = view.scratches->take();
  const std::span<const float> values(query.values(), query.dimensions());
  const ann::CodeQuery code = view.codes->quantizer->query(values, scratch->query);
  const std::size_t among = allowed.count_most();
  const std::size_t all = std::max(snapshot.stats.vector_count, std::uint64_t{1});
  // To find `width` allowed ones, a walk passes as many others as there are between them.
  const std::size_t hops = width * std::max<std::size_t>(all / among, 1);
  const std::size_t wanted = rescored(count, width);
  bool walked = false;
  if (hops * kHopNs < among * kCodeNs) {
    const AllowedTest test{snapshot, allowed};
    // A walk is given up when it has cost as much as all codes would have.
    const std::size_t hops_most = std::max({2 * hops, among * kCodeNs / kHopNs, kHopsLeast});
    // Between allowed ones a walk may be calm for so much longer.
    ann::Graph::Effort effort = effort_for(count, width);
    effort.patience = effort.patience * all / among;
    walked = view.graph->search_allowed(*view.codes, code, effort, {&test, AllowedTest::test},
                                        hops_most, *scratch);
    walked = walked && scratch->allowed.size() >= count;
  }
  if (!walked) {
    const SeenSlots seen = seen_slots(snapshot, allowed);
    std::vector<Slot> coded;
    if (!uncoded.empty()) coded = coded_of(seen.all(), uncoded);
    ann::Graph::search_listed(*view.codes, code, wanted, listed_deviations(width),
                              uncoded.empty() ? seen.all() : coded, *scratch);
  }
  std::vector<Slot> found;
  Rescoring rescoring(snapshot, query, count, deviations_for(width), nearest);
  rescoring.offer(
      scratch->allowed, wanted, [](Slot) { return true; }, found);
  view.scratches->give(std::move(scratch));
  return found;
}

}  // namespace

std::vector<Candidate> nearest_by_codes(const NearView& view, const Snapshot& snapshot,
                                        const PreparedQuery& query, std::size_t count,
                                        std::size_t width, std::span<const Slot> slots) {
  return nearest_of(snapshot, query, count, best_by_codes(view, query, width, slots));
}

std::optional<std::vector<Candidate>> search_codes(const NearView& view, const Snapshot& snapshot,
                                                   const PreparedQuery& query, std::size_t count) {
  constexpr std::size_t kListedLeast = 1'000;
  constexpr std::size_t kListedEach = 4;
  if (!short_cut(view, snapshot, query, count)) return std::nullopt;
  std::vector<Slot> seen;
  seen.reserve(snapshot.stats.vector_count);
  for (std::size_t at = 0; at < snapshot.chunks->size(); ++at) {
    const Chunk& chunk = *(*snapshot.chunks)[at].chunk;
    for (std::uint32_t row = 0; row < snapshot.rows_in(at); ++row) {
      if (chunk.visible(row, snapshot.stats.mutation)) seen.push_back(chunk.first_slot() + row);
    }
  }
  const std::vector<Slot> uncoded = without_code(view, snapshot);
  const std::vector<Slot> coded = coded_of(seen, uncoded);
  std::vector<Slot> listed =
      best_by_codes(view, query, std::max(kListedLeast, kListedEach * count), coded);
  std::copy_if(uncoded.begin(), uncoded.end(), std::back_inserter(listed),
               [&](Slot slot) { return slot < snapshot.slot_end && snapshot.sees(slot); });
  return nearest_of(snapshot, query, count, listed);
}

std::vector<Candidate> nearest_of(const Snapshot& snapshot, const PreparedQuery& query,
                                  std::size_t count, std::span<const Slot> slots) {
  TopK<Candidate> nearest(count);
  rescore(snapshot, query, slots, nearest);
  return nearest.sorted();
}

std::vector<Candidate> search_near_allowed(const NearView& view, const Snapshot& snapshot,
                                           const PreparedQuery& query, std::size_t count,
                                           float recall, const AllowedRows& allowed) {
  if (allowed.empty()) return {};
  const auto width = width_for(view, recall, count);
  const std::size_t among = allowed.count_most();
  if (!width || among <= std::max(kExactMost, rescored(count, *width)) || !fits_codes(query)) {
    return nearest_of(snapshot, query, count, seen_slots(snapshot, allowed).all());
  }
  const std::vector<Slot> uncoded = without_code(view, snapshot);
  TopK<Candidate> nearest(count);
  const std::vector<Slot> found =
      offer_allowed(view, snapshot, query, count, *width, allowed, uncoded, nearest);
  const AllowedTest test{snapshot, allowed};
  std::vector<Slot> others;
  std::copy_if(uncoded.begin(), uncoded.end(), std::back_inserter(others), [&](Slot slot) {
    return test(slot) && std::find(found.begin(), found.end(), slot) == found.end();
  });
  rescore(snapshot, query, others, nearest);
  return nearest.sorted();
}

}  // namespace selvedge::vectors
