// NearView: walks, what is rescored of them, and the rows beside.
#include "vectors/near_view.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "vectors/top_k.h"

namespace selvedge::vectors {
namespace {

// Settings are measured for as many.
constexpr std::size_t kMeasuredCount = 10;
// Where nothing was measured yet.
constexpr std::size_t kUnmeasuredWidth = 128;
// A walk that found too few rows that are still there is walked again, wider, up to here.
constexpr std::size_t kWidthMost = 4'096;
// Queries so long or short that products leave float32 are scanned.
constexpr double kSquaresLeast = 1e-24;
constexpr double kSquaresMost = 1e24;

// Codes are right within a few ranks at the front, and no better behind.
std::size_t rescored(std::size_t count, std::size_t width) {
  return std::min(width, count + count / 2 + 1 + width / 8);
}

void prefetch(const Place& at, std::size_t stride) {
  const auto* bytes = reinterpret_cast<const char*>(at.chunk().block().values + at.row * stride);
  for (std::size_t byte = 0; byte < stride * sizeof(float); byte += 64) {
    __builtin_prefetch(bytes + byte);
  }
}

bool fits_codes(const PreparedQuery& query) {
  double squares = 0;
  for (std::size_t at = 0; at < query.dimensions(); ++at) {
    squares += static_cast<double>(query.values()[at]) * query.values()[at];
  }
  return squares >= kSquaresLeast && squares <= kSquaresMost;
}

std::size_t width_for(const NearView& view, float recall, std::size_t count) {
  std::size_t width = view.settings.empty() ? kUnmeasuredWidth : view.settings.back().width;
  for (const NearView::Setting& each : view.settings) {
    if (each.recall < recall) continue;
    width = each.width;
    break;
  }
  // Of more, as much wider.
  if (count > kMeasuredCount) width = width * count / kMeasuredCount;
  return std::max(width, count);
}

// Offers the rows of these entries that the snapshot sees and `found` does not have.
template <class EntryAt>
void offer_entries(const Snapshot& snapshot, const PreparedQuery& query, std::size_t count,
                   EntryAt entry_at, std::span<const Slot> found, TopK<Candidate>& nearest) {
  std::vector<std::uint32_t> rows;
  std::vector<float> raw;
  for (std::size_t at = 0; at < count;) {
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

// Fills `found` with the slots that were offered.
void walk_into(const NearView& view, const Snapshot& snapshot, const PreparedQuery& query,
               std::size_t count, std::size_t width, std::vector<Slot>& found,
               TopK<Candidate>& nearest) {
  auto scratch = view.scratches->take();
  const std::span<const float> values(query.values(), query.dimensions());
  const ann::CodeQuery code = view.codes->quantizer->query(values, scratch->query);
  view.graph->search(*view.codes, code, width, *scratch);
  const ann::Candidates& walked = scratch->candidates;
  const std::size_t wanted = rescored(count, width);
  for (std::size_t at = 0; at < walked.size() && found.size() < wanted; ++at) {
    const Slot slot = walked.slot(at);
    if (slot < snapshot.slot_end && snapshot.sees(slot)) found.push_back(slot);
  }
  view.scratches->give(std::move(scratch));
  const std::size_t stride = ann::padded_dimensions(query.dimensions());
  constexpr std::size_t kAhead = 3;
  std::vector<float> raw;
  for (std::size_t at = 0; at < std::min(kAhead, found.size()); ++at) {
    prefetch(snapshot.place(found[at]), stride);
  }
  for (std::size_t at = 0; at < found.size(); ++at) {
    if (at + kAhead < found.size()) prefetch(snapshot.place(found[at + kAhead]), stride);
    const Place place = snapshot.place(found[at]);
    const std::uint32_t row[] = {place.row};
    offer_rows(query, *place.indexed, row, raw, [&nearest](const Candidate& candidate) {
      if (nearest.admits(candidate.key)) nearest.offer(candidate);
    });
  }
}

}  // namespace

std::vector<Candidate> walk(const NearView& view, const Snapshot& snapshot,
                            const PreparedQuery& query, std::size_t count, std::size_t width) {
  TopK<Candidate> nearest(count);
  std::vector<Slot> found;
  walk_into(view, snapshot, query, count, width, found, nearest);
  return nearest.sorted();
}

std::optional<std::vector<Candidate>> search_near(const NearView& view, const Snapshot& snapshot,
                                                  const PreparedQuery& query, std::size_t count,
                                                  float recall) {
  const std::size_t linked = view.graph->linked_count();
  // Where most rows are not linked yet, or most are asked for, a walk is no short cut.
  if (snapshot.recent.size() > linked || count * 8 > linked || !fits_codes(query)) {
    return std::nullopt;
  }
  std::size_t width = width_for(view, recall, count);
  std::vector<Slot> found;
  TopK<Candidate> nearest(count);
  for (;; width *= 2) {
    if (width > kWidthMost) return std::nullopt;
    walk_into(view, snapshot, query, count, width, found, nearest);
    // Dead rows that are not taken out yet may have crowded out others.
    if (found.size() >= count) break;
    found.clear();
    nearest = TopK<Candidate>(count);
  }
  const SlotLog::View& recent = snapshot.recent;
  const auto recent_at = [&recent](std::size_t at) { return recent.at(recent.begin() + at); };
  offer_entries(snapshot, query, recent.size(), recent_at, found, nearest);
  const std::vector<SlotLog::Entry>& apart = *view.apart;
  if (apart.empty()) return nearest.sorted();
  // Some of those apart may have been recent when the snapshot was taken.
  for (std::size_t at = 0; at < recent.size(); ++at) found.push_back(recent_at(at).slot);
  offer_entries(
      snapshot, query, apart.size(), [&apart](std::size_t at) { return apart[at]; }, found,
      nearest);
  return nearest.sorted();
}

}  // namespace selvedge::vectors
