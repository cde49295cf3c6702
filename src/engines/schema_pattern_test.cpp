// Tests of schema patterns: what they become, and what is too much for a grammar.
#include "engines/schema_pattern.h"

#include <string>

#include <gtest/gtest.h>

namespace selvedge::engines {
namespace {

std::string repeated(int count, const std::string& text) {
  std::string all;
  for (int at = 0; at < count; ++at) all += text;
  return all;
}

std::string text_of(const std::string& pattern) {
  const auto written = json_text_pattern(pattern);
  return written ? written->text : "none";
}

TEST(SchemaPattern, IsWrittenAsAGrammarKnowsIt) {
  struct Case {
    const char* pattern;
    const char* text;
  };
  for (
      const Case& one : {
          Case{R"(^\d{4}-\d{2}$)", "^[0-9]{4}-[0-9]{2}$"},
          Case{
              R"(^[\w.-]+@[^\s@]+$)",
              R"(^[\-.0-9A-Z_a-z]+@[^\x00- \"@\\\xA0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000\uFEFF]+$)"},
          Case{R"(^.$)", R"(^[^\x00-\x1F\"\\\u2028\u2029]$)"},
          Case{R"(^a\/b\-c\.d$)", R"(^a/b-c\.d$)"},
          Case{R"(^(?<year>\d+?)(?:x|y)*?$)", "^(?:[0-9]+)(?:x|y)*$"},
          Case{"^\"\\\\\n\x01$", R"(^(?:\\")(?:\\\\)(?:\\n)(?:\\u0001)$)"},
          Case{R"(^["]\x41é\u{1F600}\ud83d\ude00[\u00e9-\u00eb\ud83d\ude00]$)",
               "^(?:\\\\\")A\u00e9\U0001F600\U0001F600[\\xE9-\\xEB\\U0001F600]$"},
          Case{"^a{b}{,3}$", R"(^a\{b\}\{,3\}$)"},
          Case{"^]$", R"(^\]$)"},
          Case{"^[a^\\b-]$", R"(^[\-\x5Ea]$)"},
          Case{"^[^]$", R"(^[^\x00-\x1F\"\\]$)"},
          Case{"^$", "^$"},
          Case{"^(a$|b)c$", nullptr},
          Case{"^a$b$", nullptr},
      }) {
    EXPECT_EQ(text_of(one.pattern), one.text == nullptr ? "none" : one.text) << one.pattern;
  }
}

TEST(SchemaPattern, SomethingMayStandAroundWhatIsNotAnchored) {
  const std::string any = R"([^\x00-\x1F\"\\\u2028\u2029]*)";
  EXPECT_EQ(text_of("b"), "^" + any + "b" + any + "$");
  EXPECT_EQ(text_of("^b"), "^b" + any + "$");
  EXPECT_EQ(text_of("^a|b$|^c$"), "^(?:a" + any + "|" + any + "b|c)$");
  EXPECT_EQ(text_of("(a|b)$"), "^" + any + "(?:a|b)$");
}

TEST(SchemaPattern, WhatPeopleWriteIsTaken) {
  for (const char* pattern :
       {"^[a-z0-9._%+-]+@[a-z0-9.-]+\\.[a-z]{2,}$", "^(\\d{3}-){2}\\d{4}$", "^(red|green|blue)$",
        "^[A-Z]{1,1000}$", "^(-)?[0-9]+$", "^(?:ab){3}$", R"(^\+?[1-9]\d{1,14}$)",
        R"(^#[0-9a-fA-F]{6}$)", R"(^(\d{1,3}\.){3}\d{1,3}$)",
        R"(^https?:\/\/[\w.-]+(:\d+)?(\/[\w./-]*)?(\?[^#]*)?(#.*)?$)",
        R"(^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$)", R"(^\S+(?: \S+)$)",
        R"(^[一-鿿]{2,4}$)", "^([A-Z]{1,1000}x)$", "^[a-z]{1,200} [a-z]{1,200}$", "^(a|bc)*$",
        "^((a)+)+$"}) {
    EXPECT_TRUE(json_text_pattern(pattern).has_value()) << pattern;
  }
}

TEST(SchemaPattern, WhatIsTooMuchIsNot) {
  for (const std::string& pattern : {
           std::string("^(x{0,900}){2}$"),
           std::string("^(x?){1900}$"),
           std::string("^(a*)*$"),
           std::string("^(a|a|a|a){65}$"),
           std::string("^(\\w+ )+(a{1,1000}|b)$"),
           std::string("^(x{1,900}){2}$"),
           std::string("^a*a{257}$"),
           std::string("^a*(b|a{1,257})$"),
           std::string("^(()){2}$"),
           std::string("^((a|b)*(a|b)*)*c$"),
           std::string("^(a?b?c?d?){64}$"),
           std::string("^[a-z]{5,3}$"),
           std::string("^(ab){2,0}$"),
           std::string("^[a-z]{5000}$"),

           "^" + repeated(17, "a*") + "$",
           "^" + repeated(17, "(|.)") + "$",
           "^" + repeated(9, "(a||b)(c|)") + "$",
           std::string(600, 'x'),
       }) {
    EXPECT_FALSE(json_text_pattern(pattern).has_value()) << pattern;
  }
  EXPECT_TRUE(json_text_pattern("^" + repeated(16, "a*") + "$").has_value());
}

TEST(SchemaPattern, WhatNoGrammarCanSayIsNot) {
  for (const char* pattern : {"^(?=x)x$",
                              "^(?<!a)b$",
                              "^(?<a$",
                              R"(^(a)\1$)",
                              R"(\bword\b)",
                              R"(^\p{L}+$)",
                              R"(^\k<a>$)",
                              "^(a$",
                              "^a)$",
                              "^[a",
                              "^[z-a]$",
                              "^[]$",
                              "^[\"\\\\]$",
                              R"(^\u12$)",
                              R"(^\x4$)",
                              R"(^\u{110000}$)",
                              R"(^\u{12)",
                              R"(^\ud800$)",
                              R"(^\ud800\u0041$)",
                              "^a\\"}) {
    EXPECT_FALSE(json_text_pattern(pattern).has_value()) << pattern;
  }
}

}  // namespace
}  // namespace selvedge::engines
