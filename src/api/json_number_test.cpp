// Tests of JSON numbers: many digits change nothing but the last bit.
#include "api/json_number.h"

#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

namespace selvedge::api {
namespace {

TEST(JsonNumber, IsTheNearestDoubleHoweverManyDigitsItHas) {
  for (const char* text :
       {"0.40852244444444444443", "-0.012345678901234567890123", "0.12345678901234567890123456789",
        "0.40852244444444444443e38", "123456789012345678901.5", "0.00000000000000000000001234",
        "1e-400", "-0.0", "7", "0.1"}) {
    const simdjson::padded_string json("[" + std::string(text) + " ]");
    simdjson::ondemand::parser parser;
    auto document = parser.iterate(json);
    double number = 1;
    for (auto element : document.get_array()) {
      simdjson::ondemand::value value;
      ASSERT_FALSE(element.get(value));
      EXPECT_TRUE(read_double(value, number)) << text;
    }
    EXPECT_EQ(number, std::strtod(text, nullptr)) << text;
  }
}

}  // namespace
}  // namespace selvedge::api
