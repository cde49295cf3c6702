// Tests of the usage page: costs by hand.
#include "api/usage_page.h"

#include <gtest/gtest.h>

namespace selvedge::api {
namespace {

catalog::ModelRow used(const char* account, const char* day, double neurons) {
  catalog::ModelRow row{day, account, "", "@cf/a", {}};
  row.use.neurons = neurons;
  return row;
}

TEST(MonthCosts, NeuronsBeyondTheFreeOnesOfEachDayAreBilled) {
  const std::vector<catalog::ModelRow> rows = {
      used("a", "2026-11-01", 9'000), used("a", "2026-11-01", 3'000),
      used("a", "2026-11-02", 9'000), used("b", "2026-11-02", 110'000)};
  const auto costs = month_costs(rows, {});
  ASSERT_EQ(costs.size(), 2u);
  EXPECT_EQ(costs[0].neurons, 21'000);
  EXPECT_EQ(costs[0].neurons_billed, 2'000);
  EXPECT_DOUBLE_EQ(costs[0].ai_usd(), 0.022);
  EXPECT_DOUBLE_EQ(costs[1].ai_usd(), 1.1);
}

// The example of the pricing page, less what is included.
TEST(MonthCosts, VectorsArePaidForByQueriedAndStoredDimensions) {
  std::vector<catalog::VectorRow> rows = {{"2026-11-01", "a", "docs", {400'000, 1'536, 500'000}},
                                          {"2026-11-02", "a", "docs", {600'000, 1'536, 300'000}}};
  const auto costs = month_costs({}, rows);
  ASSERT_EQ(costs.size(), 1u);
  EXPECT_EQ(costs[0].queried_dimensions, 1'500'000.0 * 1'536);
  EXPECT_EQ(costs[0].stored_dimensions, 500'000.0 * 1'536);
  EXPECT_NEAR(costs[0].vectorize_usd(), (2'304 - 50) * 0.01 + (768 - 10) * 0.0005, 1e-9);
  rows = {{"2026-11-01", "a", "docs", {10, 768, 100}}};
  EXPECT_EQ(month_costs({}, rows)[0].vectorize_usd(), 0);
}

}  // namespace
}  // namespace selvedge::api
