// Tests of `selvedge bench vectors`, but for what it times.
#include "app/bench_verb.h"

#include <fstream>
#include <random>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cli/array_file.h"
#include "vectors/fixtures.h"

namespace selvedge::app {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kDimensions = 8;

class BenchTest : public testing::Test {
 protected:
  BenchTest() {
    options_.base = write("base.npy", 300, 1);
    options_.queries = write("queries.npy", 10, 2);
    options_.rounds = 1;
  }

  fs::path write(const std::string& name, std::size_t rows, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> draw;
    std::ofstream file(folder_ / name, std::ios::binary);
    file << cli::npy_header(rows, kDimensions);
    for (std::size_t at = 0; at < rows * kDimensions; ++at) {
      const float value = draw(random);
      file.write(reinterpret_cast<const char*>(&value), sizeof(value));
    }
    return folder_ / name;
  }

  BenchReport run() {
    auto report = run_bench(options_, true);
    EXPECT_TRUE(report.ok()) << report.error().message;
    return report.ok() ? std::move(*report) : BenchReport();
  }
  Code failure() {
    const auto report = run_bench(options_, true);
    return report.ok() ? Code::internal : report.error().code;
  }

  vectors::fixtures::TemporaryFolder made_;
  fs::path folder_ = made_.path();
  BenchOptions options_;
};

TEST(BenchData, RecallCountsTheNearestOnly) {
  const Neighbours truth = {{1, 2, 3}, {4, 5, 6}};
  EXPECT_EQ(recall_of({{2, 1}, {4, 9}}, truth, 2), 0.75);
  EXPECT_EQ(recall_of({{3}, {6}}, truth, 2), 0);
  EXPECT_EQ(recall_of({{}, {}}, {{}, {}}, 2), 1) << "nothing is there to be found";
}

TEST(BenchData, DrawsAreThoseOfSplitmix64) {
  // The first output of the published generator with the seed 0, which is row 7.
  EXPECT_DOUBLE_EQ(filter_draw(7), 16'294'208'416'658'607'535.0 / 18'446'744'073'709'551'616.0);
  std::size_t below = 0;
  for (std::uint64_t row = 0; row < 100'000; ++row) below += filter_draw(row) < 0.1 ? 1 : 0;
  EXPECT_NEAR(static_cast<double>(below), 10'000, 400);
}

TEST_F(BenchTest, RecallOneFindsAllWithAndWithoutFilters) {
  for (const bool by_tag : {false, true}) {
    options_.filter_by_tag = by_tag;
    options_.selectivities = {0.1, 0.5};
    const BenchReport report = run();
    EXPECT_EQ(report.vectors, 300u);
    EXPECT_EQ(report.sweep.back().figures.recall, 1);
    ASSERT_EQ(report.filtered.size(), 2u);
    EXPECT_EQ(report.filtered[0].rows.back().figures.recall, 1);
    EXPECT_NEAR(report.filtered[0].allowed, 0.1, 0.06);
  }
}

TEST_F(BenchTest, TheJsonHasEveryPartThatWasAskedFor) {
  options_.folder = folder_ / "home";
  options_.live = true;
  options_.live_s = 0.1;
  options_.threads = 2;
  const auto json = report_json(run());
  EXPECT_GT(json.at("build_cpu_s"), 0);
  EXPECT_EQ(json.at("sweep").size(), 4u);
  EXPECT_EQ(json.at("sweep")[1].at("setting"), 0.95);
  EXPECT_GT(json.at("sweep")[0].at("qps_threads"), 0);
  EXPECT_EQ(json.at("live").at("seen_late"), 0);
  EXPECT_FALSE(json.contains("http"));
  EXPECT_FALSE(json.contains("filtered"));
}

TEST_F(BenchTest, AKeptFolderIsTakenAgainAndNotForOtherVectorsOrFilters) {
  options_.folder = folder_ / "kept";
  options_.live = true;
  options_.live_s = 0.1;
  EXPECT_TRUE(run().build.built);
  options_.live = false;  // Once takes long enough.
  EXPECT_FALSE(run().build.built) << "what --live wrote is gone again";
  options_.selectivities = {0.1};
  EXPECT_EQ(failure(), Code::already_exists);
  options_.selectivities.clear();
  options_.limit_base = 100;
  EXPECT_EQ(failure(), Code::already_exists);
}

TEST_F(BenchTest, TablesThatDoNotFitAreRefused) {
  options_.scale = options_.queries;
  EXPECT_EQ(failure(), Code::file_invalid);
  options_.scale.clear();
  options_.truth = options_.queries;  // No whole numbers.
  options_.top_k = 5;
  EXPECT_EQ(failure(), Code::file_invalid);
}

}  // namespace
}  // namespace selvedge::app
