// Tests of base64: the vectors of RFC 4648.
#include "base/base64.h"

#include <string_view>

#include <gtest/gtest.h>

namespace selvedge {
namespace {

std::string encoded(std::string_view bytes) {
  std::string text = ":";
  append_base64(text, std::as_bytes(std::span(bytes)));
  return text;
}

TEST(Base64, WritesTheTextsOfTheStandard) {
  EXPECT_EQ(encoded(""), ":");
  EXPECT_EQ(encoded("f"), ":Zg==");
  EXPECT_EQ(encoded("fo"), ":Zm8=");
  EXPECT_EQ(encoded("foo"), ":Zm9v");
  EXPECT_EQ(encoded("foob"), ":Zm9vYg==");
  EXPECT_EQ(encoded("fooba"), ":Zm9vYmE=");
  EXPECT_EQ(encoded("foobar"), ":Zm9vYmFy");
  EXPECT_EQ(encoded("\xFF\xEF\xBE"), ":/+++");
}

TEST(Base64, AnyBytesComeBack) {
  std::string bytes;
  for (int at = 0; at < 300; ++at) {
    std::string text;
    append_base64(text, std::as_bytes(std::span(bytes)));
    EXPECT_EQ(base64_bytes(text), bytes);
    bytes += static_cast<char>(at * 7);
  }
}

TEST(Base64, SpacesAndMissingPaddingAreNoFault) {
  EXPECT_EQ(base64_bytes("aGV\r\nsbG8 ="), "hello");
  EXPECT_EQ(base64_bytes("aGVsbG8"), "hello");
  EXPECT_EQ(base64_bytes(""), "");
}

TEST(Base64, WhatIsNoneIsTold) {
  for (const char* text : {"?", "a", "aGVsbG8==", "aGVsbG8=a", "aGVs=", "aGVsbG8===", "aGV-bG8="}) {
    EXPECT_EQ(base64_bytes(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace selvedge
