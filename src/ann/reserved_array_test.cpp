// Tests of reserved arrays: far more address space than memory, zero at first.
#include "ann/reserved_array.h"

#include <utility>

#include <gtest/gtest.h>

namespace selvedge::ann {
namespace {

TEST(ReservedArray, AnElementFarOutIsThereAndZero) {
  const ReservedArray<std::uint64_t> array(std::size_t{1} << 34);  // 128 GiB.
  EXPECT_EQ(array.capacity(), std::size_t{1} << 34);
  EXPECT_EQ(array[(std::size_t{1} << 34) - 1], 0U);
  array[12'345'678'901] = 5;
  EXPECT_EQ(array[12'345'678'901], 5U);
  EXPECT_EQ(array[12'345'678'900], 0U);
}

TEST(ReservedArray, WhatIsAnnouncedKeepsWhatWasWritten) {
  ReservedArray<std::uint32_t> array(100'000'000);
  for (std::size_t count = 1; count < 4'000'000; count *= 3) {
    array.announce(count);
    array[count - 1] = static_cast<std::uint32_t>(count);
  }
  array.announce(100'000'000);
  array.announce(1);
  for (std::size_t count = 1; count < 4'000'000; count *= 3) EXPECT_EQ(array[count - 1], count);
}

TEST(ReservedArray, ElementsLieOnCacheLines) {
  const ReservedArray<std::uint8_t> array(1);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(array.data()) % 64, 0U);
}

TEST(ReservedArray, OneOfNothingCanBeMade) {
  ReservedArray<std::uint8_t> array(0);
  array.announce(0);
  EXPECT_EQ(array.capacity(), 0U);
}

}  // namespace
}  // namespace selvedge::ann
