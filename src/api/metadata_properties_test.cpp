// Tests of metadata properties: what a path finds in a vector's JSON.
#include "api/metadata_properties.h"

#include <vector>

#include <gtest/gtest.h>

namespace selvedge::api {
namespace {

using vectors::PropertyValue;

std::vector<PropertyValue> read(std::string_view metadata,
                                const std::vector<std::string>& properties) {
  std::vector<PropertyValue> values(properties.size(), PropertyValue(std::string("old")));
  read_metadata_properties(metadata, properties, values);
  return values;
}

PropertyValue read_one(std::string_view metadata, const std::string& property) {
  return read(metadata, {property}).front();
}

const PropertyValue kNothing;

TEST(MetadataProperties, ScalarsKeepTheirType) {
  const std::string json = R"({"s":"x\u00e9","n":1.5,"t":true,"f":false,"i":9007199254740993})";
  EXPECT_EQ(read_one(json, "s"), PropertyValue(std::string("x\xc3\xa9")));
  EXPECT_EQ(read_one(json, "n"), PropertyValue(1.5));
  EXPECT_EQ(read_one(json, "t"), PropertyValue(true));
  EXPECT_EQ(read_one(json, "f"), PropertyValue(false));
  EXPECT_EQ(read_one(json, "i"), PropertyValue(9007199254740992.0));
}

TEST(MetadataProperties, WhatIsNoScalarIsNothing) {
  const std::string json = R"({"a":[null,["x"],{"k":1}],"e":[],"o":{"k":1},"z":null})";
  for (const char* property : {"a", "a.k", "e", "o", "z", "absent", "o.", ".k", "o.k.k", "z.k"}) {
    EXPECT_EQ(read_one(json, property), kNothing) << property;
  }
}

TEST(MetadataProperties, ArraysGiveTheirScalars) {
  const std::string json = R"({"a":["x",1.5,null,true,["y"],{"k":"z"},"x"],"b":{"c":[2]}})";
  EXPECT_EQ(read_one(json, "a"), PropertyValue(vectors::PropertyElements{std::string("x"), 1.5,
                                                                         true, std::string("x")}));
  EXPECT_EQ(read(json, {"b.c", "a.k", "a.0"}),
            (std::vector<PropertyValue>{vectors::PropertyElements{2.0}, kNothing, kNothing}));
  EXPECT_EQ(read_one(R"({"a":["x",)", "a"), kNothing);
}

TEST(MetadataProperties, DotsStepIntoObjects) {
  const std::string json = R"({"b":{"x":0},"a":{"b":{"c":"deep","d":2},"bc":3},"ab":4,"a2":5})";
  EXPECT_EQ(read(json, {"a.b.c", "a.b.d", "a.bc", "ab", "a2", "a.b", "b.x", "c"}),
            (std::vector<PropertyValue>{std::string("deep"), 2.0, 3.0, 4.0, 5.0, kNothing, 0.0,
                                        kNothing}));
}

TEST(MetadataProperties, TheLastOfTwoKeysCounts) {
  EXPECT_EQ(read_one(R"({"a":1,"a":2})", "a"), PropertyValue(2.0));
  EXPECT_EQ(read_one(R"({"a":1,"a":[{}]})", "a"), kNothing);
  EXPECT_EQ(read_one(R"({"a":{"b":1},"a":2})", "a.b"), kNothing);
}

TEST(MetadataProperties, WhatIsNoObjectGivesNothing) {
  for (const char* json : {"", "[1]", "{", R"({"a":1)", "\"a\""}) {
    EXPECT_EQ(read_one(json, "a"), kNothing) << json;
  }
}

}  // namespace
}  // namespace selvedge::api
