// Tests of vector lines: what a write's body becomes, and what it is refused for.
#include "api/vector_lines.h"

#include <string>

#include <gtest/gtest.h>

namespace selvedge::api {
namespace {

Result<vectors::VectorBatch> parse(std::string text, std::size_t dimensions = 2,
                                   bool discard = false) {
  text.reserve(text.size() + kVectorLinesPadding);
  VectorLinesOptions options;
  options.dimensions = dimensions;
  options.discard_unparsable = discard;
  return parse_vector_lines(text, options);
}

Code code_of(const std::string& text) {
  const auto parsed = parse(text);
  return parsed.ok() ? Code::internal : parsed.error().code;
}

TEST(VectorLines, LinesBecomeOneFlatArray) {
  const auto batch = parse(
      "{\"id\":\"a\",\"values\":[1,2.5]}\r\n\n"
      "{\"values\":[-3e-1,0],\"id\":\"b\",\"namespace\":\"n\",\"metadata\":{\"k\": [1, 2.0, "
      "\"x\"]}}");
  ASSERT_TRUE(batch.ok()) << batch.error().message;
  EXPECT_EQ(batch->ids, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(batch->values, (std::vector<float>{1.0F, 2.5F, -0.3F, 0.0F}));
  EXPECT_EQ(batch->partitions[0], std::nullopt);
  EXPECT_EQ(batch->partitions[1], "n");
  EXPECT_EQ(batch->metadata[0], "");
  EXPECT_EQ(batch->metadata[1], R"({"k":[1,2.0,"x"]})");
}

TEST(VectorLines, MetadataIsCompactAndKeepsEveryType) {
  const auto batch = parse(
      R"({"id":"a","values":[1,2],"metadata":{ "s" : "\u4e2d\n\"q\"", "n" : null , "b":true, "f":false,)"
      R"( "i": 12345678901234567 , "o": { "deep" : { } }, "e": [ ] }})");
  ASSERT_TRUE(batch.ok()) << batch.error().message;
  EXPECT_EQ(batch->metadata[0],
            "{\"s\":\"中\\n\\\"q\\\"\",\"n\":null,\"b\":true,\"f\":false,\"i\":12345678901234567,"
            "\"o\":{\"deep\":{}},\"e\":[]}");
}

TEST(VectorLines, LinesThatAreNoVectorsAreRefusedAndNamed) {
  const char* lines[] = {
      "{",
      "[]",
      "null",
      "1",
      "{}",
      R"({"id":"a"})",
      R"({"values":[1,2]})",
      R"({"id":1,"values":[1,2]})",
      R"({"id":"a","values":"1,2"})",
      R"({"id":"a","values":[1,"2"]})",
      R"({"id":"a","values":[1,null]})",
      R"({"id":"a","values":[1,1e400]})",
      R"({"id":"a","values":[1,1e39]})",
      R"({"id":"a","values":[1,2],})",
      R"({"id":"a","values":[1,2]}})",
      R"({"id":"a","values":[1,2]} {"id":"b","values":[1,2]})",
      R"({"id":"a","values":[1,2],"namespace":3})",
      R"({"id":"a","values":[1,2],"metadata":[]})",
      R"({"id":"a","values":[1,2],"metadata":"x"})",
      R"({"id":"a","values":[1,2],"metadata":{"k":}})",
      R"({"id":"a","values":[1,2],"metadata":{"k":nul}})",
      R"({"id":"a","values":[1,2],"metadata":{"k":"\ud800"}})",
      R"({"id":"\ud800","values":[1,2]})",
      "{\"id\":\"\xff\",\"values\":[1,2]}",
  };
  for (const char* line : lines) EXPECT_EQ(code_of(line), Code::vectors_unparsable) << line;
  const auto second = parse("{\"id\":\"a\",\"values\":[1,2]}\nx\n");
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().message,
            "failed to parse insert vectors request in json format (line 2)");
}

TEST(VectorLines, DeepMetadataIsRefusedWithoutACrash) {
  std::string line = R"({"id":"a","values":[1,2],"metadata":{"k":)";
  line += std::string(100'000, '[') + std::string(100'000, ']') + "}}";
  EXPECT_EQ(code_of(line), Code::vectors_unparsable);
}

TEST(VectorLines, WhatNobodyReadsMustBeJsonToo) {
  EXPECT_TRUE(parse(R"({"id":"a","values":[1,2],"x":{"y":[1,"z",null,true,{}]}})").ok());
  for (const char* other : {R"({"deep"vectors})", "[1 2]", "nul", "01", R"("\q")", "[tru]"}) {
    const std::string line = R"({"id":"a","values":[1,2],"x":)" + std::string(other) + "}";
    EXPECT_EQ(code_of(line), Code::vectors_unparsable) << line;
  }
}

TEST(VectorLines, AnObjectOfVectorsIsOneWholeJsonText) {
  const auto code_of_object = [](std::string text) {
    text.reserve(text.size() + kVectorLinesPadding);
    VectorLinesOptions options;
    options.dimensions = 1;
    const auto parsed = parse_vector_object(text, options);
    return parsed.ok() ? Code::internal : parsed.error().code;
  };
  EXPECT_EQ(code_of_object(R"({"x":[{}],"vectors":[{"id":"a","values":[1]}],"y":1})"),
            Code::internal);
  EXPECT_EQ(code_of_object(R"({"vectors":[{"id":"a","values":[1]}]} junk)"),
            Code::vectors_unparsable);
  EXPECT_EQ(code_of_object(R"({"vectors":[{"id":"a","values":[1]}],"x":jun})"),
            Code::vectors_unparsable);
  EXPECT_EQ(code_of_object(R"({"vectors":[{"id":"a","values":[1]}])"), Code::vectors_unparsable);
  EXPECT_EQ(code_of_object(R"({"x":1})"), Code::vectors_unparsable);
}

TEST(VectorLines, DiscardLeavesOutOnlyWhatCannotBeParsed) {
  const auto batch = parse(
      "x\n{\"id\":\"a\",\"values\":[1,2]}\n{\"id\":\"b\",\"values\":[1,}\n"
      "{\"id\":\"c\",\"values\":[3,4]} tail\n{\"id\":\"d\",\"values\":[5,6]}\n",
      2, true);
  ASSERT_TRUE(batch.ok()) << batch.error().message;
  EXPECT_EQ(batch->ids, (std::vector<std::string>{"a", "d"}));
  EXPECT_EQ(batch->values, (std::vector<float>{1, 2, 5, 6}));
  EXPECT_EQ(batch->metadata.size(), 2u);
  const auto wrong = parse("{\"id\":\"a\",\"values\":[1]}\n", 2, true);
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().code, Code::dimension_mismatch);
}

TEST(VectorLines, RefusalsNameTheVectorAndTheBound) {
  const auto dimensions = parse(R"({"id":"a","values":[1,2,3]})");
  ASSERT_FALSE(dimensions.ok());
  EXPECT_EQ(dimensions.error().code, Code::dimension_mismatch);
  EXPECT_EQ(dimensions.error().message,
            "invalid vector for id=\"a\", expected 2 dimensions, and got 3 dimensions");
  const auto id = parse("{\"id\":\"" + std::string(65, 'x') + "\",\"values\":[1,2]}");
  ASSERT_FALSE(id.ok());
  EXPECT_EQ(id.error().message, "id too long; max is 64 bytes, got 65 bytes");
  EXPECT_EQ(code_of(R"({"id":"","values":[1,2]})"), Code::id_invalid);
  EXPECT_EQ(code_of(R"({"id":"a","values":[1,2],"namespace":""})"), Code::id_invalid);
  const std::string text(10'240, 'x');
  const auto metadata = parse(R"({"id":"a","values":[1,2],"metadata":{"k":")" + text + "\"}}");
  ASSERT_FALSE(metadata.ok());
  EXPECT_EQ(metadata.error().code, Code::metadata_too_large);
  EXPECT_NE(metadata.error().message.find("must not exceed 10240 bytes, got 10248 bytes"),
            std::string::npos);
}

TEST(VectorLines, MetadataKeysFollowCloudflaresRules) {
  for (const char* key : {"", "a.b", "$a", "a\\\"b"}) {
    const std::string top =
        R"({"id":"a","values":[1,2],"metadata":{")" + std::string(key) + R"(":1}})";
    EXPECT_EQ(code_of(top), Code::metadata_key_invalid) << key;
    const std::string nested =
        R"({"id":"a","values":[1,2],"metadata":{"o":[{")" + std::string(key) + R"(":1}]}})";
    EXPECT_EQ(code_of(nested), Code::metadata_key_invalid) << key;
  }
}

TEST(VectorLines, TheLastOfARepeatedKeyCounts) {
  const auto batch = parse(
      R"({"id":"a","id":"b","values":[1,2,3],"values":[4,5],"metadata":{"x":1},"metadata":{"y":2}})");
  ASSERT_TRUE(batch.ok()) << batch.error().message;
  EXPECT_EQ(batch->ids[0], "b");
  EXPECT_EQ(batch->values, (std::vector<float>{4, 5}));
  EXPECT_EQ(batch->metadata[0], R"({"y":2})");
}

TEST(VectorLines, AnObjectOfVectorsIsReadAsWell) {
  std::string text = R"({"vectors":[{"id":"a","values":[1,2]},{"id":"b","values":[3,4]}]})";
  text.reserve(text.size() + kVectorLinesPadding);
  VectorLinesOptions options;
  options.operation = "upsert";
  options.dimensions = 2;
  const auto batch = parse_vector_object(text, options);
  ASSERT_TRUE(batch.ok()) << batch.error().message;
  EXPECT_EQ(batch->values, (std::vector<float>{1, 2, 3, 4}));
  std::string other = R"({"items":[]})";
  other.reserve(other.size() + kVectorLinesPadding);
  const auto refused = parse_vector_object(other, options);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().message, "failed to parse upsert vectors request in json format");
}

}  // namespace
}  // namespace selvedge::api
