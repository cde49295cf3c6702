// Tests of the slot table: what is kept, shared, and forgotten when.
#include "engines/slot_table.h"

#include <numeric>

#include <gtest/gtest.h>

namespace selvedge::engines {
namespace {

using Tokens = std::vector<TokenId>;

Tokens counting(TokenId first, std::size_t count) {
  Tokens tokens(count);
  std::iota(tokens.begin(), tokens.end(), first);
  return tokens;
}

Tokens operator+(Tokens left, const Tokens& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

// Takes a place for `prompt`, computes the rest of it, and returns the place.
SlotTable::Placement run(SlotTable& table, const Tokens& prompt, std::size_t tokens_max = 10) {
  auto place = table.take({prompt, tokens_max, 0, true});
  EXPECT_TRUE(place.has_value());
  if (!place) return {};
  table.append(place->slot, std::span(prompt).subspan(place->kept), true);
  return *place;
}

TEST(SlotTable, AFirstPromptKeepsNothing) {
  SlotTable table(2, 100, 100);
  const auto place = run(table, counting(1, 20));
  EXPECT_EQ(place.kept, 0u);
  EXPECT_TRUE(place.cleared.empty());
}

TEST(SlotTable, ABeginningOfAnotherKeyIsOfNoUse) {
  SlotTable table(2, 100, 100);
  const Tokens prompt = counting(1, 20);
  for (const std::uint64_t key : {0u, 7u}) {
    const auto place = table.take({prompt, 10, 0, true, key});
    ASSERT_TRUE(place.has_value());
    EXPECT_EQ(place->kept, 0u);
    table.append(place->slot, prompt, true);
    table.release(place->slot);
  }
  for (const std::uint64_t key : {7u, 0u}) {
    const auto place = table.take({prompt, 10, 0, true, key});
    ASSERT_TRUE(place.has_value());
    EXPECT_EQ(place->kept, 19u);
    table.release(place->slot);
  }
  EXPECT_EQ(table.take({prompt, 10, 0, true, 8})->kept, 0u);
}

TEST(SlotTable, ABeginningNeverEndsInsideOfAPicture) {
  const Tokens cat(16, -2);
  const Tokens dog(16, -3);
  const Tokens before = counting(1, 10);
  const Tokens after = counting(100, 5);
  SlotTable table(2, 200, 200);
  table.release(run(table, before + cat + after).slot);
  // The same picture is kept whole, and nothing of another one.
  const auto same = run(table, before + cat + counting(200, 5));
  EXPECT_EQ(same.kept, 26u);
  table.release(same.slot);
  const auto other = run(table, before + dog + after);
  EXPECT_EQ(other.kept, 10u);
  table.release(other.slot);
  // As long as a part of it: the memory holds the picture's first half only when it holds all.
  const auto cut = table.take({before + Tokens(20, -2), 10, 0, true});
  ASSERT_TRUE(cut.has_value());
  EXPECT_EQ(cut->kept, 10u);
}

TEST(SlotTable, WherePicturesAreNotKeptABeginningEndsBeforeTheFirst) {
  const Tokens prompt = counting(1, 10) + Tokens(16, -2) + counting(100, 5);
  SlotTable table(2, 200, 200);
  table.release(run(table, prompt).slot);
  const auto place = table.take({prompt, 10, 0, true, 0, false});
  ASSERT_TRUE(place.has_value());
  EXPECT_EQ(place->kept, 10u);
}

TEST(SlotTable, TheSamePromptAgainComputesOneToken) {
  SlotTable table(2, 100, 100);
  const auto first = run(table, counting(1, 20));
  table.release(first.slot);
  const auto second = run(table, counting(1, 20));
  EXPECT_EQ(second.slot, first.slot);
  EXPECT_EQ(second.copy_from, first.slot);
  EXPECT_EQ(second.kept, 19u);
}

TEST(SlotTable, ARunningSequenceSharesItsBeginning) {
  SlotTable table(2, 100, 100);
  const auto first = run(table, counting(1, 20) + counting(100, 5));
  const auto second = run(table, counting(1, 20) + counting(200, 5));
  EXPECT_NE(second.slot, first.slot);
  EXPECT_EQ(second.copy_from, first.slot);
  EXPECT_EQ(second.kept, 20u);
}

TEST(SlotTable, ALongConversationIsNotLostToAPromptThatSharesLittleOfIt) {
  SlotTable table(2, 200, 200);
  const auto talk = run(table, counting(1, 80));
  table.release(talk.slot);
  const auto other = run(table, counting(1, 10) + counting(500, 10));
  EXPECT_NE(other.slot, talk.slot);
  EXPECT_EQ(other.copy_from, talk.slot);
  EXPECT_EQ(other.kept, 10u);
  EXPECT_EQ(table.tokens(talk.slot).size(), 80u);
}

TEST(SlotTable, NoPlaceWhileEverySlotRuns) {
  SlotTable table(1, 100, 100);
  const auto first = run(table, counting(1, 20));
  const Tokens prompt = counting(50, 5);
  EXPECT_FALSE(table.take({prompt, 10, 0, true}).has_value());
  table.release(first.slot);
  EXPECT_TRUE(table.take({prompt, 10, 0, true}).has_value());
}

TEST(SlotTable, NoPlaceWhileTheRunningSequencesNeedTheCells) {
  SlotTable table(4, 100, 100);
  run(table, counting(1, 40), 30);
  const Tokens prompt = counting(500, 20);
  EXPECT_FALSE(table.take({prompt, 11, 0, true}).has_value());
  EXPECT_TRUE(table.take({prompt, 10, 0, true}).has_value());
}

TEST(SlotTable, EndedSequencesAreForgottenOldestFirstWhenCellsAreNeeded) {
  SlotTable table(4, 100, 100);
  const auto a = run(table, counting(1, 30));
  const auto b = run(table, counting(100, 30));
  table.release(b.slot);
  table.release(a.slot);
  const auto c = run(table, counting(200, 30), 30);
  EXPECT_EQ(c.cleared, std::vector<std::size_t>{b.slot});
  EXPECT_EQ(table.tokens(a.slot).size(), 30u);
}

TEST(SlotTable, EndedSequencesHoldNoMoreThanTheyMay) {
  SlotTable table(4, 1000, 50);
  const auto a = run(table, counting(1, 40));
  table.release(a.slot);
  const auto b = run(table, counting(100, 40));
  EXPECT_TRUE(b.cleared.empty());
  table.release(b.slot);
  const auto c = run(table, counting(200, 40));
  EXPECT_EQ(c.cleared, std::vector<std::size_t>{a.slot});
}

TEST(SlotTable, ExactQuestionsKeepWholeChunksThatWereComputedAlone) {
  SlotTable table(1, 100, 100);
  const Tokens prompt = counting(1, 40);
  auto place = table.take({prompt, 10, 16, true});
  ASSERT_TRUE(place.has_value());
  table.append(place->slot, std::span(prompt).subspan(0, 16), true);
  table.append(place->slot, std::span(prompt).subspan(16, 16), true);
  table.append(place->slot, std::span(prompt).subspan(32, 8), false);
  table.release(place->slot);
  auto again = table.take({prompt, 10, 16, true});
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->kept, 32u);
}

TEST(SlotTable, ExactQuestionsHaveTheMemoryToThemselvesWhenNothingRuns) {
  SlotTable table(3, 200, 200);
  const auto other = run(table, counting(500, 40));
  table.release(other.slot);
  const Tokens prompt = counting(1, 40);
  auto place = table.take({prompt, 10, 16, true});
  ASSERT_TRUE(place.has_value());
  EXPECT_TRUE(table.idle_slots().empty());
}

TEST(SlotTable, WhatWasComputedBesideOthersIsNotExact) {
  SlotTable table(3, 200, 200);
  run(table, counting(500, 40));
  const Tokens prompt = counting(1, 40);
  auto place = table.take({prompt, 10, 16, true});
  ASSERT_TRUE(place.has_value());
  table.append(place->slot, std::span(prompt).subspan(0, 16), true);
  table.release(place->slot);
  auto again = table.take({prompt, 10, 16, true});
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->kept, 0u);
}

TEST(SlotTable, ExactQuestionsKeepNothingThatWasComputedInCompany) {
  SlotTable table(1, 100, 100);
  const Tokens prompt = counting(1, 40);
  auto place = table.take({prompt, 10, 16, true});
  ASSERT_TRUE(place.has_value());
  table.append(place->slot, std::span(prompt).subspan(0, 16), false);
  table.append(place->slot, std::span(prompt).subspan(16), true);
  table.release(place->slot);
  auto again = table.take({prompt, 10, 16, true});
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->kept, 0u);
}

}  // namespace
}  // namespace selvedge::engines
