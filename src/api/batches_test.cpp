// Tests of batches: what is kept, what is refused, and what is forgotten.
#include "api/batches.h"

#include <gmock/gmock.h>

namespace selvedge::api {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

json requests(int count) {
  json list = json::array();
  for (int at = 0; at < count; ++at) list.push_back({{"text", std::to_string(at)}});
  return list;
}

TEST(Batches, WaitsRunsAndAnswersInOrder) {
  Batches batches;
  const auto list =
      json::parse(R"([{"text":"a","external_reference":"x","stream":true},{"text":"b"}])");
  const auto batch = batches.submit("@cf/m", list, 10).value();
  EXPECT_EQ(json::parse(batches.poll(batch->id).value()),
            json({{"status", "queued"}, {"request_id", batch->id}, {"model", "@cf/m"}}));
  ASSERT_TRUE(batches.start_worker());
  const auto taken = batches.next();
  ASSERT_EQ(taken, batch);
  EXPECT_EQ(taken->inputs[0], json({{"text", "a"}}));
  batches.add_result(*taken, R"({"response":"A"})", 1.5);
  EXPECT_EQ(json::parse(batches.poll(batch->id).value())["status"], "running");
  batches.add_failure(*taken, 5006, "bad \"input\"");
  EXPECT_EQ(json::parse(batches.poll(batch->id).value()), json::parse(R"({"responses":[
      {"id":0,"external_reference":"x","success":true,"result":{"response":"A"}},
      {"id":1,"external_reference":null,"success":false,"result":{},
       "errors":[{"code":5006,"message":"bad \"input\""}]}],"usage":{"neurons":1.5}})"));
  EXPECT_EQ(batches.next(), nullptr);
}

TEST(Batches, WhatIsNoListOfObjectsIsRefused) {
  Batches batches;
  EXPECT_EQ(batches.submit("m", json("x"), 10).error().code, Code::invalid_input);
  EXPECT_EQ(batches.submit("m", json::array(), 10).error().code, Code::invalid_input);
  EXPECT_EQ(batches.submit("m", json::array({1}), 10).error().code, Code::invalid_input);
  EXPECT_EQ(batches.submit("m", requests(1'001), 10).error().code, Code::invalid_input);
  EXPECT_THAT(batches.submit("m", json::parse(R"([{"external_reference":1}])"), 10).error().message,
              HasSubstr("/requests/0/external_reference"));
}

TEST(Batches, UnknownIdsAreNotFound) {
  EXPECT_EQ(Batches().poll("x").error().code, Code::not_found);
}

TEST(Batches, WorkersAreBounded) {
  Batches batches;
  for (int at = 0; at < Batches::kWorkersMax; ++at) EXPECT_TRUE(batches.start_worker());
  EXPECT_FALSE(batches.start_worker());
  EXPECT_EQ(batches.next(), nullptr);
  EXPECT_TRUE(batches.start_worker());
}

TEST(Batches, TooManyThatWaitAreRefused) {
  Batches batches;
  for (std::size_t at = 0; at < Batches::kWaitingMax; ++at) {
    ASSERT_TRUE(batches.submit("m", requests(1), 10).ok());
  }
  EXPECT_EQ(batches.submit("m", requests(1), 10).error().code, Code::queue_full);
}

TEST(Batches, TheOldestAnswersAreForgottenWhenTheyTakeTooMuch) {
  Batches batches;
  const auto first = batches.submit("m", requests(1), 10).value();
  const auto second = batches.submit("m", requests(1), 10).value();
  const std::string large = '"' + std::string(Batches::kKeptBytesMax / 2, 'x') + '"';
  batches.add_result(*first, large, 0);
  EXPECT_TRUE(batches.poll(first->id).ok());
  batches.add_result(*second, large, 0);
  EXPECT_FALSE(batches.poll(first->id).ok());
  EXPECT_TRUE(batches.poll(second->id).ok());
}

TEST(Batches, AForgottenBatchThatStillRunsTakesNoMemoryFromOthers) {
  Batches batches;
  const auto running = batches.submit("m", requests(200), 10).value();
  ASSERT_EQ(batches.next(), running);
  for (std::size_t at = 0; at < Batches::kKeptMax; ++at) {
    ASSERT_TRUE(batches.submit("m", requests(1), 10).ok());
    batches.next();
  }
  EXPECT_TRUE(running->forgotten);
  const std::string large = '"' + std::string(1'000'000, 'x') + '"';
  for (int at = 0; at < 199; ++at) batches.add_result(*running, large, 0);
  const auto fresh = batches.submit("m", requests(2), 10).value();
  batches.add_result(*fresh, "1", 0);
  batches.add_result(*fresh, "2", 0);
  EXPECT_TRUE(batches.poll(fresh->id).ok());
}

TEST(Batches, InputsThatWaitAreBoundedInBytes) {
  Batches batches;
  EXPECT_EQ(batches.submit("m", requests(1), Batches::kInputBytesMax + 1).error().code,
            Code::body_too_large);
  for (int at = 0; at < 6; ++at) {
    ASSERT_TRUE(batches.submit("m", requests(1), Batches::kInputBytesMax).ok());
  }
  EXPECT_EQ(batches.submit("m", requests(1), Batches::kInputBytesMax).error().code,
            Code::queue_full);
  batches.next();
  EXPECT_TRUE(batches.submit("m", requests(1), Batches::kInputBytesMax).ok());
}

TEST(Batches, ABatchHoldsNoBatches) {
  Batches batches;
  for (const char* inner : {R"([{"requests":[{}]}])", R"([{"request_id":"x"}])"}) {
    EXPECT_THAT(batches.submit("m", json::parse(inner), 10).error().message,
                HasSubstr("no batches"));
  }
  const auto batch =
      batches.submit("m", json::parse(R"([{"text":"a","options":{"queueRequest":true}}])"), 10)
          .value();
  EXPECT_EQ(batch->inputs[0], json({{"text", "a"}}));
}

}  // namespace
}  // namespace selvedge::api
