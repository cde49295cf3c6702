// Tests of the frames between server and converter, and of the estimate of tokens.
#include "documents/conversion.h"

#include <gtest/gtest.h>

#include "documents/token_estimate.h"

namespace selvedge::documents {
namespace {

TEST(Conversion, AFileCrossesWithItsOptions) {
  Conversion sent;
  sent.kind = FormatKind::html;
  sent.name = "a \"b\"\n織.html";
  sent.charset = "gbk";
  sent.options = {true, false, "example.com", "a > b"};
  sent.bytes = std::string("\0\n\xff{}", 5);
  const auto read = read_conversion(conversion_head(sent) + sent.bytes);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->kind, sent.kind);
  EXPECT_EQ(read->name, sent.name);
  EXPECT_EQ(read->charset, sent.charset);
  EXPECT_TRUE(read->options.plain_text);
  EXPECT_FALSE(read->options.pdf_metadata);
  EXPECT_EQ(read->options.html_hostname, "example.com");
  EXPECT_EQ(read->options.html_selector, "a > b");
  EXPECT_EQ(read->bytes, sent.bytes);
}

TEST(Conversion, WhatIsNoFileIsRefused) {
  for (const char* stream : {"", "{}\n", "x\n", "{\"kind\":99}\nx", "{\"kind\":1}"}) {
    EXPECT_FALSE(read_conversion(stream).ok()) << stream;
  }
}

TEST(Conversion, RepliesAreMarkdownOrAReason) {
  EXPECT_EQ(*read_reply(conversion_reply(std::string("# a\n"))), "# a\n");
  const auto failed = read_reply(conversion_reply(Error{Code::file_invalid, "no"}));
  EXPECT_EQ(failed.error().message, "no");
  EXPECT_EQ(read_reply("").error().code, Code::internal);
  EXPECT_EQ(read_reply("markdown").error().code, Code::internal);
}

TEST(TokenEstimate, CharactersOfScriptsWithoutSpacesCountOneEach) {
  EXPECT_EQ(estimated_tokens(""), 0u);
  EXPECT_EQ(estimated_tokens("abcd"), 1u);
  EXPECT_EQ(estimated_tokens("abcde"), 2u);
  EXPECT_EQ(estimated_tokens("織機"), 2u);
  EXPECT_EQ(estimated_tokens("한글 ไทย"), 6u);
  EXPECT_EQ(estimated_tokens("ткань"), 2u);
}

}  // namespace
}  // namespace selvedge::documents
