// Tests of token ends: offsets for tokenizers that keep, lower, strip and lose characters.
#include "engines/token_ends.h"

#include <gtest/gtest.h>

namespace selvedge::engines {
namespace {

using Ends = std::vector<std::uint32_t>;

TEST(TokenEnds, AreExactWhenThePiecesAreTheText) {
  EXPECT_EQ(token_ends("Hello world!", {"Hello", " world", "!"}), (Ends{5, 11, 12}));
}

TEST(TokenEnds, AreExactInsideACharacterForByteTokens) {
  EXPECT_EQ(token_ends("漢a", {"\xE6\xBC", "\xA2", "a"}), (Ends{2, 3, 4}));
}

TEST(TokenEnds, IgnoreTheSpaceThatATokenizerPutsInFront) {
  EXPECT_EQ(token_ends("Hello you", {" Hello", " you"}), (Ends{5, 9}));
}

TEST(TokenEnds, FollowLoweredWordsAndDroppedSpaces) {
  EXPECT_EQ(token_ends("The Loom  runs.", {"the", "loom", "runs", "."}), (Ends{3, 8, 14, 15}));
}

TEST(TokenEnds, FollowStrippedAccentsByTheCharacter) {
  const std::string text = "café noir";
  EXPECT_EQ(token_ends(text, {"cafe", "noir"}), (Ends{5, 10}));
}

TEST(TokenEnds, StayInPlaceAfterAnUnknownToken) {
  const std::string text = "one ☃☃☃ three four";
  const Ends ends = token_ends(text, {"one", "", "three", "four"});
  ASSERT_EQ(ends.size(), 4u);
  EXPECT_EQ(ends[0], 3u);
  EXPECT_EQ(text.substr(0, ends[2]), "one ☃☃☃ three");
  EXPECT_EQ(ends[3], text.size());
}

TEST(TokenEnds, NeverDecreaseAndEndAtTheEnd) {
  const std::string text = "some text that has nothing in common with them";
  const Ends ends = token_ends(text, {"漢", "字", "", "zzzz", "q"});
  for (std::size_t at = 1; at < ends.size(); ++at) EXPECT_GE(ends[at], ends[at - 1]);
  EXPECT_EQ(ends.back(), text.size());
}

TEST(TokenEnds, OfNothingAreNothing) { EXPECT_TRUE(token_ends("", {}).empty()); }

}  // namespace
}  // namespace selvedge::engines
