// Tests of the OpenAI run: calls of the native route for models of the OpenAI generation.
#include "api/openai_run.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace selvedge::api {
namespace {

using nlohmann::json;

TEST(OpenAiRun, ThePathsModelAndItsUsageStandInEveryNativeAnswer) {
  const json inputs = {{"prompt", "x"}, {"stream", true}, {"model", "other"}};
  auto native = parse_native_openai(inputs, "@cf/text");
  ASSERT_TRUE(native.ok()) << native.error().message;
  EXPECT_EQ(native->call.model, "@cf/text");
  EXPECT_TRUE(native->call.include_usage);
  EXPECT_EQ(native->form->object(false), "text_completion");
  EXPECT_EQ(native->call.tasks.at(0).tokens_max, 256);
}

TEST(OpenAiRun, MessagesCountBeforeAPrompt) {
  const json inputs = {{"prompt", "x"}, {"messages", {{{"role", "user"}, {"content", "y"}}}}};
  auto native = parse_native_openai(inputs, "@cf/text");
  ASSERT_TRUE(native.ok()) << native.error().message;
  EXPECT_EQ(native->form->object(true), "chat.completion.chunk");
}

TEST(OpenAiRun, WithoutEitherTheValidatorsWordsAreUsed) {
  auto native = parse_native_openai(json::object(), "@cf/text");
  ASSERT_FALSE(native.ok());
  EXPECT_EQ(native.error().code, Code::invalid_input);
  EXPECT_EQ(native.error().message, "required properties at '/' are 'messages'");
}

}  // namespace
}  // namespace selvedge::api
