// Tests of what `index tune` tells people.
#include "cli/index_tune_verb.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace selvedge::cli {
namespace {

using nlohmann::json;
using testing::EndsWith;
using testing::HasSubstr;

json told(double setting) {
  return {{"recall", setting},
          {"measured",
           {{{"recall", 0.9}, {"width", 10}, {"microseconds", 20.4}},
            {{"recall", 0.96}, {"width", 20}, {"microseconds", 33.6}},
            {{"recall", 0.97}, {"width", 40}, {"microseconds", 60}}}}};
}

TEST(TuningText, MarksTheFirstThatFindsEnough) {
  EXPECT_EQ(tuning_text(told(0.95)),
            "recall  width  µs\n"
            "0.900   10     20\n"
            "0.960   20     34  <-\n"
            "0.970   40     60\n"
            "recall 0.95\n");
}

TEST(TuningText, SaysWhenMoreIsWantedThanWasMeasured) {
  EXPECT_THAT(tuning_text(told(0.99)),
              EndsWith("recall 0.99: more than any width promises; every vector is looked at\n"));
  EXPECT_THAT(tuning_text(told(0.99)), testing::Not(HasSubstr("<-")));
}

TEST(TuningText, SaysWhenEveryVectorIsLookedAt) {
  EXPECT_THAT(tuning_text(told(1)), EndsWith("recall 1: every vector is looked at\n"));
  EXPECT_EQ(tuning_text({{"recall", 0.95}, {"measured", json::array()}}),
            "nothing is measured yet: every vector is looked at, or linking is under way\n"
            "recall 0.95\n");
}

}  // namespace
}  // namespace selvedge::cli
