// Real workerd: found in the folders that npm and pnpm make, and told in words where there is none.
#include "launcher/real_workerd.h"

#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

namespace selvedge::launcher {
namespace {

namespace fs = std::filesystem;

#if defined(__aarch64__)
constexpr const char* kPlatform = "@cloudflare/workerd-linux-arm64";
#else
constexpr const char* kPlatform = "@cloudflare/workerd-linux-64";
#endif

class RealWorkerd : public testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/selvedge-workerd-test-XXXXXX";
    root_ = fs::canonical(mkdtemp(pattern));
  }
  void TearDown() override { fs::remove_all(root_); }

  fs::path file(const fs::path& place, bool program = false) {
    fs::create_directories((root_ / place).parent_path());
    std::ofstream(root_ / place) << "#!/bin/sh\n";
    if (program) fs::permissions(root_ / place, fs::perms::owner_all);
    return root_ / place;
  }
  fs::path program(const fs::path& place) { return file(place, true); }
  void link(const fs::path& from, const fs::path& to) {
    fs::create_directories((root_ / from).parent_path());
    fs::create_directory_symlink(root_ / to, root_ / from);
  }
  std::optional<fs::path> near(const fs::path& script, const fs::path& folder = "") {
    return workerd_near(
        {{"node", "--no-warnings", (root_ / script).string(), "dev"}, root_ / folder});
  }

  fs::path root_;
};

std::string nothing(const char*) { return ""; }

TEST_F(RealWorkerd, IsThePlatformsProgramBesideThePackage) {
  const auto cli = fs::path("app/node_modules/wrangler/wrangler-dist/cli.js");
  file(cli);
  fs::create_directories(root_ / "app/node_modules/miniflare");
  program("app/node_modules/workerd/bin/workerd");
  const auto real = program(fs::path("app/node_modules") / kPlatform / "bin/workerd");
  EXPECT_EQ(near(cli), real);
}

TEST_F(RealWorkerd, IsThePackagesOwnProgramWhereThereIsNoOther) {
  const auto cli = fs::path("app/node_modules/wrangler/wrangler-dist/cli.js");
  file(cli);
  EXPECT_EQ(near(cli), std::nullopt);
  const auto real = program("app/node_modules/workerd/bin/workerd");
  EXPECT_EQ(near(cli), real);
}

TEST_F(RealWorkerd, IsThatOfTheNearestMiniflare) {
  const auto cli = fs::path("app/node_modules/wrangler/wrangler-dist/cli.js");
  file(cli);
  program("app/node_modules/workerd/bin/workerd");
  fs::create_directories(root_ / "app/node_modules/miniflare");
  fs::create_directories(root_ / "app/node_modules/wrangler/node_modules/miniflare");
  const auto real = program("app/node_modules/wrangler/node_modules/workerd/bin/workerd");
  EXPECT_EQ(near(cli), real);
}

TEST_F(RealWorkerd, IsFoundThroughTheLinksOfPnpm) {
  const auto store = fs::path("app/node_modules/.pnpm");
  file(store / "wrangler@4/node_modules/wrangler/wrangler-dist/cli.js");
  fs::create_directories(root_ / store / "miniflare@4/node_modules/miniflare");
  program(store / "workerd@1/node_modules/workerd/bin/workerd");
  const auto real = program(store / "platform@1/node_modules" / kPlatform / "bin/workerd");
  link("app/node_modules/wrangler", store / "wrangler@4/node_modules/wrangler");
  link(store / "wrangler@4/node_modules/miniflare", store / "miniflare@4/node_modules/miniflare");
  link(store / "miniflare@4/node_modules/workerd", store / "workerd@1/node_modules/workerd");
  link(store / "workerd@1/node_modules" / kPlatform, store / "platform@1/node_modules" / kPlatform);
  EXPECT_EQ(near("app/node_modules/wrangler/wrangler-dist/cli.js"), real);
}

TEST_F(RealWorkerd, IsThatOfTheProgramThatCallsWhereSeveralBringOne) {
  program("app/node_modules/workerd/bin/workerd");
  const auto pool = fs::path("app/node_modules/@cloudflare/vitest-pool-workers");
  fs::create_directories(root_ / pool / "node_modules/miniflare");
  const auto real = program(pool / "node_modules/workerd/bin/workerd");
  fs::create_directories(root_ / "app/src");
  EXPECT_EQ(workerd_near({{"node (vitest 1)"}, root_ / "app/src"}), real);
  EXPECT_NE(workerd_near({{"node"}, root_ / "app/src"}), real);
}

TEST_F(RealWorkerd, IsFoundFromTheFolderOfACallerWithoutAScript) {
  const auto real = program("app/node_modules/workerd/bin/workerd");
  fs::create_directories(root_ / "app/src/deep");
  EXPECT_EQ(workerd_near({{"node", "-e", "1"}, root_ / "app/src/deep"}), real);
  EXPECT_EQ(workerd_near({{}, ""}), std::nullopt);
}

TEST_F(RealWorkerd, IsWhatTheVariableNames) {
  const auto real = program("workerd");
  EXPECT_EQ(*real_workerd([&](const char*) { return real.string(); }, {}), real);
}

TEST_F(RealWorkerd, IsNeitherAFolderNorThisProgram) {
  const auto folder = real_workerd([&](const char*) { return root_.string(); }, {});
  ASSERT_FALSE(folder.ok());
  EXPECT_NE(folder.error().message.find("which is no program"), std::string::npos);
  const auto self = fs::read_symlink("/proc/self/exe").string();
  const auto loop = real_workerd([&](const char*) { return self; }, {});
  ASSERT_FALSE(loop.ok());
  EXPECT_NE(loop.error().message.find("selvedge-workerd itself"), std::string::npos);
}

TEST_F(RealWorkerd, IsAskedForInASentenceWhereItIsNowhere) {
  const auto found = real_workerd(nothing, {{{"node", "/none.js"}, root_}});
  ASSERT_FALSE(found.ok());
  EXPECT_NE(found.error().message.find("set SELVEDGE_WORKERD"), std::string::npos);
}

TEST(Callers, BeginWithTheParentOfThisProcess) {
  const auto all = callers();
  ASSERT_FALSE(all.empty());
  EXPECT_FALSE(all.front().arguments.empty());
  EXPECT_LE(all.size(), 8u);
}

}  // namespace
}  // namespace selvedge::launcher
