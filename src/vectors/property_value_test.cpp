// Tests of property values: the same thing in another form is the same, what has none is nothing.
#include "vectors/property_value.h"

#include <limits>

#include <gtest/gtest.h>

namespace selvedge::vectors {
namespace {

const PropertyValue kNothing;

PropertyValue text(std::string value) { return value; }

TEST(PropertyValue, NumbersAsStringsAreWrittenAsJavaScriptWritesThem) {
  const std::pair<double, const char*> written[] = {
      {10, "10"},          {-0.0, "0"},        {1.5, "1.5"},
      {100'000, "100000"}, {0.1, "0.1"},       {1e20, "100000000000000000000"},
      {1e21, "1e+21"},     {1e-6, "0.000001"}, {1.5e-7, "1.5e-7"},
      {-3.25, "-3.25"},    {1e300, "1e+300"}};
  for (const auto& [number, expected] : written) {
    EXPECT_EQ(as_type(PropertyType::string, number), text(expected));
  }
}

TEST(PropertyValue, TextsAsNumbersMustBeOneFromEndToEnd) {
  EXPECT_EQ(as_type(PropertyType::number, text("150")), PropertyValue(150.0));
  EXPECT_EQ(as_type(PropertyType::number, text("-1.5e3")), PropertyValue(-1500.0));
  for (const char* no : {"", " 1", "1 ", "1x", "0x10", "inf", "nan", "1e999", "ten"}) {
    EXPECT_EQ(as_type(PropertyType::number, text(no)), kNothing) << no;
  }
  EXPECT_EQ(as_type(PropertyType::number, true), kNothing);
  EXPECT_EQ(as_type(PropertyType::number, std::numeric_limits<double>::quiet_NaN()), kNothing);
}

TEST(PropertyValue, TruthsHaveTwoTextsAndNoNumber) {
  EXPECT_EQ(as_type(PropertyType::boolean, text("true")), PropertyValue(true));
  EXPECT_EQ(as_type(PropertyType::boolean, text("True")), kNothing);
  EXPECT_EQ(as_type(PropertyType::boolean, 1.0), kNothing);
  EXPECT_EQ(as_type(PropertyType::string, false), text("false"));
  EXPECT_EQ(as_type(PropertyType::string, kNothing), kNothing);
}

TEST(PropertyValue, ATextIsCutAtACharactersBorder) {
  const std::string letters(63, 'a');
  EXPECT_EQ(cut_text(letters + "b"), letters + "b");
  EXPECT_EQ(cut_text(letters + "bc"), letters + "b");
  EXPECT_EQ(cut_text(letters + "\xC3\xA9"), letters);          // Two bytes.
  EXPECT_EQ(cut_text(letters + "\xE7\x9F\xA5!"), letters);     // Three.
  EXPECT_EQ(cut_text(letters + "\xF0\x9F\x98\x80"), letters);  // Four.
  EXPECT_EQ(cut_text(std::string(62, 'a') + "\xC3\xA9x").size(), 64U);
  EXPECT_EQ(cut_text(std::string(100, '\x80')).size(), 64U);  // No UTF-8 at all.
}

TEST(PropertyValue, OfAnArrayTheElementsStayThatHaveTheForm) {
  const PropertyElements mixed = {std::string("b"), 10.0, true, std::string("10"),
                                  std::string("a")};
  EXPECT_EQ(as_type(PropertyType::string, mixed),
            PropertyValue(PropertyElements{std::string("10"), std::string("a"), std::string("b"),
                                           std::string("true")}));
  EXPECT_EQ(as_type(PropertyType::number, mixed), PropertyValue(PropertyElements{10.0}));
  EXPECT_EQ(as_type(PropertyType::boolean, mixed), PropertyValue());
  EXPECT_EQ(as_type(PropertyType::number, PropertyElements{std::string("x")}), PropertyValue());
  EXPECT_EQ(
      as_type(PropertyType::string, PropertyElements{std::string(70, 'x'), std::string(80, 'x')}),
      PropertyValue(PropertyElements{std::string(64, 'x')}));
}

}  // namespace
}  // namespace selvedge::vectors
