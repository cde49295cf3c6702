// Tests of the sampler: what each field does to the draw.
#include "engines/sampling.h"

#include <cmath>
#include <limits>
#include <set>

#include <gtest/gtest.h>

namespace selvedge::engines {
namespace {

// Token 2 is likeliest, then 1, then 0, then 3.
std::vector<float> logits() { return {1.0f, 2.0f, 3.0f, -4.0f}; }

wire::Sampling greedy() {
  wire::Sampling sampling;
  sampling.temperature = 0;
  return sampling;
}

wire::Sampling seeded(std::uint64_t seed) {
  wire::Sampling sampling;
  sampling.temperature = 1;
  sampling.seed = seed;
  sampling.has_seed = true;
  return sampling;
}

std::vector<llama_token> draw(Sampler sampler, int count) {
  std::vector<llama_token> tokens;
  for (int at = 0; at < count; ++at) {
    auto values = logits();
    tokens.push_back(sampler.sample(values));
  }
  return tokens;
}

TEST(Sampler, TakesTheLikeliestAtTemperatureZero) {
  EXPECT_EQ(draw(Sampler(greedy(), {}, {}), 3), (std::vector<llama_token>{2, 2, 2}));
}

TEST(Sampler, DrawsTheSameWithTheSameSeed) {
  EXPECT_EQ(draw(Sampler(seeded(7), {}, {}), 50), draw(Sampler(seeded(7), {}, {}), 50));
  EXPECT_NE(draw(Sampler(seeded(7), {}, {}), 50), draw(Sampler(seeded(8), {}, {}), 50));
}

TEST(Sampler, EverySeedOf64BitsIsASeed) {
  const auto all_ones = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(draw(Sampler(seeded(all_ones), {}, {}), 50),
            draw(Sampler(seeded(all_ones), {}, {}), 50));
  EXPECT_EQ(draw(Sampler(seeded(0xFFFFFFFFu), {}, {}), 50),
            draw(Sampler(seeded(0xFFFFFFFFu), {}, {}), 50));
}

TEST(Sampler, TopKAndTopPLeaveOnlyTheLikeliest) {
  wire::Sampling one = seeded(1);
  one.top_k = 1;
  EXPECT_EQ(draw(Sampler(one, {}, {}), 20), std::vector<llama_token>(20, 2));
  wire::Sampling nucleus = seeded(1);
  nucleus.top_p = 0.5;
  EXPECT_EQ(draw(Sampler(nucleus, {}, {}), 20), std::vector<llama_token>(20, 2));
}

TEST(Sampler, DrawsAllLikelyTokensWithoutLimits) {
  const auto tokens = draw(Sampler(seeded(3), {}, {}), 300);
  EXPECT_EQ(std::set<llama_token>(tokens.begin(), tokens.end()).size(), 4u);
}

TEST(Sampler, PenalizesRepetitionOfPromptAndCompletion) {
  wire::Sampling sampling = greedy();
  sampling.repetition_penalty = 2;
  const std::vector<llama_token> prompt = {2};
  EXPECT_EQ(draw(Sampler(sampling, prompt, {}), 1), (std::vector<llama_token>{1}));
  EXPECT_EQ(draw(Sampler(sampling, {}, {}), 2), (std::vector<llama_token>{2, 1}));
}

TEST(Sampler, PenalizesPresenceAndFrequencyOfTheCompletionOnly) {
  wire::Sampling presence = greedy();
  presence.presence_penalty = 1.5;
  const std::vector<llama_token> prompt = {2};
  EXPECT_EQ(draw(Sampler(presence, prompt, {}), 2), (std::vector<llama_token>{2, 1}));
  wire::Sampling frequency = greedy();
  frequency.frequency_penalty = 0.6;
  EXPECT_EQ(draw(Sampler(frequency, {}, {}), 4), (std::vector<llama_token>{2, 2, 1, 2}));
}

TEST(Sampler, ForgetsAfter64Tokens) {
  wire::Sampling sampling = greedy();
  sampling.repetition_penalty = 2;
  std::vector<llama_token> prompt(65, 0);
  prompt[0] = 2;
  EXPECT_EQ(draw(Sampler(sampling, prompt, {}), 1), (std::vector<llama_token>{2}));
}

TEST(Sampler, ABiasForcesOrBansAToken) {
  wire::Sampling forced = seeded(1);
  forced.logit_bias = {{3, 100}};
  EXPECT_EQ(draw(Sampler(forced, {}, {}), 20), std::vector<llama_token>(20, 3));
  wire::Sampling banned = greedy();
  banned.logit_bias = {{2, -100}, {1, -0.5f}};
  EXPECT_EQ(draw(Sampler(banned, {}, {}), 3), (std::vector<llama_token>{1, 1, 1}));
}

TEST(Sampler, ABiasOfATokenOutsideTheVocabularyDoesNothing) {
  wire::Sampling sampling = greedy();
  sampling.logit_bias = {{4, 100}, {-1, 100}, {2'000'000'000, 100}};
  EXPECT_EQ(draw(Sampler(sampling, {}, {}), 1), (std::vector<llama_token>{2}));
}

TEST(Sampler, NeverDrawsASuppressedToken) {
  EXPECT_EQ(draw(Sampler(greedy(), {}, {2}), 1), (std::vector<llama_token>{1}));
}

TEST(Sampler, SurvivesFieldsAndLogitsThatAreNoNumbers) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  wire::Sampling sampling{nan, nan, -5, 1, true, nan, nan, nan, {{1, std::nanf("")}}};
  EXPECT_EQ(draw(Sampler(sampling, {}, {}), 5).size(), 5u);
  std::vector<float> broken(4, std::numeric_limits<float>::quiet_NaN());
  Sampler sampler(seeded(1), {}, {});
  EXPECT_GE(sampler.sample(broken), 0);
}

}  // namespace
}  // namespace selvedge::engines
