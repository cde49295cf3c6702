// Server place: what the environment may say, and what is refused in words.
#include "launcher/server_place.h"

#include <map>
#include <string>

#include <gtest/gtest.h>

namespace selvedge::launcher {
namespace {

Result<ServerPlace> place(std::map<std::string, std::string> variables) {
  return server_place([&](const char* name) { return variables[name]; });
}

TEST(ServerPlace, IsThisMachineByDefault) {
  const auto found = place({});
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->url, "http://127.0.0.1:7358");
  EXPECT_EQ(found->address, "127.0.0.1:7358");
  EXPECT_FALSE(found->tls);
  EXPECT_EQ(found->account, "");
  EXPECT_EQ(found->token, "");
}

TEST(ServerPlace, TakesHostsPortsAndTls) {
  EXPECT_EQ(place({{"SELVEDGE_URL", "http://localhost:80/"}})->address, "localhost:80");
  EXPECT_EQ(place({{"SELVEDGE_URL", "http://box.example"}})->address, "box.example:80");
  EXPECT_EQ(place({{"SELVEDGE_URL", "http://[::1]:7358"}})->address, "[::1]:7358");
  EXPECT_EQ(place({{"SELVEDGE_URL", "http://[::1]"}})->address, "[::1]:80");
  const auto tls = place({{"SELVEDGE_URL", "https://box.example"}});
  EXPECT_EQ(tls->address, "box.example:443");
  EXPECT_EQ(tls->host, "box.example");
  EXPECT_TRUE(tls->tls);
}

TEST(ServerPlace, RefusesWhatIsNoServersUrl) {
  for (const char* url :
       {"127.0.0.1:7358", "ftp://a:1", "http://", "http://:1", "http://a:", "http://a:0",
        "http://a:65536", "http://a:1x", "http://a/v1", "http://u@a:1", "http://a b:1",
        "http://[::1", "http://[]:1", "http://a:1?x", "http://a\n:1", "unix:/tmp/s"}) {
    const auto found = place({{"SELVEDGE_URL", url}});
    ASSERT_FALSE(found.ok()) << url;
    EXPECT_NE(found.error().message.find("SELVEDGE_URL"), std::string::npos);
  }
}

TEST(ServerPlace, PrefersItsOwnAccountToWranglers) {
  EXPECT_EQ(place({{"CLOUDFLARE_ACCOUNT_ID", "theirs"}})->account, "theirs");
  EXPECT_EQ(place({{"CLOUDFLARE_ACCOUNT_ID", "theirs"}, {"SELVEDGE_ACCOUNT", "ours"}})->account,
            "ours");
  EXPECT_FALSE(place({{"SELVEDGE_ACCOUNT", "a\r\nb: c"}}).ok());
}

TEST(ServerPlace, KeepsABadTokenOutOfItsMessage) {
  EXPECT_EQ(place({{"SELVEDGE_TOKEN", "secret"}})->token, "secret");
  const auto bad = place({{"SELVEDGE_TOKEN", "sec\nret"}});
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().message.find("ret\""), std::string::npos);
  EXPECT_NE(bad.error().message.find("SELVEDGE_TOKEN"), std::string::npos);
}

}  // namespace
}  // namespace selvedge::launcher
