// Tests of the router: which route a path finds, and what it may be asked.
#include "api/router.h"

#include <gtest/gtest.h>

namespace selvedge::api {
namespace {

Router sample() {
  Router router;
  router.add({"GET", "/", {}, 1});
  router.add({"POST", "/run/{model...}", {}, 2});
  router.add({"GET", "/indexes", {}, 3});
  router.add({"POST", "/indexes", {}, 4});
  router.add({"GET", "/indexes/{index}/info", {}, 5});
  return router;
}

TEST(Router, PatternsCatchSegmentsAndRests) {
  const Router router = sample();
  const auto run = router.find("POST", "/run/@cf/meta/llama");
  ASSERT_NE(run.route, nullptr);
  EXPECT_EQ(run.parameters.get("model"), "@cf/meta/llama");
  const auto info = router.find("GET", "/indexes/a b/info/");
  ASSERT_NE(info.route, nullptr);
  EXPECT_EQ(info.parameters.get("index"), "a b");
  EXPECT_EQ(info.parameters.get("other"), "");
  ASSERT_NE(router.find("GET", "/").route, nullptr);
}

TEST(Router, UnknownPathsAllowNothing) {
  const Router router = sample();
  for (const char* path : {"/x", "/run", "/run/", "/indexes//info", "/indexes/a/b/info"}) {
    EXPECT_TRUE(router.find("GET", path).allowed.empty()) << path;
  }
}

TEST(Router, AKnownPathTellsItsMethods) {
  const Router router = sample();
  const auto found = router.find("DELETE", "/indexes");
  EXPECT_EQ(found.route, nullptr);
  EXPECT_EQ(allow_header(found.allowed), "GET, POST, HEAD, OPTIONS");
  EXPECT_EQ(allow_header(router.find("GET", "/run/m").allowed), "POST, OPTIONS");
}

TEST(Router, HeadIsServedByGet) {
  const Router router = sample();
  ASSERT_NE(router.find("HEAD", "/indexes").route, nullptr);
  EXPECT_EQ(router.find("HEAD", "/indexes").route->body_bytes_max, 3u);
  EXPECT_EQ(router.find("HEAD", "/run/m").route, nullptr);
}

}  // namespace
}  // namespace selvedge::api
