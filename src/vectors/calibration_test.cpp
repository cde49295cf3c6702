// Tests of the calibration: its truth is the true one, and queries find what the settings promise.
#include "vectors/calibration.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "vectors/near_graph.h"
#include "vectors/rows.h"

namespace selvedge::vectors {
namespace {

constexpr std::size_t kDimensions = 96;
constexpr std::size_t kRows = 3'000;

// Alike in every direction, or around some centres.
class Drawn {
 public:
  explicit Drawn(std::size_t centres) : centres_(centres) {
    for (auto& centre : centres_) centre = normals();
  }
  std::vector<float> next() {
    std::vector<float> values = normals();
    if (centres_.empty()) return values;
    const auto& centre = centres_[random_() % centres_.size()];
    for (std::size_t at = 0; at < kDimensions; ++at) {
      values[at] = values[at] / std::sqrt(1 + static_cast<float>(at) / 4) + centre[at];
    }
    return values;
  }

 private:
  std::vector<float> normals() {
    std::vector<float> values(kDimensions);
    for (float& value : values) value = normal_(random_);
    return values;
  }

  std::mt19937 random_{11};
  std::normal_distribution<float> normal_;
  std::vector<std::vector<float>> centres_;
};

// By which the mean of a hundred queries may lie below that of all there could be.
constexpr float kChance = 0.02F;

// A graph of so many rows, calibrated.
class CalibrationTest : public testing::Test {
 protected:
  void fill(Drawn& drawn) {
    for (std::size_t at = 0; at < kRows; ++at) {
      slots_.push_back(rows_.put(std::to_string(at), drawn.next(), std::nullopt, 1, {}));
    }
    rows_.note_all_recent();
    snapshot_ = rows_.snapshot({kRows, 1, 0}, std::make_shared<const Properties>());
    near_.train(*snapshot_, {});
    for (auto at = snapshot_->recent.begin(); at < snapshot_->recent.end(); ++at) {
      near_.link(*snapshot_, at);
    }
    rows_.recent().drop_before(snapshot_->recent.end());
    snapshot_ = rows_.snapshot({kRows, 1, 0}, std::make_shared<const Properties>());
    near_.publish();
    do near_.calibrate(*snapshot_, true, {});
    while (near_.calibrating());
  }
  // What queries that are not in the index find of the nearest `count`.
  double found(Drawn& drawn, std::size_t count, float recall) const {
    constexpr std::size_t kQueries = 100;
    std::size_t right = 0;
    for (std::size_t at = 0; at < kQueries; ++at) {
      const PreparedQuery query(Metric::cosine, drawn.next());
      const auto nearest = scan(*snapshot_, query, count, {});
      const auto walked = search_near(*near_.view(), *snapshot_, query, count, recall);
      if (!walked) return 1;  // It is for a scan.
      // Kernels for one row and for many round differently.
      const float last = nearest.back().key + 1e-5F;
      for (const Candidate& each : *walked) right += each.key <= last ? 1U : 0U;
    }
    return static_cast<double>(right) / static_cast<double>(kQueries * count);
  }

  // Of an index of such vectors, queries find at every recall and count what was asked for.
  void expect_promises(Drawn& drawn) {
    ASSERT_NO_FATAL_FAILURE(fill(drawn));
    for (const float recall : {0.8F, 0.9F, 0.95F, 0.99F}) {
      for (const std::size_t count : std::vector<std::size_t>{1, 10, 40, 100, 300}) {
        EXPECT_GE(found(drawn, count, recall), recall - kChance) << count;
      }
    }
  }

  Rows rows_{kDimensions};
  std::vector<Slot> slots_;
  std::shared_ptr<const Snapshot> snapshot_;
  NearGraph near_{{kDimensions, Metric::cosine, ""}, {.rows_min = 500}};
};

TEST_F(CalibrationTest, TheNearestByCodesAreTheTrueOnesWhereVectorsAreLeastAlike) {
  Drawn drawn(0);
  ASSERT_NO_FATAL_FAILURE(fill(drawn));
  for (int time = 0; time < 20; ++time) {
    const PreparedQuery query(Metric::cosine, drawn.next());
    const auto exact = scan(*snapshot_, query, 100, {});
    const auto coded = nearest_by_codes(*near_.view(), *snapshot_, query, 100, 1'000, slots_);
    ASSERT_EQ(coded.size(), exact.size());
    for (std::size_t at = 0; at < exact.size(); ++at) {
      ASSERT_EQ(coded[at].slot(), exact[at].slot()) << time << ' ' << at;
    }
  }
}

TEST_F(CalibrationTest, TheCodesOfAllRowsFindWhatAScanDoesAlsoOfRowsWithoutAny) {
  Drawn drawn(0);
  ASSERT_NO_FATAL_FAILURE(fill(drawn));
  rows_.erase("7", 2);
  const std::vector<float> values = drawn.next();
  rows_.put("new", values, std::nullopt, 2, {});
  rows_.put("8", drawn.next(), std::nullopt, 2, {});
  snapshot_ = rows_.snapshot({kRows, 2, 0}, std::make_shared<const Properties>());
  for (int time = 0; time < 20; ++time) {
    const PreparedQuery query(Metric::cosine, drawn.next());
    const auto exact = scan(*snapshot_, query, 30, {});
    const auto coded = search_codes(*near_.view(), *snapshot_, query, 30);
    ASSERT_TRUE(coded.has_value());
    ASSERT_EQ(coded->size(), exact.size());
    for (std::size_t at = 0; at < exact.size(); ++at) {
      ASSERT_EQ((*coded)[at].slot(), exact[at].slot()) << time << ' ' << at;
    }
  }
  const PreparedQuery query(Metric::cosine, values);
  EXPECT_EQ(search_codes(*near_.view(), *snapshot_, query, 1)->front().id(), "new");
}

TEST_F(CalibrationTest, QueriesFindWhatIsPromisedAmongVectorsAlikeInEveryDirection) {
  Drawn drawn(0);
  expect_promises(drawn);
}

TEST_F(CalibrationTest, QueriesFindWhatIsPromisedAmongClusters) {
  Drawn drawn(20);
  expect_promises(drawn);
}

TEST_F(CalibrationTest, ARecallThatNothingPromisesIsForAScan) {
  Drawn drawn(0);
  ASSERT_NO_FATAL_FAILURE(fill(drawn));
  NearView view = *near_.view();
  ASSERT_FALSE(view.settings.empty());
  const PreparedQuery query(Metric::cosine, drawn.next());
  EXPECT_TRUE(search_near(view, *snapshot_, query, 10, 0.9F).has_value());
  EXPECT_FALSE(search_near(view, *snapshot_, query, 10, 0.99999F).has_value());
  view.settings.clear();
  EXPECT_FALSE(search_near(view, *snapshot_, query, 10, 0.5F).has_value());
}

}  // namespace
}  // namespace selvedge::vectors
