// Tests of token logprobs: true logarithms of probabilities, and tokens that go with their text.
#include "engines/token_logprobs.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace selvedge::engines {
namespace {

std::string joined(const std::vector<wire::TokenLogprob>& tokens) {
  std::string text;
  for (const auto& token : tokens) text += token.bytes + "|";
  return text;
}

TEST(TokenLogprobs, AreTheLogSoftmaxOfTheLogits) {
  // Probabilities 1/8, 4/8, 2/8, 1/8.
  const std::vector<float> logits = {0, std::log(4.0f), std::log(2.0f), 0};
  const TokenRanking ranking = rank_tokens(logits, 3, 3);
  EXPECT_NEAR(ranking.drawn_logprob, std::log(0.125f), 1e-6f);
  ASSERT_EQ(ranking.top.size(), 3u);
  EXPECT_EQ(ranking.top[0].token, 1);
  EXPECT_NEAR(ranking.top[0].logprob, std::log(0.5f), 1e-6f);
  EXPECT_EQ(ranking.top[1].token, 2);
  EXPECT_EQ(ranking.top[2].token, 0) << "of equals the lower number";
}

TEST(TokenLogprobs, LargeLogitsDoNotOverflow) {
  const TokenRanking ranking = rank_tokens(std::vector<float>{3e38f, -3e38f}, 0, 2);
  EXPECT_EQ(ranking.drawn_logprob, 0);
  EXPECT_EQ(ranking.top[1].logprob, wire::kLogprobMin);
}

TEST(TokenLogprobs, WhatIsNoNumberIsHopeless) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float none = -std::numeric_limits<float>::infinity();
  const TokenRanking ranking = rank_tokens(std::vector<float>{nan, 1, none}, 0, 3);
  EXPECT_EQ(ranking.drawn_logprob, wire::kLogprobMin);
  ASSERT_EQ(ranking.top.size(), 2u);
  EXPECT_EQ(ranking.top[0].token, 1);
  EXPECT_EQ(rank_tokens(std::vector<float>(4, nan), 1, 2).drawn_logprob, wire::kLogprobMin);
  EXPECT_EQ(rank_tokens(std::vector<float>(4, none), 1, 2).drawn_logprob, wire::kLogprobMin);
  EXPECT_EQ(rank_tokens({}, 0, 2).drawn_logprob, wire::kLogprobMin);
  EXPECT_EQ(rank_tokens(std::vector<float>{1}, -1, 2).drawn_logprob, wire::kLogprobMin);
}

TEST(UnsentLogprobs, ATokenComesWhenAllItsTextIsSent) {
  UnsentLogprobs unsent;
  unsent.add({"ab", 0, {}});
  unsent.add({"cd", 0, {}});
  EXPECT_EQ(joined(unsent.take(1)), "");
  EXPECT_EQ(joined(unsent.take(3)), "ab|");
  unsent.add({"", 0, {}});
  EXPECT_EQ(joined(unsent.take(4)), "cd||");
}

TEST(UnsentLogprobs, AStopStringCutsTheTokenItBeginsIn) {
  UnsentLogprobs unsent;
  unsent.add({"one", 0, {}});
  unsent.add({" EN", 0, {}});
  unsent.add({"D", 0, {}});
  EXPECT_EQ(joined(unsent.finish(4)), "one| |");
  EXPECT_EQ(joined(unsent.finish(4)), "");
}

TEST(UnsentLogprobs, ATokenBehindTheStopIsDropped) {
  UnsentLogprobs unsent;
  unsent.add({"one", 0, {}});
  unsent.add({"END", 0, {}});
  EXPECT_EQ(joined(unsent.finish(3)), "one|");
}

}  // namespace
}  // namespace selvedge::engines
