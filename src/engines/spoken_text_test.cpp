// Spoken text: words out of tokens.
#include "engines/spoken_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace selvedge::engines {
namespace {

std::vector<std::string> texts_of(const std::vector<wire::SpokenWord>& words) {
  std::vector<std::string> texts;
  for (const auto& word : words) texts.push_back(word.text);
  return texts;
}

using testing::ElementsAre;

TEST(SpokenText, AWordBeginsWhereATokenBeginsWithASpace) {
  const auto words = spoken_words(
      {{" Un", 1.2}, {"believ", 1.4}, {"able", 1.5}, {" things", 1.9}, {".", 2.0}}, "en", 1.0);
  EXPECT_THAT(texts_of(words), ElementsAre("Unbelievable", "things."));
  EXPECT_DOUBLE_EQ(words[0].start_s, 1.0);
  EXPECT_DOUBLE_EQ(words[0].end_s, 1.5);
  EXPECT_DOUBLE_EQ(words[1].start_s, 1.5);
  EXPECT_DOUBLE_EQ(words[1].end_s, 1.9);
}

TEST(SpokenText, APauseBelongsToTheMarkBeforeIt) {
  const auto words = spoken_words({{" one", 0.4}, {",", 2.4}, {" two", 2.8}}, "en", 0);
  EXPECT_THAT(texts_of(words), ElementsAre("one,", "two"));
  EXPECT_DOUBLE_EQ(words[0].end_s, 0.4);
  EXPECT_DOUBLE_EQ(words[1].start_s, 2.4);
}

TEST(SpokenText, ACharacterMayBeInSeveralTokens) {
  const auto words =
      spoken_words({{" caf", 0.3}, {"\xc3", 0.4}, {"\xa9", 0.5}, {" noir", 0.9}}, "fr", 0);
  EXPECT_THAT(texts_of(words), ElementsAre("café", "noir"));
}

TEST(SpokenText, WithoutSpacesEachCharacterIsAWord) {
  const auto words = spoken_words(
      {{"你", 0.3}, {"好", 0.5}, {"，", 0.5}, {"世", 0.8}, {"界", 1.0}, {"。", 1.0}}, "zh", 0);
  EXPECT_THAT(texts_of(words), ElementsAre("你", "好，", "世", "界。"));
}

TEST(SpokenText, TimesNeverRunBackwards) {
  const auto words = spoken_words({{" a", 0.5}, {" b", 0.2}, {" c", 0.9}}, "en", 0);
  EXPECT_DOUBLE_EQ(words[1].start_s, 0.5);
  EXPECT_DOUBLE_EQ(words[1].end_s, 0.5);
}

TEST(SpokenText, ASilenceBelongsToNoWord) {
  const auto words =
      spoken_words({{" a", 0.3}, {" b", 0.6}, {" c", 0.9}, {" d", 8.0}, {" e", 8.3}}, "en", 0);
  EXPECT_NEAR(words[3].start_s, 7.4, 1e-9);
  EXPECT_DOUBLE_EQ(words[3].end_s, 8.0);
}

TEST(SpokenText, NoTokensAreNoWords) {
  EXPECT_TRUE(spoken_words({}, "en", 0).empty());
  EXPECT_TRUE(spoken_words({{"", 1}, {" ", 2}}, "en", 0).empty());
}

TEST(SpokenText, RepetitionPacksWell) {
  std::string repeated;
  for (int time = 0; time < 40; ++time) repeated += "and so on ";
  EXPECT_GT(compression_ratio(repeated), 2.4);
  EXPECT_LT(compression_ratio("Ask not what your country can do for you."), 1.5);
  EXPECT_EQ(compression_ratio(""), 0);
}

TEST(SpokenText, CleanTextIsWholeCharacters) {
  EXPECT_EQ(clean_text("  a\xc3 \n"), "a\xef\xbf\xbd");
}

}  // namespace
}  // namespace selvedge::engines
