// Tests of reading wrangler.toml, wrangler.json and wrangler.jsonc.
#include "cli/wrangler_config.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace selvedge::cli {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::string_view kToml = R"(name = "rag-bot"
main = "src/index.ts"
account_id = "abc123"
compatibility_date = 2026-01-01

[ai]
binding = "AI"

[[vectorize]]
binding = "VECTORIZE"
index_name = "my-knowledge-base"

[[vectorize]]
binding = "NOTES"
index_name = "notes"

[env.staging]
vectorize = [{ binding = "VECTORIZE", index_name = "staging-base" }]

[env.empty]
main = "src/other.ts"
)";

constexpr std::string_view kJsonc = R"({
  // The Worker.
  "name": "rag-bot", /* a name */
  "main": "src/index.ts",
  "account_id": "abc123",
  "vectorize": [
    { "binding": "VECTORIZE", "index_name": "my-knowledge-base", },
    { "binding": "NOTES", "index_name": "notes" },
  ],
  "env": {
    "staging": { "vectorize": [{ "binding": "VECTORIZE", "index_name": "staging-base" }] },
    "empty": { "main": "src/other.ts" },
  },
})";

std::string names(const WranglerConfig& config) {
  std::string text;
  for (const auto& one : config.vectorize) text += one.binding + "=" + one.index_name + " ";
  return text;
}

std::string error_of(std::string_view text, ConfigForm form, std::string_view environment = "") {
  auto config = parse_wrangler_config(text, form, "wrangler", environment);
  if (config.ok()) return "no error";
  EXPECT_EQ(config.error().code, Code::file_invalid);
  return config.error().message;
}

class BothForms : public testing::TestWithParam<ConfigForm> {
 protected:
  static Result<WranglerConfig> config(std::string_view environment) {
    const std::string_view text = GetParam() == ConfigForm::toml ? kToml : kJsonc;
    return parse_wrangler_config(text, GetParam(), "wrangler", environment);
  }
};
INSTANTIATE_TEST_SUITE_P(WranglerConfig, BothForms,
                         testing::Values(ConfigForm::toml, ConfigForm::json));

TEST_P(BothForms, SeveralBindingsComeInOrder) {
  auto read = config("");
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->main, "src/index.ts");
  EXPECT_EQ(names(*read), "VECTORIZE=my-knowledge-base NOTES=notes ");
}

TEST_P(BothForms, AnEnvironmentReplacesTheBindingsAndInheritsMainAndAccount) {
  auto read = config("staging");
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->main, "src/index.ts");
  EXPECT_EQ(read->account_id, "abc123");
  EXPECT_EQ(names(*read), "VECTORIZE=staging-base ");
}

TEST_P(BothForms, AnEnvironmentWithoutBindingsHasNone) {
  auto read = config("empty");
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->main, "src/other.ts");
  EXPECT_EQ(names(*read), "");
}

TEST_P(BothForms, AnUnknownEnvironmentIsAnErrorThatNamesIt) {
  auto read = config("prod");
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().message, "wrangler has no environment \"prod\"");
}

TEST(WranglerConfig, AFileWithoutEnvironmentsAnswersForAnyName) {
  auto read = parse_wrangler_config("main = 'a.js'", ConfigForm::toml, "w", "prod");
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->main, "a.js");
}

TEST(WranglerConfig, SyntaxErrorsNameLineAndColumn) {
  EXPECT_THAT(error_of("name = \"x\"\nmain = \n", ConfigForm::toml), StartsWith("wrangler:2:"));
  EXPECT_THAT(error_of("{\n  \"name\": \"x\",\n  \"main\": }", ConfigForm::json),
              StartsWith("wrangler:3:11: Invalid value"));
  EXPECT_THAT(error_of("", ConfigForm::json), StartsWith("wrangler:1:1: "));
  EXPECT_THAT(error_of("{\"a\": \"\xff\"}", ConfigForm::json), StartsWith("wrangler:1:"));
  EXPECT_THAT(error_of("a = \"\xff\"", ConfigForm::toml), StartsWith("wrangler:1:"));
  EXPECT_THAT(error_of("a = 1\n[^i]\n", ConfigForm::toml), StartsWith("wrangler:2:2: "));
  EXPECT_THAT(error_of("\u038e", ConfigForm::toml), StartsWith("wrangler:1:1: "));
}

