// Tests of the preview sessions: what is found, and what is forgotten.
#include "api/preview_sessions.h"

#include <gtest/gtest.h>

namespace selvedge::api {
namespace {

TEST(PreviewSessions, ATokenFindsItsUpload) {
  PreviewSessions sessions;
  const std::string first = sessions.open({"a", {{"VECTORIZE", "docs"}}});
  const std::string second = sessions.open({"b", {}});
  EXPECT_NE(first, second);
  ASSERT_NE(sessions.find(first), nullptr);
  EXPECT_EQ(sessions.find(first)->account, "a");
  EXPECT_EQ(sessions.find(first)->indexes.at("VECTORIZE"), "docs");
  EXPECT_EQ(sessions.find(second)->account, "b");
  EXPECT_EQ(sessions.find(""), nullptr);
  EXPECT_EQ(sessions.find(first + "0"), nullptr);
}

TEST(PreviewSessions, TheOldestIsForgottenFirst) {
  PreviewSessions sessions;
  const std::string first = sessions.open({"first", {}});
  const std::string second = sessions.open({"second", {}});
  for (std::size_t at = 2; at < PreviewSessions::kPreviewSessionsMax; ++at) sessions.open({"", {}});
  EXPECT_NE(sessions.find(first), nullptr);
  sessions.open({"", {}});
  EXPECT_EQ(sessions.find(first), nullptr);
  EXPECT_NE(sessions.find(second), nullptr);
}

}  // namespace
}  // namespace selvedge::api
