// Calibration: which share of the nearest walks of which width find, by an index's own vectors.
#pragma once

#include <cstddef>
#include <random>
#include <span>
#include <stop_token>
#include <vector>

#include "vectors/index.h"
#include "vectors/near_view.h"
#include "vectors/snapshot.h"

namespace selvedge::vectors {

// Asks questions that are not in the index and compares what walks find with the nearest of all
// linked vectors: those of the best codes, by exact keys. The graph has no part in that. A part at
// a time, since each question looks at every code. One thread at a time.
class Calibration {
 public:
  // Of an index of so many linked vectors.
  Calibration(Metric metric, std::size_t dimensions, std::size_t linked);

  std::size_t linked() const { return linked_; }
  // Asks for some hundredths of a second, one question at least. The thread is that which links
  // into the view's graph. Returns whether no more is to be asked; false, too, when it was stopped.
  bool ask_some(const NearView& view, const Snapshot& snapshot, const std::stop_token& stop);
  // By width, what is promised never falling. Empty where nothing could be asked.
  std::vector<NearView::Setting> settings() const;

 private:
  // Of what each walk for so many should have found, what it did.
  struct Shares {
    double asked = 0;
    double sum = 0;
    double squares = 0;

    void add(double share) {
      asked += 1;
      sum += share;
      squares += share * share;
    }
    // What the next walk for so many `matches` can count on.
    float promised(std::size_t matches) const;
  };
  struct Width {
    Shares few;
    Shares many;
    std::size_t walks = 0;
    double us = 0;  // Of all those for few.
  };

  bool draw(const NearView& view, const Snapshot& snapshot, std::span<const Slot> linked,
            std::vector<float>& question);
  void ask(const NearView& view, const Snapshot& snapshot, std::span<const Slot> linked,
           std::span<const float> question);

  Metric metric_;
  std::size_t dimensions_;
  std::size_t linked_;
  std::mt19937_64 random_;
  std::size_t drawn_ = 0;
  std::vector<Width> widths_;  // The first ones of those that are measured.
};

}  // namespace selvedge::vectors
