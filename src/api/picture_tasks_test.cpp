// Tests of picture tasks: what is asked of the model, and what becomes of its answer.
#include "api/picture_tasks.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace selvedge::api {
namespace {

using nlohmann::json;

constexpr const char* kPngBase64 = "iVBORw0KGgpyZXN0";

catalog::ModelEntry entry(catalog::Task task) {
  catalog::ModelEntry entry;
  entry.id = "@cf/t/eyes";
  entry.task = task;
  return entry;
}

Result<PictureCall> caption(json input) {
  return parse_picture_call(input, {}, entry(catalog::Task::image_to_text));
}

TEST(PictureTasks, ACaptionAsksWhatTheCallerAsksBehindThePicture) {
  const auto call = caption({{"image", kPngBase64},
                             {"prompt", "What is it?"},
                             {"max_tokens", 7},
                             {"temperature", 0},
                             {"seed", 5}});
  ASSERT_TRUE(call.ok()) << call.error().message;
  EXPECT_FALSE(call->labels);
  ASSERT_EQ(call->task.messages.size(), 1u);
  EXPECT_EQ(call->task.messages[0].content, "What is it?");
  ASSERT_EQ(call->task.messages[0].pictures.size(), 1u);
  EXPECT_EQ(call->task.messages[0].pictures[0].at, 0u);
  EXPECT_EQ(call->task.tokens_max, 7);
  EXPECT_FALSE(call->task.cut_to_window);
  EXPECT_EQ(call->task.sampling.temperature, 0);
  EXPECT_EQ(call->task.sampling.seed, 5u);
}

TEST(PictureTasks, WithoutAQuestionAndALimitThereAreOnesOfOurs) {
  const auto call = caption({{"image", kPngBase64}, {"prompt", ""}});
  ASSERT_TRUE(call.ok());
  EXPECT_FALSE(call->task.messages[0].content.empty());
  EXPECT_EQ(call->task.tokens_max, 512);
  EXPECT_TRUE(call->task.cut_to_window);
}

TEST(PictureTasks, NumbersThatNoTypeHoldsAreMovedIntoTheirRange) {
  const auto call = caption({{"image", kPngBase64},
                             {"seed", -1e300},
                             {"top_k", 1e300},
                             {"temperature", -1},
                             {"top_p", 9}});
  ASSERT_TRUE(call.ok());
  EXPECT_EQ(call->task.sampling.seed, 0u);
  EXPECT_EQ(call->task.sampling.top_k, 1'000'000);
  EXPECT_EQ(call->task.sampling.temperature, 0);
  EXPECT_EQ(call->task.sampling.top_p, 1);
}

TEST(PictureTasks, MessagesMustBeTurnsOfTexts) {
  for (const char* messages :
       {R"([])", R"([{}])", R"([{"role":"user"}])", R"([{"role":1,"content":"a"}])",
        R"([{"role":"user","content":[1]}])", R"([{"role":"king","content":"a"}])",
        R"([{"role":"system","content":"a"}])"}) {
    const auto call = caption({{"image", kPngBase64}, {"messages", json::parse(messages)}});
    ASSERT_FALSE(call.ok()) << messages;
    EXPECT_EQ(call.error().code, Code::invalid_input);
  }
}

TEST(PictureTasks, ALabelIsAskedForAlwaysInTheSameWay) {
  json input = {{"image", kPngBase64}};
  const auto call = parse_picture_call(input, {}, entry(catalog::Task::image_classification));
  ASSERT_TRUE(call.ok()) << call.error().message;
  EXPECT_TRUE(call->labels);
  EXPECT_EQ(call->task.sampling.temperature, 0);
  EXPECT_TRUE(call->task.sampling.logprobs);
}

TEST(PictureTasks, ABodyIsThePictureAndMustBeOne) {
  json none = json::object();
  const auto eyes = entry(catalog::Task::image_to_text);
  EXPECT_TRUE(parse_picture_call(none, std::string("\xff\xd8\xff"), eyes).ok());
  EXPECT_FALSE(parse_picture_call(none, "text", eyes).ok());
  EXPECT_FALSE(parse_picture_call(none, {}, eyes).ok());
}

}  // namespace
}  // namespace selvedge::api
