// Tests of OpenAI audio: the fields of a form.
#include "api/openai_audio.h"

#include <gtest/gtest.h>

namespace selvedge::api {
namespace {

std::string part(const std::string& name, const std::string& value) {
  return "--x\r\ncontent-disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
}

struct Parsed {
  Result<OpenAiAudioCall> call;
  std::string param;
};
Parsed parse(const std::string& parts, bool translate = false) {
  std::string param;
  auto call =
      parse_openai_audio("multipart/form-data; boundary=x", parts + "--x--\r\n", translate, param);
  return {std::move(call), std::move(param)};
}

TEST(OpenAiAudio, ReadsAllFields) {
  const auto parsed =
      parse(part("model", "whisper-1") + part("file", std::string("a\0b", 3)) +
            part("language", "de") + part("prompt", "names") + part("temperature", "0.5") +
            part("response_format", "verbose_json") + part("timestamp_granularities[]", "word"));
  ASSERT_TRUE(parsed.call.ok()) << parsed.call.error().message;
  const OpenAiAudioCall& call = parsed.call.value();
  EXPECT_EQ(call.model, "whisper-1");
  EXPECT_EQ(call.task.request.audio, std::string("a\0b", 3));
  EXPECT_EQ(call.task.request.language, "de");
  EXPECT_EQ(call.task.request.prompt, "names");
  EXPECT_DOUBLE_EQ(call.task.request.temperature, 0.5);
  EXPECT_FALSE(call.task.request.translate);
  EXPECT_TRUE(call.words);
  EXPECT_FALSE(call.segments);
}

TEST(OpenAiAudio, ATranslationHasNoLanguage) {
  const auto parsed = parse(part("model", "m") + part("file", "a") + part("language", "de"), true);
  ASSERT_TRUE(parsed.call.ok());
  EXPECT_TRUE(parsed.call.value().task.request.translate);
  EXPECT_EQ(parsed.call.value().task.request.language, "");
}

TEST(OpenAiAudio, NamesTheFieldAtFault) {
  const std::string good = part("model", "m") + part("file", "a");
  EXPECT_EQ(parse(part("file", "a")).param, "model");
  EXPECT_EQ(parse(part("model", "m")).param, "file");
  for (const char* temperature : {"", "warm", "1.5", "-1", "0.5x", "nan"}) {
    const auto parsed = parse(good + part("temperature", temperature));
    EXPECT_FALSE(parsed.call.ok()) << temperature;
    EXPECT_EQ(parsed.param, "temperature");
  }
  EXPECT_EQ(parse(good + part("response_format", "xml")).param, "response_format");
  EXPECT_EQ(parse(good + part("prompt", "\xff")).param, "prompt");
  EXPECT_EQ(parse(good + part("timestamp_granularities[]", "word")).param,
            "timestamp_granularities");
}

TEST(OpenAiAudio, KnowsTheNamesThatClientsUse) {
  EXPECT_EQ(speech_model_id("whisper-1"), "@cf/openai/whisper");
  EXPECT_EQ(speech_model_id("whisper-large-v3-turbo"), "@cf/openai/whisper-large-v3-turbo");
  EXPECT_EQ(speech_model_id("workers-ai/@cf/openai/whisper"), "@cf/openai/whisper");
  EXPECT_EQ(speech_model_id("gpt-9"), "gpt-9");
}

}  // namespace
}  // namespace selvedge::api
