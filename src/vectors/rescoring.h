// Rescoring: exact keys of rows that codes call near.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

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

  // Of the score of the next row's code.
  bool promising(float score) const;
  // Brings near the values of a row that is likely to be offered next.
  void fetch(Slot slot) const;
  // The snapshot sees the row.
  void offer(Slot slot, float score);

 private:
  // What codes said of rows and what the rows themselves say, in the codes' scores.
  class Errors {
   public:
    void add(double error) {
      ++count_;
      sum_ += error;
      squares_ += error * error;
    }
    std::size_t count() const { return static_cast<std::size_t>(count_); }
    // By how much a row may be better than its code says.
    double most(double deviations) const {
      const double mean = sum_ / count_;
      return mean + deviations * std::sqrt(std::max(0.0, squares_ / count_ - mean * mean));
    }

   private:
    double count_ = 0;
    double sum_ = 0;
    double squares_ = 0;
  };
  static constexpr std::size_t kJudgedLeast = 8;

  const Snapshot& snapshot_;
  const PreparedQuery& query_;
  double deviations_;
  std::size_t judged_least_;
  TopK<Candidate>& nearest_;
  Errors errors_;
};

}  // namespace selvedge::vectors
