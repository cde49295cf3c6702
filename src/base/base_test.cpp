// Tests of the base: results, UTF-8, UUIDs, SHA-256.
#include <regex>

#include <gtest/gtest.h>

#include "base/result.h"
#include "base/sha256.h"
#include "base/utf8.h"
#include "base/uuid.h"

namespace selvedge {
namespace {

Result<int> half(int number) {
  if (number % 2 != 0) return Error{Code::invalid_input, "odd"};
  return number / 2;
}

Result<int> quarter(int number) {
  SEL_TRY(once, half(number));
  SEL_TRY(twice, half(once));
  return twice;
}

TEST(Result, TryPassesTheErrorUpUnchanged) {
  EXPECT_EQ(quarter(12).value(), 3);
  EXPECT_EQ(quarter(6).error().message, "odd");
  EXPECT_EQ(quarter(6).error().code, Code::invalid_input);
}

TEST(Result, EveryCodeHasAName) {
  for (int at = 0; at < kCodeCount; ++at) EXPECT_STRNE(code_name(static_cast<Code>(at)), "unknown");
  EXPECT_STREQ(code_name(Code::internal), "internal");
  EXPECT_STREQ(code_name(Code::invalid_json), "invalid_json");
  EXPECT_STREQ(code_name(Code::index_not_found), "index_not_found");
}

TEST(Utf8, RefusesOverlongSurrogateAndCutSequences) {
  EXPECT_TRUE(utf8::valid("Durable Objects 提供強一致性 😀"));
  EXPECT_FALSE(utf8::valid("\xC0\x80"));
  EXPECT_FALSE(utf8::valid("\xED\xA0\x80"));
  EXPECT_FALSE(utf8::valid("\xF4\x90\x80\x80"));
  EXPECT_FALSE(utf8::valid("\xE4\xBD"));
}

TEST(Utf8, HoldsBackExactlyTheUnfinishedCharacter) {
  const std::string text = "a提😀";
  EXPECT_EQ(utf8::incomplete_tail_bytes(text), 0u);
  EXPECT_EQ(utf8::incomplete_tail_bytes(text.substr(0, 2)), 1u);
  EXPECT_EQ(utf8::incomplete_tail_bytes(text.substr(0, 3)), 2u);
  EXPECT_EQ(utf8::incomplete_tail_bytes(text.substr(0, 4)), 0u);
  EXPECT_EQ(utf8::incomplete_tail_bytes(text.substr(0, 7)), 3u);
  EXPECT_EQ(utf8::incomplete_tail_bytes("\xBF"), 0u);
}

TEST(Utf8, RepairsOnlyWhatIsBroken) {
  EXPECT_EQ(utf8::repaired("好\xE4\xBD!"), "好\uFFFD!");
  EXPECT_EQ(utf8::repaired("好"), "好");
}

TEST(Utf8, DecodesAndEncodesBackTheSameText) {
  const std::string text = "aé提😀";
  std::string back;
  for (const char32_t c : utf8::decode(text)) utf8::append(back, c);
  EXPECT_EQ(back, text);
}

TEST(Utf8, FloorsALengthToAWholeCharacter) {
  EXPECT_EQ(utf8::floor_boundary("提提", 5), 3u);
  EXPECT_EQ(utf8::floor_boundary("提提", 6), 6u);
  EXPECT_EQ(utf8::floor_boundary("提提", 2), 0u);
}

TEST(Uuid, RandomOnesDifferAndHaveTheirForm) {
  const std::regex form("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  EXPECT_TRUE(std::regex_match(random_uuid(), form));
  EXPECT_NE(random_uuid(), random_uuid());
}

TEST(Uuid, NumbersMakeTheSameTextEachTimeAndOtherNumbersAnother) {
  EXPECT_EQ(uuid_from_numbers(1, 2), uuid_from_numbers(1, 2));
  EXPECT_NE(uuid_from_numbers(1, 2), uuid_from_numbers(1, 3));
  EXPECT_EQ(uuid_from_numbers(0, 7), "00000000-0000-8000-8000-000000000007");
}

TEST(Sha256, MatchesThePublishedValueOfAbc) {
  Sha256 hash;
  hash.add("a");
  hash.add("bc");
  EXPECT_EQ(hash.hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256, AMissingFileIsAnError) {
  EXPECT_EQ(sha256_of_file("/nonexistent/file").error().code, Code::not_found);
}

}  // namespace
}  // namespace selvedge
