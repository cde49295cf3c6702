// Tests of what `selvedge usage` prints.
#include "cli/usage_verb.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace selvedge::cli {
namespace {

using nlohmann::json;

json month() {
  return json::parse(R"({"month":"2026-11","models":[
    {"day":"2026-11-01","account":"local","key":"key-1","model":"@cf/a","calls":2,"neurons":1.5,
     "input_tokens":1200,"output_tokens":30,"cached_tokens":0,"audio_seconds":0,"pictures":0},
    {"day":"2026-11-02","account":"local","key":"","model":"@cf/a","calls":1,"neurons":1,
     "input_tokens":34,"output_tokens":3,"cached_tokens":0,"audio_seconds":0,"pictures":0}],
    "indexes":[{"day":"2026-11-02","account":"local","index":"do\"cs","queries":1000,
     "dimensions":768,"vectors":12}],
    "accounts":[{"account":"local","neurons":2.5,"neurons_billed":0,"ai_usd":0,
     "queried_dimensions":777216,"stored_dimensions":9216,"vectorize_usd":0,"usd":0}]})");
}

TEST(UsageVerb, SumsUpByTheColumnAskedFor) {
  EXPECT_EQ(usage_text(month(), "model"),
            "2026-11 (UTC)\n\n"
            "model  calls  tokens in  tokens out  neurons\n"
            "@cf/a  3      1,234      33          2.50\n\n"
            "index        queries  vectors  dimensions\n"
            "local/do\"cs  1,000    12       768\n\n"
            "account local: $0.0000 on Workers Paid; 0 of 2.50 neurons are beyond the free 10,000 "
            "a day ($0.0000), 777,216 dimensions queried and 9,216 stored ($0.0000)\n");
  const std::string by_key = usage_text(month(), "key");
  EXPECT_NE(by_key.find("\n(none)  1"), std::string::npos) << by_key;
  EXPECT_NE(by_key.find("\nkey-1   2"), std::string::npos) << by_key;
}

TEST(UsageVerb, AMonthWithoutCallsSaysSo) {
  EXPECT_EQ(usage_text(json::parse(R"({"month":"2026-10"})"), "model"),
            "2026-10 (UTC)\n\nno model was called\n");
}

TEST(UsageVerb, CsvHasEveryRowAndQuotesTexts) {
  const std::string text = usage_csv(month());
  EXPECT_NE(
      text.find("\r\n\"2026-11-01\",\"local\",\"key-1\",\"@cf/a\",,2,1.5,1200,0,30,0,0,,,\r\n"),
      std::string::npos)
      << text;
  EXPECT_NE(text.find("\r\n\"2026-11-02\",\"local\",,,\"do\"\"cs\",,,,,,,,1000,12,768\r\n"),
            std::string::npos)
      << text;
}

}  // namespace
}  // namespace selvedge::cli
