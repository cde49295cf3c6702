// NearView: a graph as queries see it, and how they walk it.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "ann/graph.h"
#include "vectors/allowed_rows.h"
#include "vectors/scan.h"
#include "vectors/scratch_pool.h"
#include "vectors/snapshot.h"

namespace selvedge::vectors {

// What a search needs of a graph as it is at some moment. Immutable, but for what grows in the
// graph itself.
struct NearView {
  // Settings say what walks for so many find.
  static constexpr std::size_t kFew = 10;
  static constexpr std::size_t kMany = 100;
  struct Setting {
    std::size_t width = 0;     // Of the walk.
    float recall = 0;          // What a query for few can count on, see Calibration.
    float recall_of_many = 0;  // The same of many; 0 where the width is less.
    float us = 0;              // Of one walk for few, on average.
  };
  std::shared_ptr<const ann::Codes> codes;
  std::shared_ptr<const ann::Graph> graph;
  // Rows that the codes cannot hold: so long or short that float32 is at its end. Scanned always.
  std::shared_ptr<const std::vector<SlotLog::Entry>> apart;
  std::shared_ptr<ScratchPool> scratches;
  std::vector<Setting> settings;  // By width; empty until there was something to measure.

  std::size_t codes_bytes() const {
    return graph->slot_end() * (ann::kBlockBytes + codes->quantizer->rest_bytes());
  }
  std::size_t graph_bytes() const {
    return graph->slot_end() * (ann::Graph::kRowNumbers * sizeof(std::uint32_t) + 1);
  }
};

// Whether a vector or query of this squared length is so long and so short that products with it
// stay well inside float32.
inline bool fits_codes(double squares) {
  constexpr double kSquaresLeast = 1e-24;
  constexpr double kSquaresMost = 1e24;
  return squares >= kSquaresLeast && squares <= kSquaresMost;
}

// A row's values as the codes are made of them: of length 1 for cosine. False: the codes cannot
// hold it. The snapshot sees the slot.
bool values_in_space(Metric metric, std::size_t dimensions, const Snapshot& snapshot, Slot slot,
                     std::vector<float>& values);
bool values_in_space(Metric metric, std::span<const float> row, std::vector<float>& values);

// The nearest rows of a walk of this width, with exact keys, which point into the snapshot. Rows
// that it does not see are left out, so there may be fewer than `count`.
std::vector<Candidate> walk(const NearView& view, const Snapshot& snapshot,
                            const PreparedQuery& query, std::size_t count, std::size_t width);

// The nearest rows, nearly: by a walk, and every row that is not linked yet is looked at. Nothing:
// the graph does not serve this query, or no width promises that recall: it is for a scan.
std::optional<std::vector<Candidate>> search_near(const NearView& view, const Snapshot& snapshot,
                                                  const PreparedQuery& query, std::size_t count,
                                                  float recall);

// The nearest rows by the codes of all of them, of the best of which keys are exact: what a walk
// cannot promise, at a twentieth of what a scan costs. Nothing as with search_near.
std::optional<std::vector<Candidate>> search_codes(const NearView& view, const Snapshot& snapshot,
                                                   const PreparedQuery& query, std::size_t count);

// The same among allowed rows, by whatever is quickest for as many: exact keys of all, codes of
// all, or a walk. Never nothing.
std::vector<Candidate> search_near_allowed(const NearView& view, const Snapshot& snapshot,
                                           const PreparedQuery& query, std::size_t count,
                                           float recall, const AllowedRows& allowed);

// The nearest of these rows, which the snapshot sees and the graph holds: the `width` best by their
// codes, with exact keys.
std::vector<Candidate> nearest_by_codes(const NearView& view, const Snapshot& snapshot,
                                        const PreparedQuery& query, std::size_t count,
                                        std::size_t width, std::span<const Slot> slots);

// The nearest of these rows, which the snapshot sees, exactly. `slots` ascend.
std::vector<Candidate> nearest_of(const Snapshot& snapshot, const PreparedQuery& query,
                                  std::size_t count, std::span<const Slot> slots);

}  // namespace selvedge::vectors
