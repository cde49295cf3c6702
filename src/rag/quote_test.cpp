// Tests of quotes: the best sentence, its neighbour, refusals, languages, pieces.
#include "rag/quote.h"

#include <gtest/gtest.h>

#include "rag/language.h"
#include "rag/prompt.h"
#include "rag/quoter.h"

namespace selvedge::rag {
namespace {

std::vector<Candidate> with_cosines(std::span<const Passage> passages,
                                    const std::vector<double>& cosines) {
  std::vector<Candidate> candidates = candidates_of(passages);
  EXPECT_EQ(candidates.size(), cosines.size());
  for (std::size_t at = 0; at < candidates.size(); ++at) candidates[at].cosine = cosines[at];
  return candidates;
}

TEST(Quote, IsTheBestSentenceAndItsBetterNeighbourInTextOrderWordForWord) {
  const std::vector<Passage> passages = {{"p1", "Ab one.  Bc two. Cd three.", 0.9F},
                                         {"p2", "Other.", 0.8F}};
  const Quote after =
      best_quote("zzz", passages, with_cosines(passages, {0.80, 0.90, 0.85, 0.70}), 0.82);
  EXPECT_EQ(after.text, "Bc two. Cd three.");
  EXPECT_FALSE(after.refused);
  ASSERT_EQ(after.citations.size(), 2u);
  EXPECT_EQ(after.citations[0].passage_id, "p1");
  EXPECT_EQ(after.citations[0].begin, 9u);
  EXPECT_EQ(after.citations[1].end, passages[0].text.size());

  const Quote before =
      best_quote("zzz", passages, with_cosines(passages, {0.86, 0.90, 0.85, 0.70}), 0.82);
  EXPECT_EQ(before.text, "Ab one.  Bc two.");
}

TEST(Quote, TakesNoNeighbourFromAnotherPassage) {
  const std::vector<Passage> passages = {{"p1", "Only one.", 0.9F}, {"p2", "Other one.", 0.8F}};
  const Quote quote = best_quote("zzz", passages, with_cosines(passages, {0.9, 0.89}), 0.82);
  EXPECT_EQ(quote.text, "Only one.");
  EXPECT_EQ(quote.citations.size(), 1u);
}

TEST(Quote, WordsOfTheQuestionDecideBetweenNearSentences) {
  const std::vector<Passage> passages = {{"p1", "The cat sleeps.", 0.9F},
                                         {"p2", "The zebra sleeps.", 0.9F}};
  const Quote quote =
      best_quote("Where is the zebra?", passages, with_cosines(passages, {0.90, 0.89}), 0.82);
  EXPECT_EQ(quote.text, "The zebra sleeps.");
  EXPECT_NEAR(quote.cosine, 0.89, 1e-9);
}

TEST(Quote, OfTwoLanguagesThatSayTheSameTheQuestionsOwnIsQuoted) {
  const std::vector<Passage> passages = {{"zh", "Durable Objects 提供強一致性的狀態管理。", 0.9F},
                                         {"en", "Durable Objects give consistent state.", 0.9F}};
  const std::vector<Candidate> near = with_cosines(passages, {0.89, 0.87});
  EXPECT_EQ(best_quote("What are Durable Objects?", passages, near, 0.82).text, passages[1].text);
  EXPECT_EQ(best_quote("Durable Objects 提供什麼樣的管理?", passages, near, 0.82).text,
            passages[0].text);
}

TEST(Quote, RefusesUnderTheThresholdInTheQuestionsLanguage) {
  const std::vector<Passage> passages = {{"p1", "One thing.", 0.7F}};
  const std::vector<Candidate> far = with_cosines(passages, {0.81});
  const Quote english = best_quote("Who?", passages, far, 0.82);
  EXPECT_TRUE(english.refused);
  EXPECT_EQ(english.text, "The passages do not answer this.");
  EXPECT_TRUE(english.citations.empty());
  EXPECT_EQ(best_quote("這是誰？", passages, far, 0.82).text, "這些資料沒有回答這個問題。");
  EXPECT_EQ(best_quote("这是谁？", passages, far, 0.82).text, "这些资料没有回答这个问题。");
  EXPECT_FALSE(best_quote("Who?", passages, far, 0).refused);
}

TEST(Quote, RefusesWhenThereIsNothingToQuote) {
  EXPECT_TRUE(best_quote("Who?", {}, {}, 0).refused);
  const std::vector<Passage> marks = {{"p1", "...", 0.9F}};
  EXPECT_TRUE(best_quote("Who?", marks, candidates_of(marks), 0).refused);
}

TEST(Language, OfAQuestionIsToldByItsCharacters) {
  EXPECT_EQ(language_of("什麼是 Durable Objects?", ""), Language::chinese_traditional);
  EXPECT_EQ(language_of("什么是 Durable Objects?", ""), Language::chinese_simplified);
  EXPECT_EQ(language_of("KV 有何用途", "這個"), Language::chinese_traditional);
  EXPECT_EQ(language_of("KV 有何用途", ""), Language::chinese_simplified);
  EXPECT_EQ(language_of("これは何ですか", ""), Language::english);
}

TEST(Language, ShareOfCjkGoesByWordsNotByCharacters) {
  EXPECT_EQ(cjk_share("What is a Durable Object?"), 0);
  EXPECT_EQ(cjk_share("什麼是持久物件？"), 1);
  EXPECT_EQ(cjk_share("12?!"), 0);
  EXPECT_GT(cjk_share("什么是KV？"), 0.7);
  EXPECT_LT(cjk_share("什麼是 Durable Objects?"), 0.5);
}

TEST(Quoter, ThresholdOfAMixedQuestionLiesBetweenThoseOfItsScripts) {
  catalog::Resolved model;
  EXPECT_EQ(refuse_below(model, "什麼?"), 0);
  model.refuse_below_latin = 0.82;
  EXPECT_EQ(refuse_below(model, "什麼?"), 0);
  model.refuse_below_cjk = 0.86;
  EXPECT_NEAR(refuse_below(model, "什麼?"), 0.86, 1e-9);
  EXPECT_NEAR(refuse_below(model, "What?"), 0.82, 1e-9);
  EXPECT_NEAR(refuse_below(model, "什麼 words"), 0.84, 1e-9);
}

TEST(Pieces, AreWordsAndCjkCharactersAndJoinToTheWholeText) {
  EXPECT_EQ(pieces_of("Durable  Objects 提供x。"),
            (std::vector<std::string>{"Durable  ", "Objects ", "提", "供", "x。"}));
  EXPECT_TRUE(pieces_of("").empty());
  std::string joined;
  const std::string text = " a\nb 好 c！😀d ";
  for (const std::string& piece : pieces_of(text)) joined += piece;
  EXPECT_EQ(joined, text);
}

TEST(SentenceVectors, ForgetTheLeastRecentlyUsed) {
  SentenceVectors vectors(2);
  vectors.put("a", {1});
  vectors.put("b", {2});
  ASSERT_NE(vectors.find("a"), nullptr);
  vectors.put("c", {3});
  EXPECT_EQ(vectors.size(), 2u);
  EXPECT_EQ(vectors.find("b"), nullptr);
  EXPECT_EQ(*vectors.find("a"), std::vector<float>{1});
  vectors.put("a", {4});
  EXPECT_EQ(*vectors.find("a"), std::vector<float>{4});
}

TEST(Prompt, IsTheInstructionThePassagesAndTheQuestion) {
  const std::vector<Passage> passages = {{"1", "First.", 1}, {"2", "第二。", 1}};
  const auto messages = prompt_of("Why?", passages);
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[0].role, "system");
  EXPECT_EQ(messages[0].content,
            "You are a helpful assistant. Use the following context to answer the user's question. "
            "If you don't know, say so.\nContext:\nFirst.\n---\n第二。");
  EXPECT_EQ(messages[1].role, "user");
  EXPECT_EQ(messages[1].content, "Why?");
}

}  // namespace
}  // namespace selvedge::rag
