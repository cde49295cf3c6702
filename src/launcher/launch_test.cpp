// Launch: which calls of workerd read a configuration that is to be redirected.
#include "launcher/launch.h"

#include <vector>

#include <gtest/gtest.h>

namespace selvedge::launcher {
namespace {

bool reads(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "workerd");
  return reads_binary_config(static_cast<int>(arguments.size()), arguments.data());
}

TEST(Launch, RedirectsTheConfigThatMiniflareSends) {
  EXPECT_TRUE(reads(
      {"serve", "--binary", "--experimental", "--control-fd=3", "-", "--debug-port=127.0.0.1:0"}));
  EXPECT_TRUE(reads({"serve", "-b", "-"}));
}

TEST(Launch, LeavesOtherCallsAlone) {
  EXPECT_FALSE(reads({}));
  EXPECT_FALSE(reads({"--version"}));
  EXPECT_FALSE(reads({"serve", "config.capnp"}));
  EXPECT_FALSE(reads({"serve", "--binary", "config.bin"}));
  EXPECT_FALSE(reads({"serve", "-"}));
  EXPECT_FALSE(reads({"compile", "--binary", "-"}));
}

}  // namespace
}  // namespace selvedge::launcher