TEST(WranglerConfig, ShapeErrorsNameTheKey) {
  EXPECT_EQ(error_of("vectorize = 3", ConfigForm::toml),
            "wrangler: \"vectorize\" is not a list of tables");
  EXPECT_EQ(error_of(R"({"vectorize":[{"binding":"A","index_name":"i"},{"binding":"V"}]})",
                     ConfigForm::json),
            "wrangler: \"vectorize[1].index_name\" is not a text");
  EXPECT_EQ(error_of(R"({"env":{"p":{"vectorize":[3]}}})", ConfigForm::json, "p"),
            "wrangler: \"env.p.vectorize[0]\" is not a table");
  EXPECT_EQ(error_of("[1]", ConfigForm::json), "wrangler: \"the whole\" is not an object");
  EXPECT_EQ(error_of("main = 3", ConfigForm::toml), "wrangler: \"main\" is not a text");
  EXPECT_EQ(error_of("env = 3", ConfigForm::toml, "p"), "wrangler: \"env\" is not a table");
}

TEST(WranglerConfig, AByteOrderMarkAndDoubledKeysAreTaken) {
  auto read = parse_wrangler_config("\xEF\xBB\xBF{\"main\":\"a\",\"main\":\"b\"}", ConfigForm::json,
                                    "w", "");
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->main, "b");
}

TEST(WranglerConfig, DeepNestingIsNoCrash) {
  const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
  auto read = parse_wrangler_config("{\"x\":" + deep + "}", ConfigForm::json, "w", "");
  EXPECT_TRUE(read.ok());
  EXPECT_FALSE(parse_wrangler_config("x = " + deep, ConfigForm::toml, "w", "").ok());
}

class ConfigFiles : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "selvedge-config-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    fs::create_directories(folder_ / "app/src");
  }
  void TearDown() override { fs::remove_all(folder_); }
  void write(const fs::path& name, std::string_view text) {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  fs::path folder_;
};

TEST_F(ConfigFiles, TheNearestFileAboveIsFoundAndJsonGoesBeforeToml) {
  EXPECT_EQ(find_wrangler_config(folder_ / "app/src"), std::nullopt);
  write("wrangler.toml", "");
  EXPECT_EQ(find_wrangler_config(folder_ / "app/src"), folder_ / "wrangler.toml");
  write("app/wrangler.toml", "");
  EXPECT_EQ(find_wrangler_config(folder_ / "app/src"), folder_ / "app/wrangler.toml");
  write("wrangler.jsonc", "");
  EXPECT_EQ(find_wrangler_config(folder_ / "app/src/"), folder_ / "wrangler.jsonc");
}

TEST_F(ConfigFiles, TheSuffixTellsTheForm) {
  write("wrangler.jsonc", "{/**/}");
  write("wrangler.toml", "# nothing");
  EXPECT_TRUE(read_wrangler_config(folder_ / "wrangler.jsonc", "").ok());
  EXPECT_TRUE(read_wrangler_config(folder_ / "wrangler.toml", "").ok());
}

TEST_F(ConfigFiles, AMissingOrHugeFileIsAnError) {
  auto missing = read_wrangler_config(folder_ / "wrangler.toml", "");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, Code::not_found);
  write("wrangler.toml", std::string(1024 * 1024 + 1, '\n'));
  auto huge = read_wrangler_config(folder_ / "wrangler.toml", "");
  ASSERT_FALSE(huge.ok());
  EXPECT_THAT(huge.error().message, HasSubstr("larger than 1 MiB"));
}

}  // namespace
}  // namespace selvedge::cli
