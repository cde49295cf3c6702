// Tests of sentences, characters and terms: English, Chinese, both mixed, and what is no end.
#include "rag/sentence.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rag/word_overlap.h"

namespace selvedge::rag {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> sentences;
  for (const Span& span : sentence_spans(text)) sentences.emplace_back(slice(text, span));
  return sentences;
}

TEST(Sentence, EndsAtAMarkBeforeACapitalADigitOrAQuote) {
  EXPECT_THAT(
      split("It works. Does it? Yes! 3 times. \"Really.\" (Yes.) Done"),
      ElementsAre("It works.", "Does it?", "Yes!", "3 times.", "\"Really.\"", "(Yes.)", "Done"));
  EXPECT_THAT(split("He said \"stop.\" Then he left."),
              ElementsAre("He said \"stop.\"", "Then he left."));
}

TEST(Sentence, DoesNotEndInsideNumbersNamesAndAddresses) {
  EXPECT_THAT(split("Version 3.14 of example.com runs node.js well."),
              ElementsAre("Version 3.14 of example.com runs node.js well."));
  EXPECT_THAT(split("Mr. Smith met Dr. J. Jones of St. Ives in fig. 3."),
              ElementsAre("Mr. Smith met Dr. J. Jones of St. Ives in fig. 3."));
  EXPECT_THAT(split("The U.S. Army, e.g. Company B, came at 3 p.m. Monday."),
              ElementsAre("The U.S. Army, e.g. Company B, came at 3 p.m. Monday."));
  EXPECT_THAT(split("Wait... what? he asked"), ElementsAre("Wait... what? he asked"));
}

TEST(Sentence, EndsAfterAnAbbreviationWhenTheNextWordBeginsOne) {
  EXPECT_THAT(split("They moved to the U.S. The trip was long."),
              ElementsAre("They moved to the U.S.", "The trip was long."));
  EXPECT_THAT(split("It sells apples, pears, etc. However, it closed."),
              ElementsAre("It sells apples, pears, etc.", "However, it closed."));
}

TEST(Sentence, KeepsANumberedListsNumbersWithTheirItems) {
  EXPECT_THAT(split("1. Install it.\n2. Start it."), ElementsAre("1. Install it.", "2. Start it."));
  EXPECT_THAT(split("- First thing\n- Second thing\n# Title\nText"),
              ElementsAre("- First thing", "- Second thing", "# Title", "Text"));
}

TEST(Sentence, ChineseEndsAtItsMarksAndTheirClosingQuotes) {
  EXPECT_THAT(split("持久对象提供强一致的状态管理。它很快！真的吗？是；的"),
              ElementsAre("持久对象提供强一致的状态管理。", "它很快！", "真的吗？", "是；", "的"));
  EXPECT_THAT(split("他说：「好。」然后走了。"), ElementsAre("他说：「好。」", "然后走了。"));
  EXPECT_THAT(split("第一行\n第二行"), ElementsAre("第一行", "第二行"));
  EXPECT_THAT(split("真的？！走。"), ElementsAre("真的？！", "走。"));
}

TEST(Sentence, MixedTextEndsByTheRulesOfBoth) {
  EXPECT_THAT(
      split("Durable Objects 提供強一致性的狀態管理。KV is fast. R2 很便宜。"),
      ElementsAre("Durable Objects 提供強一致性的狀態管理。", "KV is fast.", "R2 很便宜。"));
  EXPECT_THAT(split("使用node.js的人很多.版本3.1版很好。U.S.的人"),
              ElementsAre("使用node.js的人很多.", "版本3.1版很好。", "U.S.的人"));
}

TEST(Sentence, ALineEndInsideEnglishProseIsWhiteSpaceAndAnEmptyLineIsNot) {
  EXPECT_THAT(split("one line\nand the next.\n\nTitle\n\nText"),
              ElementsAre("one line\nand the next.", "Title", "Text"));
}

TEST(Sentence, NothingButWhiteSpaceAndMarksHasNoSentences) {
  EXPECT_THAT(split(""), IsEmpty());
  EXPECT_THAT(split(" \n\t　"), IsEmpty());
  EXPECT_THAT(split("... !!! 。。"), IsEmpty());
}

TEST(Sentence, EveryWordIsInExactlyOneSentenceAndNoneIsEmpty) {
  const std::string text =
      "A. B.C. d e.f (g. H) \"i.\" j! K?\n\nl；m。n ... O . p\xFF. Q 12. 3. 四.五\n六 Ü. É. ß. Ж.";
  std::uint32_t last = 0;
  std::string rest;
  for (const Span& span : sentence_spans(text)) {
    EXPECT_LE(last, span.begin);
    EXPECT_LT(span.begin, span.end);
    rest += text.substr(last, span.begin - last);
    last = span.end;
  }
  rest += text.substr(last);
  for (const Character& left : characters(rest)) {
    EXPECT_FALSE((is_word(left.code) && left.code != 0xFFFD) || is_cjk(left.code)) << rest;
  }
}

TEST(Sentence, AVeryLongOneStaysWhole) {
  const std::string text(200'000, 'x');
  ASSERT_EQ(sentence_spans(text).size(), 1u);
  EXPECT_EQ(sentence_spans(text)[0], (Span{0, 200'000}));
}

TEST(Terms, AreFoldedWordsAndPairsOfCjkCharacters) {
  EXPECT_THAT(terms("Café CAFE naïve-3"), ElementsAre("3", "cafe", "naive"));
  EXPECT_THAT(terms("強一致 KV 快"), ElementsAre("kv", "一致", "強一", "快"));
  EXPECT_THAT(terms("?!。"), IsEmpty());
}

TEST(WordOverlap, RareWordsOfTheQuestionCountMore) {
  const std::vector<std::string_view> sentences = {"the cat sat", "the dog sat", "the bird sat"};
  const std::vector<double> overlaps = word_overlaps("the cat", sentences);
  EXPECT_NEAR(overlaps[0], 1.0, 1e-9);
  EXPECT_GT(overlaps[1], 0.0);
  EXPECT_LT(overlaps[1], 0.5);
  EXPECT_EQ(word_overlaps("???", sentences)[0], 0.0);
  EXPECT_TRUE(word_overlaps("the", {}).empty());
}

}  // namespace
}  // namespace selvedge::rag
