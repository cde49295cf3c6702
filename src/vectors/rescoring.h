// Rescoring: exact keys of rows that codes call near.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "ann/candidates.h"
#include "ann/error_spread.h"
#include "vectors/scan.h"
#include "vectors/snapshot.h"
#include "vectors/top_k.h"

namespace selvedge::vectors {

// Offers these rows, which the snapshot sees, with exact keys.
void rescore(const Snapshot& snapshot, const PreparedQuery& query, std::span<const Slot> found,
             TopK<Candidate>& nearest);

// The same of rows in the order of their codes' scores, until no further one is likely to be among
// the `count` nearest: exact keys are what a query reads most memory for. Likely: better than its
// code by no more than so many deviations of what the codes before were wrong by. Borrows all.
class Rescoring {
 public:
  Rescoring(const Snapshot& snapshot, const PreparedQuery& query, std::size_t count,
            double deviations, TopK<Candidate>& nearest)
      : snapshot_(snapshot),
        query_(query),
        deviations_(deviations),
        judged_least_(std::max(count, kJudgedLeast)),
        nearest_(nearest) {}

  // Offers at most `most` of `listed` for which `wanted(slot)`, and adds them to `offered`. Slots
  // that the snapshot does not have are not wanted.
  template <class Wanted>
  void offer(const ann::Candidates& listed, std::size_t most, Wanted wanted,
             std::vector<Slot>& offered) {
    constexpr std::size_t kStampsAhead = 8;
    const std::size_t begun = std::min(most, judged_least_ + kStampsAhead);
    for (std::size_t at = 0; at < begun; ++at) fetch_stamps(listed, at);
    // Before it is known whether they are wanted, as most are.
    for (std::size_t at = 0; at < kTogether; ++at) fetch_values(listed, at);
    std::size_t at = 0;
    for (std::size_t left = most;;) {
      Group group;
      for (; at < listed.size() && group.count < std::min(kTogether, left); ++at) {
        if (!promising(listed.score(at))) break;
        if (at + kStampsAhead >= begun) fetch_stamps(listed, at + kStampsAhead);
        const Slot slot = listed.slot(at);
        if (slot >= snapshot_.slot_end || !wanted(slot)) continue;
        group.places[group.count] = snapshot_.place(slot);
        group.scores[group.count++] = listed.score(at);
        offered.push_back(slot);
      }
      if (group.count == 0) return;
      left -= group.count;
      for (std::size_t next = at; next < at + std::min(kTogether, left); ++next) {
        if (next < listed.size() && promising(listed.score(next))) fetch_values(listed, next);
      }
      offer(group);
    }
  }

 private:
  static constexpr std::size_t kJudgedLeast = 8;
  // Rows that are scored at once, so that memory serves several.
  static constexpr std::size_t kTogether = 4;
  struct Group {
    Place places[kTogether];
    float scores[kTogether];
    std::size_t count = 0;
  };

  // Of the score of the next row's code.
  bool promising(float score) const;
  void fetch_stamps(const ann::Candidates& listed, std::size_t at) const;
  void fetch_values(const ann::Candidates& listed, std::size_t at) const;
  void offer(const Group& group);

  const Snapshot& snapshot_;
  const PreparedQuery& query_;
  double deviations_;
  std::size_t judged_least_;
  TopK<Candidate>& nearest_;
  // What codes said of rows and what the rows themselves say, in the codes' scores.
  ann::ErrorSpread errors_;
};

}  // namespace selvedge::vectors
