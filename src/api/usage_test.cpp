// Usage: prices per million tokens, and their text.
#include "api/usage.h"

#include <gtest/gtest.h>

namespace selvedge::api {
namespace {

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
