// Tests of guessing the dimensions of an index from a Worker's source.
#include "cli/index_dimensions.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace selvedge::cli {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Sources : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "selvedge-source-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { fs::remove_all(folder_); }
  void write(const fs::path& name, std::string_view text) {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  Result<IndexDimensions> guess() {
    return guess_dimensions(*catalog::ModelTable::built_in().value(), {folder_ / "src", folder_});
  }
  fs::path folder_;
};

TEST_F(Sources, TheOnlyModelNamedDecides) {
  write("src/deep/embed.ts", "await env.AI.run('@cf/baai/bge-m3', {text})");
  write("src/chat.ts", "env.AI.run('@cf/meta/llama-3-8b-instruct')");
  auto found = guess();
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_EQ(found->count, 1024);
  EXPECT_THAT(found->reason, HasSubstr("@cf/baai/bge-m3"));
}

TEST_F(Sources, WithoutAnyModelItIsBgeBase) {
  write("src/index.ts", "export default {}");
  EXPECT_EQ(guess()->count, 768);
  fs::remove_all(folder_ / "src");
  EXPECT_EQ(guess()->count, 768);
}

TEST_F(Sources, TheRestOfTheProjectCountsWhereTheEntrysFolderNamesNone) {
  write("src/index.ts", "import '../lib/embed'");
  write("lib/embed.ts", "\"@cf/baai/bge-small-en-v1.5\"");
  write("node_modules/x/index.js", "\"@cf/baai/bge-m3\"");
  write(".wrangler/tmp/index.js", "\"@cf/baai/bge-m3\"");
  EXPECT_EQ(guess()->count, 384);
}

TEST_F(Sources, ALongerIdIsAnotherModel) {
  write("src/index.ts", "\"@cf/baai/bge-m3-large\"");
  EXPECT_THAT(guess()->reason, HasSubstr("names no embedding model"));
}

TEST_F(Sources, ModelsOfDifferentDimensionsAreNotGuessedFrom) {
  write("src/index.ts", "\"@cf/baai/bge-m3\" \"@cf/baai/bge-base-en-v1.5\"");
  auto found = guess();
  ASSERT_FALSE(found.ok());
  EXPECT_THAT(found.error().message, HasSubstr("--dimensions"));
  write("src/index.ts", "\"@cf/baai/bge-m3\" \"@cf/baai/bge-large-en-v1.5\"");
  EXPECT_EQ(guess()->count, 1024);
}

}  // namespace
}  // namespace selvedge::cli
