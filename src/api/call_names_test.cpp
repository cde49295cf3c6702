// Tests of call names: one call, the same names at every door.
#include "api/call_names.h"

#include <gtest/gtest.h>

namespace selvedge::api {
namespace {

using Names = std::vector<std::string>;

http::Request request_of(std::string method, std::string path, std::string body = {}) {
  http::Request request;
  request.method = std::move(method);
  request.path = std::move(path);
  request.body = std::move(body);
  return request;
}

CallNames rest(std::string method, std::string path, std::string body = {}) {
  http::Request request = request_of(std::move(method), std::move(path), std::move(body));
  return rest_call_names(request);
}

const Names kLlama = {"ai/run", "ai/run/@cf/meta/llama", "@cf/meta/llama", "ai/run/cf/meta/llama",
                      "cf/meta/llama"};
const std::string kBase = "/client/v4/accounts/a1";

TEST(CallNames, AModelCallHasTheSameNamesAtEveryDoor) {
  EXPECT_EQ(rest("POST", kBase + "/ai/run/@cf/meta/llama").names, kLlama);
  EXPECT_EQ(rest("POST", kBase + "/ai/run", R"({"input":{},"model":"@cf/meta/llama"})").names,
            kLlama);
  http::Request binding = request_of("POST", "/run");
  binding.headers.add("cf-consn-model-id", "x:@cf/meta/llama");
  EXPECT_EQ(ai_binding_call_names(binding).names, kLlama);
  for (const char* model : {"@cf/meta/llama", "cf/meta/llama", "workers-ai/@cf/meta/llama"}) {
    const std::string body = R"({"model":")" + std::string(model) + "\"}";
    Names expected = kLlama;
    expected.push_back("ai/v1/chat/completions");
    EXPECT_EQ(rest("POST", "/v1/chat/completions", body).names, expected);
    EXPECT_EQ(rest("POST", kBase + "/ai/v1/chat/completions", body).names, expected);
  }
  EXPECT_EQ(rest("POST", kBase + "/ai/run/@cf/meta/llama").target, "@cf/meta/llama");
}

TEST(CallNames, WithoutAModelTheCallIsStillOneOfAModel) {
  for (const char* body : {"", "{", "[]", "{\"model\":3}", "{}"}) {
    EXPECT_EQ(rest("POST", kBase + "/ai/run", body).names, Names{"ai/run"}) << body;
  }
}

TEST(CallNames, ACallOfAnIndexHasTheSameNamesAtEveryDoor) {
  const Names query = {"vectorize/query", "vectorize/query/docs", "docs"};
  EXPECT_EQ(rest("POST", kBase + "/vectorize/v2/indexes/docs/query").names, query);
  EXPECT_EQ(rest("POST", kBase + "/vectorize/indexes/docs/query/").names, query);
  http::Request binding = request_of("POST", "/query");
  binding.headers.add("selvedge-index", "docs");
  EXPECT_EQ(vectorize_binding_call_names(binding).names, query);
  EXPECT_EQ(vectorize_binding_call_names(request_of("POST", "/binding/indexes/docs/query")).names,
            query);
}

TEST(CallNames, OperationsAreCalledAlikeWhateverTheirPathsSay) {
  const auto first = [](const CallNames& call) { return call.names.at(0); };
  const std::string indexes = kBase + "/vectorize/v2/indexes";
  EXPECT_EQ(first(rest("POST", indexes)), "vectorize/create_index");
  EXPECT_EQ(first(rest("GET", indexes)), "vectorize/list_indexes");
  EXPECT_EQ(first(rest("GET", indexes + "/docs")), "vectorize/get_index");
  EXPECT_EQ(first(rest("DELETE", indexes + "/docs")), "vectorize/delete_index");
  EXPECT_EQ(first(rest("PUT", kBase + "/vectorize/indexes/docs")), "vectorize/update_index");
  EXPECT_EQ(first(rest("POST", indexes + "/docs/get_by_ids")), "vectorize/get_by_ids");
  EXPECT_EQ(first(rest("POST", kBase + "/vectorize/indexes/docs/get-by-ids")),
            "vectorize/get_by_ids");
  EXPECT_EQ(first(rest("POST", indexes + "/docs/metadata_index/create")),
            "vectorize/metadata_index/create");
  EXPECT_EQ(first(vectorize_binding_call_names(request_of("POST", "/getByIds"))),
            "vectorize/get_by_ids");
  EXPECT_EQ(first(vectorize_binding_call_names(request_of("GET", "/binding/indexes/docs"))),
            "vectorize/info");
  EXPECT_EQ(first(rest("GET", kBase + "/ai/models/search")), "ai/models/search");
  EXPECT_EQ(first(ai_binding_call_names(request_of("GET", "/ai-api/models/search"))),
            "ai/models/search");
  EXPECT_EQ(first(rest("GET", "/v1/models")), "ai/v1/models");
  EXPECT_EQ(first(bot_call_names(request_of("POST", "/knowledge/add"))), "bot/knowledge/add");
}

TEST(CallNames, PagesOfTheServerAndUnknownPathsHaveNone) {
  for (const char* path : {"/", "/health", "/metrics", "/openapi.json", "/v1", "/v1x",
                           "/client/v4/accounts", "/client/v4/accounts/a1",
                           "/client/v4/accounts/a1/vectorize", "/client/v4/accounts/a1/workers"}) {
    EXPECT_EQ(rest("GET", path).product, Product::none) << path;
  }
  EXPECT_EQ(bot_call_names(request_of("GET", "/health")).product, Product::none);
}

}  // namespace
}  // namespace selvedge::api
