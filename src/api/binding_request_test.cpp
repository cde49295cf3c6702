// Tests of binding requests: which they are, and what is inside of them.
#include "api/binding_request.h"

#include <gtest/gtest.h>

namespace selvedge::api {
namespace {

http::Request forwarded(const std::string& url) {
  http::Request request;
  request.method = "POST";
  request.target = request.path = "/";
  request.host = "localhost";
  request.headers.add("MF-URL", url);
  request.headers.add("mf-binding", "VECTORIZE");
  return request;
}

TEST(BindingRequest, IsToldByItsUrlThenByItsHost) {
  http::Request request;
  request.path = "/run";
  request.host = "localhost";
  EXPECT_FALSE(binding_kind(request).has_value());
  request.host = "workers-binding.ai";
  EXPECT_EQ(binding_kind(request), BindingKind::ai);
  request.host = "vector-search";
  EXPECT_EQ(binding_kind(request), BindingKind::vectorize);
  request.headers.add("mf-url", "https://workers-binding.ai/run");
  EXPECT_EQ(binding_kind(request), BindingKind::ai);
  EXPECT_EQ(binding_kind(forwarded("http://vector-search/info")), BindingKind::vectorize);
  for (const char* url : {"http://localhost/", "/run", "", "http://workers-binding.ai.evil/",
                          "http://a@workers-binding.ai/"}) {
    EXPECT_EQ(binding_kind(forwarded(url)), BindingKind::unknown) << url;
  }
}

TEST(BindingRequest, AWebSocketForCallsIsNoPageOfOurs) {
  http::Request request;
  request.path = "/";
  request.query.emplace_back("MF-Binding", "AI");
  EXPECT_FALSE(binding_kind(request).has_value());
  request.headers.add("Upgrade", "websocket");
  EXPECT_EQ(binding_kind(request), BindingKind::rpc);
}

TEST(BindingRequest, ForwardedHeadersBecomeTheOnesThatTheBindingWrote) {
  http::Request request = forwarded("https://workers-binding.ai/run?version=3");
  request.headers.add("MF-Header-Content-Type", "application/json");
  request.headers.add("mf-header-selvedge-index", "sneaked");
  request.headers.add("mf-header-", "nameless");
  request.headers.add("accept", "outer");
  EXPECT_EQ(binding_path(request), "/run");
  ASSERT_TRUE(unwrap_binding(request, PreviewSessions()).ok());
  EXPECT_EQ(request.path, "/run");
  EXPECT_EQ(request.query_value("version"), "3");
  EXPECT_EQ(request.host, "workers-binding.ai");
  EXPECT_EQ(request.content_type(), "application/json");
  EXPECT_EQ(request.headers.get("selvedge-account"), "local");
  EXPECT_FALSE(request.headers.has("selvedge-index"));
  EXPECT_FALSE(request.headers.has("accept"));
  EXPECT_FALSE(request.headers.has("mf-url"));
}

TEST(BindingRequest, TheSessionFillsInWhatTheRequestDoesNotSay) {
  PreviewSessions sessions;
  const std::string token = sessions.open({"acc", {{"VECTORIZE", "docs"}}});
  http::Request request = forwarded("http://vector-search/info");
  request.headers.add("cf-workers-preview-token", token);
  ASSERT_TRUE(unwrap_binding(request, sessions).ok());
  EXPECT_EQ(request.headers.get("selvedge-account"), "acc");
  EXPECT_EQ(request.headers.get("selvedge-index"), "docs");

  http::Request telling = forwarded("http://vector-search/info");
  telling.headers.add("cf-workers-preview-token", token);
  telling.headers.add("selvedge-account", "other");
  telling.headers.add("selvedge-index", "notes");
  ASSERT_TRUE(unwrap_binding(telling, sessions).ok());
  EXPECT_EQ(telling.headers.get("selvedge-account"), "other");
  EXPECT_EQ(telling.headers.get("selvedge-index"), "notes");
}

TEST(BindingRequest, TheProxyOfOlderClientsTakesItsAccountFromThePath) {
  http::Request request;
  request.path = "/client/v4/accounts/acc/ai/run/proxy";
  EXPECT_FALSE(binding_kind(request).has_value());
  request.headers.add("X-Forwarded", "https://workers-binding.ai/run?version=3");
  request.headers.add("selvedge-account", "other");
  request.headers.add("content-type", "application/json");
  EXPECT_EQ(binding_kind(request), BindingKind::ai);
  EXPECT_EQ(binding_path(request), "/run");
  ASSERT_TRUE(unwrap_binding(request, PreviewSessions()).ok());
  EXPECT_EQ(request.path, "/run");
  EXPECT_EQ(request.headers.get("selvedge-account"), "acc");
  EXPECT_EQ(request.content_type(), "application/json");
  for (const char* path :
       {"/client/v4/accounts/a/b/ai/run/proxy", "/ai/run/proxy",
        "/client/v4/accounts//ai/run/proxy", "/client/v4/accounts/ai/run/proxy"}) {
    http::Request other;
    other.path = path;
    other.headers.add("x-forwarded", "https://workers-binding.ai/run?version=3");
    EXPECT_FALSE(binding_kind(other).has_value()) << path;
  }
}

TEST(BindingRequest, AForgottenSessionAndABadAccountAreRefused) {
  http::Request request = forwarded("http://vector-search/info");
  request.headers.add("cf-workers-preview-token", "gone");
  const Status gone = unwrap_binding(request, PreviewSessions());
  ASSERT_FALSE(gone.ok());
  EXPECT_EQ(gone.error().code, Code::invalid_input);
  EXPECT_NE(gone.error().message.find("Invalid Workers Preview configuration"), std::string::npos);
  http::Request strange = forwarded("http://vector-search/info");
  strange.headers.add("selvedge-account", "a/../b");
  EXPECT_FALSE(unwrap_binding(strange, PreviewSessions()).ok());
}

}  // namespace
}  // namespace selvedge::api
