// Usage: prices per million tokens, and their text.
#include "api/usage.h"

#include <gtest/gtest.h>

namespace selvedge::api {
namespace {

catalog::ModelEntry priced() {
  catalog::ModelEntry entry;
  entry.prices.per_m_input_tokens = 25608;
  entry.prices.per_m_output_tokens = 75147;
  return entry;
}

TEST(Usage, NeuronsAreTokensTimesUnitPrices) {
  EXPECT_DOUBLE_EQ(neurons_of(priced(), {1'000'000, 0, 0}), 25608);
  EXPECT_DOUBLE_EQ(neurons_of(priced(), {100, 0, 10}), 2.5608 + 0.75147);
  EXPECT_EQ(neurons_of(catalog::ModelEntry(), {100, 0, 10}), 0);
}

TEST(Usage, CachedTokensCostLessOnlyWhereTheyHaveAPrice) {
  auto entry = priced();
  EXPECT_DOUBLE_EQ(neurons_of(entry, {100, 60, 0}), 2.5608);
  entry.prices.per_m_cached_input_tokens = 1000;
  EXPECT_DOUBLE_EQ(neurons_of(entry, {100, 60, 0}), 40 * 0.025608 + 60 * 0.001);
}

TEST(Usage, TextIsShort) {
  EXPECT_EQ(neurons_text(0), "0");
  EXPECT_EQ(neurons_text(1.98), "1.98");
  EXPECT_EQ(neurons_text(12), "12");
  EXPECT_EQ(neurons_text(120), "120");
  EXPECT_EQ(neurons_text(0.0000014), "0.000001");
}

TEST(Usage, JsonHasTheTokensAndTheNeurons) {
  std::string json;
  append_usage(json, {25, 5, 2}, 0.79);
  EXPECT_EQ(json, R"({"prompt_tokens":25,"completion_tokens":2,"total_tokens":27,)"
                  R"("prompt_tokens_details":{"cached_tokens":5},"neurons":0.79})");
}

}  // namespace
}  // namespace selvedge::api
