// Tests of speech input: whichever way a file comes, it is the same bytes.
#include "api/speech_input.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace selvedge::api {
namespace {

using testing::HasSubstr;

std::string all_bytes() {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
  return bytes;
}

std::string listed(const std::string& bytes) {
  std::string json = "{\"source_lang\":\"de\",\"audio\":[";
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    json += (at > 0 ? ", " : "") + std::to_string(static_cast<unsigned char>(bytes[at]));
  }
  return json + "],\"options\":{\"tags\":[\"a\"]}}";
}

TEST(SpeechInput, ABodyThatIsNoObjectIsTheFile) {
  const std::string file = "RIFF" + all_bytes();
  const auto input = read_speech_input(file);
  ASSERT_TRUE(input.ok());
  EXPECT_TRUE(input->is_body);
  EXPECT_EQ(input->bytes, file);
}

TEST(SpeechInput, AListOfBytesIsTheFile) {
  const auto input = read_speech_input(listed(all_bytes()));
  ASSERT_TRUE(input.ok()) << input.error().message;
  EXPECT_FALSE(input->is_body);
  EXPECT_EQ(input->bytes, all_bytes());
  EXPECT_EQ(input->inputs["source_lang"], "de");
  EXPECT_EQ(input->inputs["audio"], nlohmann::json::array());
  EXPECT_EQ(input->inputs["options"]["tags"][0], "a");
}

TEST(SpeechInput, ParsedInputsGiveTheSame) {
  const auto input = speech_input_of(nlohmann::json::parse(listed(all_bytes())));
  ASSERT_TRUE(input.ok());
  EXPECT_EQ(input->bytes, all_bytes());
}

TEST(SpeechInput, BytesThatAreNoneAreNamed) {
  const auto message = [](const std::string& items) {
    const std::string body = "{\"audio\":[" + items + "]}";
    const auto read = read_speech_input(body);
    const auto parsed = speech_input_of(nlohmann::json::parse(body));
    EXPECT_FALSE(read.ok()) << items;
    EXPECT_FALSE(parsed.ok()) << items;
    if (read.ok() || parsed.ok()) return std::string();
    EXPECT_EQ(read.error().code, Code::invalid_input);
    EXPECT_EQ(read.error().message, parsed.error().message);
    return read.error().message;
  };
  EXPECT_THAT(message("1,256"), HasSubstr("'/audio/1' must be <= 255"));
  EXPECT_THAT(message("-1"), HasSubstr("'/audio/0' must be >= 0"));
  EXPECT_THAT(message("1.5"), HasSubstr("'/audio/0' must be a whole number"));
  EXPECT_THAT(message("1e300"), HasSubstr("'/audio/0' must be <= 255"));
  EXPECT_THAT(message("3,\"a\""),
              HasSubstr("Type mismatch of '/audio/1', 'number' not in 'string'"));
  EXPECT_THAT(message("[1]"), HasSubstr("'/audio/0'"));
}

TEST(SpeechInput, WhatIsNotJsonIsTold) {
  for (const char* body :
       {"{", "{\"audio\":[1,2", "{\"audio\":[1,]}", "{\"audio\":[1]} x", "{\"audio\":[01]}"}) {
    const auto input = read_speech_input(body);
    ASSERT_FALSE(input.ok()) << body;
    EXPECT_EQ(input.error().code, Code::invalid_json) << body;
  }
  EXPECT_EQ(read_speech_input("").error().code, Code::missing_body);
}

TEST(SpeechInput, OfTwoTheLastCounts) {
  const auto input = read_speech_input("{\"audio\":[1,2],\"audio\":[3]}");
  ASSERT_TRUE(input.ok());
  EXPECT_EQ(input->bytes, "\x03");
  const auto text = read_speech_input("{\"audio\":[1,2],\"audio\":\"aGk=\"}");
  ASSERT_TRUE(text.ok());
  EXPECT_EQ(text->bytes, "");
  EXPECT_EQ(text->inputs["audio"], "aGk=");
}

}  // namespace
}  // namespace selvedge::api
