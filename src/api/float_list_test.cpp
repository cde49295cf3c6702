// Tests of float lists: every number is the float that std::from_chars and a cast give.
#include "api/float_list.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <random>
#include <string>

#include <gtest/gtest.h>

namespace selvedge::api {
namespace {

std::optional<float> first_of(const std::string& list, std::size_t count) {
  std::vector<float> values;
  if (!append_float_list(list, values)) return std::nullopt;
  EXPECT_EQ(values.size(), count);
  return values.at(0);
}

// Alone, and before others: numbers are read by another way when more text follows.
std::optional<float> read(const std::string& number) {
  const auto alone = first_of("[" + number + "]", 1);
  const auto before = first_of("[" + number + ",0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]", 17);
  EXPECT_EQ(alone.has_value(), before.has_value()) << number;
  if (alone && before) {
    EXPECT_EQ(std::memcmp(&*alone, &*before, sizeof *alone), 0) << number;
  }
  return alone;
}

float expected(const std::string& number) {
  double exact = 0;
  const auto read = std::from_chars(number.data(), number.data() + number.size(), exact);
  EXPECT_EQ(read.ptr, number.data() + number.size());
  // Outside of double's range: zero or an infinity.
  if (read.ec == std::errc::result_out_of_range) exact = std::strtod(number.c_str(), nullptr);
  return static_cast<float>(exact);
}

void expect_same(const std::string& number) {
  const auto value = read(number);
  const float wanted = expected(number);
  if (!std::isfinite(wanted)) {
    EXPECT_FALSE(value.has_value()) << number;
    return;
  }
  ASSERT_TRUE(value.has_value()) << number;
  EXPECT_EQ(std::memcmp(&*value, &wanted, sizeof wanted), 0) << number;  // The sign of 0 too.
}

TEST(FloatList, NumbersOfEveryLengthAreRoundedAsFromCharsRoundsThem) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 200'000; ++round) {
    std::string number = random() % 2 == 0 ? "-" : "";
    number += std::to_string(random() % 3 == 0 ? random() >> (random() % 64) : random() % 10);
    if (random() % 4 != 0) {
      number += '.';
      for (std::size_t left = 1 + random() % 22; left > 0; --left) {
        number += static_cast<char>('0' + random() % 10);
      }
    }
    if (random() % 4 == 0) {
      number += random() % 2 == 0 ? "e" : "E";
      number += random() % 3 == 0 ? "-" : random() % 2 == 0 ? "+" : "";
      number += std::to_string(random() % 40);
    }
    expect_same(number);
  }
}

TEST(FloatList, WhatClientsWriteOfRandomFloatsAndDoublesIsReadExactly) {
  std::mt19937_64 random(2);
  char text[64];
  for (int round = 0; round < 100'000; ++round) {
    const auto bits = static_cast<std::uint32_t>(random());
    float single = 0;
    std::memcpy(&single, &bits, sizeof single);
    if (!std::isfinite(single)) continue;
    const auto shortest = std::to_chars(text, text + sizeof text, single).ptr;
    EXPECT_EQ(read(std::string(text, shortest)), single);
    expect_same(std::string(text, std::to_chars(text, text + sizeof text, double{single}).ptr));
    // Near the middle of two floats, where the order of the two roundings shows.
    const double middle = (double{single} + std::nextafter(single, 0.0F)) / 2;
    const int size = std::snprintf(text, sizeof text, "%.20g", middle);
    expect_same(std::string(text, static_cast<std::size_t>(size)));
  }
}

TEST(FloatList, DigitsBehindThePointAreReadExactlyHoweverManyThereAre) {
  std::mt19937_64 random(3);
  char text[64];
  for (int round = 0; round < 300'000; ++round) {
    const double whole = static_cast<double>(random() % 3 == 0 ? random() % 10 : 0);
    const auto single = static_cast<float>(whole + std::ldexp(static_cast<double>(random()), -68));
    const double middle = (double{single} + std::nextafter(single, 0.0F)) / 2;
    // The middle of two floats, and what is next to it by the last digits.
    for (const double value : {double{single}, middle, std::nextafter(middle, 1.0)}) {
      std::snprintf(text, sizeof text, "%.*f", static_cast<int>(1 + random() % 25), value);
      expect_same(text);
    }
  }
}

TEST(FloatList, TheTextBehindAListIsLeftAlone) {
  std::vector<float> values;
  EXPECT_EQ(read_float_list("[0.5, 1],\"topK\":3}", values), 8U);
  EXPECT_EQ(read_float_list("[]]", values), 2U);
  EXPECT_EQ(values, (std::vector<float>{0.5F, 1}));
  EXPECT_FALSE(read_float_list("[0.5,", values).has_value());
  EXPECT_EQ(values.size(), 2U);
}

TEST(FloatList, CornersOfTheGrammarAndOfTheRange) {
  for (const char* number :
       {"0", "-0", "0.0", "-0e5", "1e22", "1e23", "9007199254740993", "9007199254740992e22",
        "123456789012345678901234567890", "0.000000000000000000000000000001", "1e-45", "7e-46",
        "1e-400", "0e99999999999", "3.4028235e38", "3.4028236e38", "1e39", "-1e400"}) {
    expect_same(number);
  }
  for (const char* wrong : {"-",   "+1",  "01",       "-01", "1.",         ".5",   "1.e3", "1e",
                            "1e+", "0x1", "1 2",      "1,",  ",1",         "null", "true", "\"1\"",
                            "[1]", "NaN", "Infinity", "1\v", "00000000e1", "1]",   "1}",   "1a"}) {
    EXPECT_FALSE(read(wrong).has_value()) << wrong;
  }
}

TEST(FloatList, ListsMayHaveSpacesAndAFaultLeavesWhatWasThere) {
  std::vector<float> values = {9};
  EXPECT_TRUE(append_float_list("[ 1 ,\t2.5\r\n, -3e0 ]  ", values));
  EXPECT_EQ(values, (std::vector<float>{9, 1, 2.5F, -3}));
  EXPECT_TRUE(append_float_list("[]", values));
  EXPECT_TRUE(append_float_list("[ ] ", values));
  for (const char* wrong : {"", "[", "[1", "[1,", "[1,]", "[,]", "1", "[1,2} ", "[1]x", "[1 2]"}) {
    EXPECT_FALSE(append_float_list(wrong, values)) << wrong;
  }
  EXPECT_EQ(values.size(), 4U);
}

}  // namespace
}  // namespace selvedge::api
