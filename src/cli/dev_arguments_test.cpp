// Tests of telling our arguments from wrangler's.
#include "cli/dev_arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace selvedge::cli {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

DevArguments split(const std::vector<std::string>& arguments) {
  return split_dev_arguments(arguments, {"--dimensions", "--metric"}, {"--create-indexes"});
}

TEST(DevArguments, OursAreTakenWhereverTheyStand) {
  const auto found = split({"--port", "8790", "--create-indexes", "src/index.ts", "--dimensions",
                            "384", "--local", "--metric=euclidean"});
  EXPECT_THAT(found.ours,
              ElementsAre("--create-indexes", "--dimensions", "384", "--metric=euclidean"));
  EXPECT_THAT(found.wrangler, ElementsAre("--port", "8790", "src/index.ts", "--local"));
  EXPECT_EQ(found.script, "src/index.ts");
}

TEST(DevArguments, BehindADoubleDashAllIsWranglers) {
  const auto found = split({"--create-indexes", "--", "--help", "--metric", "x", "--"});
  EXPECT_THAT(found.ours, ElementsAre("--create-indexes"));
  EXPECT_THAT(found.wrangler, ElementsAre("--help", "--metric", "x", "--"));
}

TEST(DevArguments, NamesOfOurVerbsArePlainValues) {
  const auto found = split({"--name", "bot", "run", "--env", "serve"});
  EXPECT_THAT(found.wrangler, ElementsAre("--name", "bot", "run", "--env", "serve"));
  EXPECT_EQ(found.environment, "serve");
}

TEST(DevArguments, WranglersOwnOptionsAreReadInEverySpelling) {
  const auto one = split({"-c", "a.toml", "--config=b.jsonc", "-cc.json", "-e=prod", "--cwd", "x"});
  EXPECT_THAT(one.configs, ElementsAre("a.toml", "b.jsonc", "c.json"));
  EXPECT_EQ(one.environment, "prod");
  EXPECT_EQ(one.folder, "x");
  const auto other = split({"--env", "", "--config", "w.toml"});
  EXPECT_EQ(other.environment, "");
  EXPECT_THAT(other.configs, ElementsAre("w.toml"));
  EXPECT_FALSE(other.folder.has_value());
}

TEST(DevArguments, WhereTheWorkerRunsIsTheUsersToSay) {
  for (const std::string argument : {"--local", "--local=false", "-l", "--remote", "-r"}) {
    EXPECT_TRUE(split({"--port", "1", argument}).says_where) << argument;
  }
  EXPECT_FALSE(split({"--local-protocol", "https"}).says_where);
}

TEST(DevArguments, LongerNamesAreOtherOptions) {
  const auto found = split({"--env-file", ".env.x", "--configx=1", "--metrics"});
  EXPECT_EQ(found.environment, std::nullopt);
  EXPECT_THAT(found.configs, IsEmpty());
  EXPECT_THAT(found.ours, IsEmpty());
}

TEST(DevArguments, AnOptionWithoutItsValueStaysForItsParserToRefuse) {
  EXPECT_THAT(split({"--dimensions"}).ours, ElementsAre("--dimensions"));
  const auto found = split({"--config"});
  EXPECT_THAT(found.wrangler, ElementsAre("--config"));
  EXPECT_THAT(found.configs, IsEmpty());
}

}  // namespace
}  // namespace selvedge::cli
