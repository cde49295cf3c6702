// Tests of the JSON writer: strings stay valid, floats stay short, times read as Cloudflare's.
#include "api/json_writer.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace selvedge::api {
namespace {

std::string text_of(float value) {
  std::string json;
  append_float(json, value);
  return json;
}

TEST(JsonWriter, FloatsAreTheShortestThatReadBackTheSame) {
  EXPECT_EQ(text_of(0.2321F), "0.2321");
  EXPECT_EQ(text_of(58.8F), "58.8");
  EXPECT_EQ(text_of(0.0F), "0");
  EXPECT_EQ(text_of(-0.0F), "0");
  EXPECT_EQ(text_of(-3.0F), "-3");
  EXPECT_EQ(text_of(1e-10F), "1e-10");
  EXPECT_EQ(text_of(std::nextafter(1.0F, 2.0F)), "1.0000001");
  EXPECT_EQ(text_of(std::numeric_limits<float>::infinity()), "null");
}

TEST(JsonWriter, StringsAreAlwaysValidJson) {
  std::string json;
  append_string(json, "a\"\\\n\x01\xff中");
  EXPECT_EQ(json, "\"a\\\"\\\\\\n\\u0001\xEF\xBF\xBD中\"");
}

TEST(JsonWriter, TimesHaveMicrosecondsAndZ) {
  std::string json;
  append_time(json, 1'720'702'938'002'680);
  EXPECT_EQ(json, "\"2024-07-11T13:02:18.002680Z\"");
}

TEST(JsonWriter, TimesOfMillisecondsAreCut) {
  std::string json;
  append_time_ms(json, 1'777'555'538'147'999);
  EXPECT_EQ(json, "\"2026-04-30T13:25:38.147Z\"");
}

TEST(JsonWriter, WholeDoublesHaveNoFraction) {
  const std::pair<double, const char*> written[] = {
      {0, "0"},
      {-0.0, "0"},
      {2, "2"},
      {-3, "-3"},
      {1720702938, "1720702938"},
      {0.1, "0.1"},
      {1.5e300, "1.5e+300"},
      {INFINITY, "null"},
  };
  for (const auto& [value, text] : written) {
    std::string json;
    append_double(json, value);
    EXPECT_EQ(json, text);
  }
}

}  // namespace
}  // namespace selvedge::api
