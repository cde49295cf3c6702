// Tests of tuning: the recall of an index and of a request, and the figures of its memory.
#include "api/vectorize_tuning.h"

#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/fakes.h"

namespace selvedge::api {
namespace {

using testing::HasSubstr;

std::string told(const Result<std::string>& result) {
  if (result.ok()) return *result;
  return std::string(code_name(result.error().code)) + ": " + result.error().message;
}

class TuningTest : public testing::Test {
 protected:
  TuningTest() { EXPECT_TRUE(store_.create("a", "docs", "", {2, {}, {}}).ok()); }

  Result<std::optional<float>> asked(std::string value) const {
    http::Request request;
    request.headers.add("selvedge-recall", std::move(value));
    return recall_of(request, rules_);
  }

  fakes::FakeStore store_;
  Rules rules_;
  IndexPath path_{store_, "a", "docs", rules_};
  IndexPath absent_{store_, "a", "none", rules_};
};

TEST_F(TuningTest, WhatIsSetIsToldWithWhatWasMeasured) {
  const std::string measured = R"("measured":[{"recall":0.5,"width":10,"microseconds":20},)"
                               R"({"recall":0.75,"width":20,"microseconds":32.5}]})";
  EXPECT_EQ(told(index_recall(path_)), R"({"recall":0.95,)" + measured);
  EXPECT_EQ(told(set_index_recall(path_, R"({"recall":0.99})")), R"({"recall":0.99,)" + measured);
  EXPECT_EQ(told(index_recall(path_)), R"({"recall":0.99,)" + measured);
}

TEST_F(TuningTest, BodiesOfAWrongShapeAreRefusedAndNothingIsSet) {
  for (const char* body : {"", "{", "[]", "0.9", "{}", R"({"recall":null})", R"({"recall":"0.9"})",
                           R"({"recall":1.01})", R"({"recall":-0.1})", R"({"recall":true})"}) {
    EXPECT_THAT(told(set_index_recall(path_, body)), HasSubstr("query_invalid")) << body;
  }
  EXPECT_THAT(told(index_recall(path_)), HasSubstr(R"("recall":0.95)"));
}

TEST_F(TuningTest, AnIndexThatIsNotThereIsNotFound) {
  EXPECT_THAT(told(index_recall(absent_)), HasSubstr("index_not_found"));
  EXPECT_THAT(told(set_index_recall(absent_, R"({"recall":1})")), HasSubstr("index_not_found"));
  EXPECT_THAT(told(index_memory(absent_)), HasSubstr("index_not_found"));
}

TEST_F(TuningTest, TheHeaderIsANumberFromZeroToOne) {
  EXPECT_EQ(recall_of(http::Request(), rules_).value(), std::nullopt);
  EXPECT_EQ(asked("0.9").value(), 0.9F);
  EXPECT_EQ(asked("1").value(), 1.0F);
  EXPECT_EQ(asked("0").value(), 0.0F);
  for (const char* wrong : {"", "much", "1.1", "-1", "0.9 ", "0.9,0.8", "nan"}) {
    const auto refused = asked(wrong);
    ASSERT_FALSE(refused.ok()) << wrong;
    EXPECT_THAT(refused.error().message, HasSubstr("selvedge-recall")) << wrong;
  }
}

TEST_F(TuningTest, StrictRulesPassOverTheHeader) {
  rules_.hosted = true;
  EXPECT_EQ(asked("0.9").value(), std::nullopt);
  EXPECT_EQ(asked("much").value(), std::nullopt);
}

TEST_F(TuningTest, MemoryIsToldByKind) {
  EXPECT_EQ(told(index_memory(path_)),
            R"({"linkedCount":0,"recentCount":0,"deadCount":0,"valuesBytes":0,"mappedBytes":0,)"
            R"("codesBytes":0,"graphBytes":0,"otherBytes":0,"loaded":true})");
}

}  // namespace
}  // namespace selvedge::api
