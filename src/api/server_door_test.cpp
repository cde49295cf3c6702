// Tests of the server door: whole requests through the route table, on fakes.
#include "api/server_door.h"

#include <boost/asio.hpp>
#include <gtest/gtest.h>

#include "api/fakes.h"
#include "api/test_kit.h"
#include "base/limits.h"

namespace selvedge::api {
namespace {

constexpr const char* kAi = "/client/v4/accounts/acc/ai/run/";
constexpr const char* kIndexes = "/client/v4/accounts/acc/vectorize/v2/indexes";

class ServerDoorTest : public ::testing::Test {
 protected:
  struct Answer {
    int status = 0;
    http::Headers headers;
    std::string body;
  };

  Answer ask(std::string method, std::string path, std::string body = "",
             std::string content_type = "application/json") {
    http::Request request;
    request.method = std::move(method);
    request.target = path;
    const std::size_t question = path.find('?');
    if (question != std::string::npos) {
      const std::string query = path.substr(question + 1);
      const std::size_t equals = query.find('=');
      request.query.emplace_back(query.substr(0, equals), query.substr(equals + 1));
    }
    request.path = path.substr(0, question);
    request.headers.set("content-type", std::move(content_type));
    if (!token.empty()) request.headers.set("authorization", token);
    request.body = std::move(body);
    asio::io_context io;
    auto answer = asio::co_spawn(io, whole(std::move(request)), asio::use_future);
    io.run();
    return answer.get();
  }

  asio::awaitable<Answer> whole(http::Request request) {
    auto response = co_await door->handle(std::move(request));
    Answer answer{response.status, response.headers, response.body};
    while (response.stream) {
      auto piece = co_await response.stream->next();
      if (!piece) break;
      answer.body += *piece;
    }
    co_return answer;
  }

  ApiContext context() {
    ApiContext made{catalog, inference, store, pool, "1.2.3"};
    made.started = std::chrono::steady_clock::now();
    return made;
  }

  fakes::FakeCatalog catalog;
  fakes::FakeInference inference;
  fakes::FakeStore store;
  asio::thread_pool pool{1};
  std::unique_ptr<ServerDoor> door = std::make_unique<ServerDoor>(context());
  std::string token;
};

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST_F(ServerDoorTest, HealthTellsTheVersion) {
  const Answer answer = ask("GET", "/health");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, R"({"status":"ok","version":"1.2.3","uptime_s":0})");
}

TEST_F(ServerDoorTest, UnderASeedTheSameCallsGiveTheSameBytes) {
  const auto bodies = [&] {
    ApiContext seeded = context();
    seeded.identities = std::make_shared<Identities>(7);
    door = std::make_unique<ServerDoor>(std::move(seeded));
    std::string all;
    const std::string stream = R"({"prompt":"a","stream":true})";
    for (const std::string& body : {stream, stream, std::string(R"({"prompt":3})")}) {
      const Answer answer = ask("POST", std::string(kAi) + "@cf/text", body);
      all += std::string(answer.headers.get("cf-ai-req-id")) + answer.body;
    }
    const std::string chat = R"({"model":"@cf/text","messages":[{"role":"user","content":"a"}]})";
    return all + ask("POST", "/v1/chat/completions", chat).body;
  };
  const std::string once = bodies();
  EXPECT_EQ(bodies(), once);
  EXPECT_TRUE(has(once, "\"created\":1767225600")) << once;
}

TEST_F(ServerDoorTest, TheSwitchesOfTheTestKitAreToldWhereTheyAreOn) {
  ApiContext made = context();
  made.kit = *TestKit::create({{"3040"}, {}, 1, {"--fault 3040"}});
  door = std::make_unique<ServerDoor>(std::move(made));
  EXPECT_TRUE(has(ask("GET", "/health").body, R"("test_kit":["--fault 3040"])"));
  EXPECT_TRUE(has(ask("GET", "/").body, "--fault 3040"));
  EXPECT_EQ(ask("POST", std::string(kAi) + "@cf/text", R"({"prompt":"a"})").status, 429);
  EXPECT_EQ(ask("GET", "/metrics").status, 200);
}

// The pool has one thread, and so would be everybody's while a call waits in it.
TEST_F(ServerDoorTest, CallsAboutVectorsWaitOutsideThePoolWhileTheIndexIsOpened) {
  ASSERT_TRUE(store.create("a", "docs", "", {32, {}, {}}).ok());
  const std::string path = "/client/v4/accounts/a/vectorize/v2/indexes/docs";
  store.asked_before_ready = 3;
  for (const char* rest : {"", "/info", "/memory"}) {
    EXPECT_EQ(ask("GET", path + rest).status, 200) << rest;
  }
  EXPECT_EQ(store.asked_before_ready, 3);
  EXPECT_FALSE(store.found_too_soon);
  EXPECT_EQ(ask("POST", path + "/get_by_ids", R"({"ids":["x"]})").status, 200);
  EXPECT_EQ(store.asked_before_ready, 0);
  EXPECT_FALSE(store.found_too_soon);
}

TEST_F(ServerDoorTest, AnAnswerIsEnvelopedAndSaysWhoAnswered) {
  const Answer answer = ask("POST", std::string(kAi) + "@cf/text", R"({"prompt":"x"})");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body,
            R"({"result":{"response":"Hello 1","usage":{"prompt_tokens":3,"completion_tokens":2,)"
            R"("total_tokens":5,"prompt_tokens_details":{"cached_tokens":0},"neurons":0}},)"
            R"("success":true,"errors":[],"messages":[]})");
  EXPECT_EQ(answer.headers.get("selvedge-model"), "weights");
  EXPECT_EQ(answer.headers.get("cf-ai-neurons"), "0");
  EXPECT_EQ(answer.headers.get("cf-ai-req-id").size(), 36u);
  const Answer stand_in = ask("POST", std::string(kAi) + "@cf/embed", R"({"text":["a","b"]})");
  EXPECT_EQ(stand_in.headers.get("selvedge-model"), "weights; stand-in");
  EXPECT_TRUE(has(stand_in.body, R"("data":[[0.6,0.8],[0.6,0.8]],"shape":[2,2])"));
}

TEST_F(ServerDoorTest, AStreamEndsItsTaskWithIt) {
  const Answer answer =
      ask("POST", std::string(kAi) + "@cf/text", R"({"prompt":"x","stream":true})");
  EXPECT_EQ(answer.headers.get("content-type"), "text/event-stream");
  EXPECT_EQ(answer.headers.get("cache-control"), "no-cache");
  EXPECT_TRUE(answer.body.starts_with("data: {\"response\":\"Hello\",\"p\":\"a"));
  EXPECT_TRUE(answer.body.ends_with("data: [DONE]\n\n"));
  EXPECT_EQ(inference.streams_alive, 0);
}

TEST_F(ServerDoorTest, FailuresOfModelsHaveTheirNumbers) {
  const auto number = [&](const char* model, const char* body) {
    const Answer answer = ask("POST", std::string(kAi) + model, body);
    return std::to_string(answer.status) + answer.body;
  };
  EXPECT_TRUE(has(number("@cf/none", "{}"), "No such model @cf/none or task"));
  EXPECT_TRUE(has(number("@cf/none", "{}"), "\"code\":5007"));
  EXPECT_TRUE(number("@cf/image", "{}").starts_with("400"));
  EXPECT_TRUE(number("@cf/absent", R"({"prompt":"x"})").starts_with("404"));
  EXPECT_TRUE(has(number("@cf/absent", R"({"prompt":"x"})"), "selvedge pull"));
  EXPECT_TRUE(has(number("@cf/text", ""), "\"code\":3003"));
  EXPECT_TRUE(has(number("@cf/text", "{"), "\"code\":5006"));
  inference.refuse = Error{Code::queue_full, "full"};
  EXPECT_TRUE(number("@cf/text", R"({"prompt":"x"})").starts_with("429"));
  inference.refuse.reset();
  inference.pieces.clear();
  inference.stream_error = Error{Code::model_crashed, "the model crashed"};
  EXPECT_TRUE(number("@cf/text", R"({"prompt":"x"})").starts_with("500"));
  EXPECT_TRUE(number("@cf/text", R"({"prompt":"x","stream":true})").starts_with("500"));
}

TEST_F(ServerDoorTest, AnIndexLivesFromCreateToDelete) {
  const std::string docs = std::string(kIndexes) + "/docs";
  const Answer created =
      ask("POST", kIndexes, R"({"name":"docs","config":{"dimensions":2,"metric":"cosine"}})");
  const std::string index =
      R"({"name":"docs","description":"","config":{"dimensions":2,"metric":"cosine"},)"
      R"("created_on":"2024-07-11T13:02:18.002680Z","modified_on":"2024-07-11T13:02:18.002680Z"})";
  EXPECT_EQ(created.body, "{\"result\":" + index + R"(,"success":true,"errors":[],"messages":[]})");
  EXPECT_TRUE(has(ask("GET", kIndexes).body, "[" + index + "]"));
  EXPECT_TRUE(has(ask("GET", docs).body, index));
  EXPECT_TRUE(has(ask("GET", docs + "/info").body,
                  R"({"dimensions":2,"vectorCount":0,"processedUpToDatetime":null,)"
                  R"("processedUpToMutation":null})"));
  const Answer again =
      ask("POST", kIndexes, R"({"name":"docs","config":{"dimensions":2,"metric":"cosine"}})");
  EXPECT_TRUE(has(again.body, R"(vectorize.index.duplicate_name - Index name \"docs\")"));
  EXPECT_TRUE(has(ask("DELETE", docs).body, "\"result\":null"));
  const Answer gone = ask("GET", docs);
  EXPECT_EQ(gone.status, 404);
  EXPECT_TRUE(has(gone.body, R"("code":3000,"message":"vectorize.index.not_found)"));
}

TEST_F(ServerDoorTest, WritesInThreeEncodingsComeBackByIdInCloudflaresOrder) {
  ask("POST", kIndexes, R"({"name":"docs","config":{"dimensions":2,"metric":"cosine"}})");
  const std::string docs = std::string(kIndexes) + "/docs";
  const Answer lines =
      ask("POST", docs + "/insert", R"({"id":"a","values":[0.2321,0]})", "application/x-ndjson");
  EXPECT_EQ(lines.status, 200) << lines.body;
  EXPECT_TRUE(has(lines.body, "\"mutationId\":\""));
  const Answer parts =
      ask("POST", docs + "/upsert",
          "--x\r\nContent-Disposition: form-data; name=\"vectors\"; filename=\"v\"\r\n\r\n"
          R"({"id":"b","values":[1,2],"namespace":"n","metadata":{"text":"t"}})"
          "\r\n--x--\r\n",
          "multipart/form-data; boundary=x");
  EXPECT_EQ(parts.status, 200) << parts.body;
  const Answer object = ask("POST", docs + "/upsert", R"({"vectors":[{"id":"c","values":[3,4]}]})");
  EXPECT_EQ(object.status, 200) << object.body;
  EXPECT_TRUE(has(ask("POST", docs + "/get_by_ids", R"({"ids":["b","x","a"]})").body,
                  R"("result":[{"id":"b","namespace":"n","metadata":{"text":"t"},"values":[1,2]},)"
                  R"({"id":"a","namespace":null,"metadata":null,"values":[0.2321,0]}])"));
  EXPECT_EQ(ask("POST", docs + "/delete_by_ids", R"({"ids":["c"]})").status, 200);
  EXPECT_TRUE(has(ask("GET", docs + "/info").body, "\"vectorCount\":2"));
  EXPECT_TRUE(has(ask("POST", docs + "/insert", "{}", "text/plain").body, "\"code\":1005"));
}

TEST_F(ServerDoorTest, MatchesCarryWhatWasAskedFor) {
  ask("POST", kIndexes, R"({"name":"docs","config":{"dimensions":2,"metric":"cosine"}})");
  const std::string docs = std::string(kIndexes) + "/docs";
  ask("POST", docs + "/insert", R"({"id":"a","values":[1,0],"metadata":{"k":1},"namespace":"n"})",
      "application/x-ndjson");
  const auto query = [&](const std::string& options) {
    return ask("POST", docs + "/query", R"({"vector":[1,0])" + options + "}").body;
  };
  EXPECT_TRUE(has(query(""), R"({"count":1,"matches":[{"id":"a","score":1,"namespace":"n"}]})"));
  EXPECT_TRUE(has(query(R"(,"returnMetadata":true,"returnValues":true,"filter":{})"),
                  R"({"id":"a","score":1,"values":[1,0],"metadata":{"k":1},"namespace":"n"})"));
  EXPECT_TRUE(has(query(R"(,"returnMetadata":"indexed")"), R"("metadata":{})"));
  EXPECT_FALSE(has(query(R"(,"returnMetadata":false)"), "metadata"));
  EXPECT_TRUE(has(query(R"(,"namespace":"other")"), R"("count":0,"matches":[])"));
  EXPECT_TRUE(has(query(R"(,"filter":{"k":1})"),
                  R"("matches":[]},"success":true,"errors":[],)"
                  R"("messages":[{"code":1000,"message":"filter: )"));
  EXPECT_TRUE(has(query(R"(,"topK":1001)"), "\"code\":40011"));
  EXPECT_TRUE(has(query(R"(,"returnMetadata":"some")"), "returnMetadata: expected value"));
  EXPECT_TRUE(has(ask("POST", docs + "/query", R"({"vector":[1]})").body,
                  "invalid query vector, expected 2 dimensions, and got 1 dimensions"));
  EXPECT_TRUE(has(ask("POST", docs + "/query", R"({"vectorId":"a"})").body, "\"count\":1"));
  EXPECT_EQ(ask("POST", docs + "/query", R"({"vectorId":"b"})").status, 404);
}

TEST_F(ServerDoorTest, PathsAndMethodsThatAreNotServedSaySo) {
  EXPECT_EQ(ask("GET", "/nothing").body,
            R"({"error":{"code":"route_not_found","message":"no such path; GET / lists the )"
            R"(routes"}})");
  EXPECT_TRUE(has(ask("GET", "/client/v4/nothing").body, "\"code\":7003"));
  const Answer wrong = ask("PUT", kIndexes);
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.headers.get("allow"), "POST, GET, HEAD, OPTIONS");
  EXPECT_EQ(ask("OPTIONS", kIndexes).status, 204);
  const std::string long_account(33, 'a');
  EXPECT_TRUE(has(ask("GET", "/client/v4/accounts/" + long_account + "/vectorize/v2/indexes").body,
                  "7003"));
}

TEST_F(ServerDoorTest, WithTokensOnlyTheirBearersComeIn) {
  ApiContext closed = context();
  closed.tokens = {"secret", "other"};
  door = std::make_unique<ServerDoor>(closed);
  EXPECT_EQ(ask("GET", "/health").status, 200);
  for (const char* wrong :
       {"", "secret", "Bearer ", "Bearer secre", "Bearer secrets", "Basic secret"}) {
    token = wrong;
    const Answer answer = ask("GET", kIndexes);
    EXPECT_EQ(answer.status, 401) << wrong;
    EXPECT_TRUE(has(answer.body, "\"code\":10000,\"message\":\"Authentication error\""));
  }
  token = "bearer other";
  EXPECT_EQ(ask("GET", kIndexes).status, 200);
}

TEST_F(ServerDoorTest, WritesOfVectorsMayBeLarger) {
  http::Request request;
  request.method = "POST";
  request.path = std::string(kIndexes) + "/docs/upsert";
  EXPECT_EQ(door->body_limit(request), limits::vectors_body_bytes_max);
  request.path = std::string(kIndexes) + "/docs/query";
  EXPECT_EQ(door->body_limit(request), limits::json_body_bytes_max);
}

TEST_F(ServerDoorTest, ErrorsOfTheServerItselfKeepItsStatus) {
  http::Request request;
  request.path = kIndexes;
  const auto response = door->error_body(431, Code::body_too_large, "headers", &request);
  EXPECT_EQ(response.status, 431);
  EXPECT_TRUE(has(response.body, "\"success\":false"));
  EXPECT_TRUE(has(door->error_body(400, Code::internal, "x", nullptr).body, "{\"error\""));
}

TEST_F(ServerDoorTest, EachRequestIsJudgedByItsOwnRules) {
  const auto status = [&](std::optional<std::string> strict) {
    http::Request request;
    request.method = "POST";
    request.path = kIndexes;
    request.headers.set("authorization", "Bearer x");
    if (strict) request.headers.set("selvedge-strict", *strict);
    request.body = R"({"name":"n","config":{"dimensions":2000,"metric":"cosine"}})";
    asio::io_context io;
    auto answer = asio::co_spawn(io, whole(std::move(request)), asio::use_future);
    io.run();
    const Answer got = answer.get();
    return std::to_string(got.status) + std::string(got.headers.get("selvedge-strict"));
  };
  EXPECT_EQ(status("true"), "400true");
  EXPECT_EQ(status(std::nullopt), "200");
  EXPECT_EQ(status("perhaps"), "400");
  ApiContext strict = context();
  strict.rules = hosted_rules();
  strict.rules.dimensions_max = 1'999;  // Rules of one's own are those of the server's switch.
  door = std::make_unique<ServerDoor>(strict);
  EXPECT_EQ(status(std::nullopt), "400true");
  EXPECT_EQ(status("false"), "400");  // The name is taken by now.
}

TEST_F(ServerDoorTest, TheBoundOfABodyGoesWithTheRules) {
  http::Request request;
  request.method = "POST";
  request.path = std::string(kIndexes) + "/docs/insert";
  EXPECT_EQ(door->body_limit(request), limits::vectors_body_bytes_max);
  request.headers.set("selvedge-strict", "true");
  EXPECT_EQ(door->body_limit(request), 100'000'000U);
}

TEST_F(ServerDoorTest, UnderTheHostedRulesApiCallsCarryACredential) {
  const auto refused = [&](const char* path, std::pair<std::string, std::string> header) {
    http::Request request;
    request.method = "GET";
    request.path = path;
    request.headers.set("selvedge-strict", "true");
    request.headers.set(header.first, header.second);
    return door->admission(request).has_value();
  };
  EXPECT_TRUE(refused(kIndexes, {"a", "b"}));
  EXPECT_TRUE(refused(kIndexes, {"authorization", "Bearer "}));
  EXPECT_TRUE(refused("/v1/models", {"x-auth-key", "k"}));
  EXPECT_FALSE(refused(kIndexes, {"authorization", "bearer x"}));
  EXPECT_FALSE(refused("/metrics", {"a", "b"}));
  EXPECT_FALSE(refused("/", {"mf-url", "https://workers-binding.ai/run?version=3"}));
}

TEST_F(ServerDoorTest, MetricsCountRequestsAndRunners) {
  ask("GET", "/health");
  ask("GET", "/nothing");
  const std::string text = ask("GET", "/metrics").body;
  EXPECT_TRUE(has(text, "selvedge_requests_total{status=\"2xx\"} 1\n"));
  EXPECT_TRUE(has(text, "selvedge_requests_total{status=\"4xx\"} 1\n"));
  EXPECT_TRUE(has(text, "selvedge_runner_tasks_active{model=\"weights\""));
}

TEST(AccessLog, PathsLoseTheirQueryAndWhatIsNotPrintable) {
  EXPECT_EQ(loggable_path("/a?q=secret"), "/a");
  EXPECT_EQ(loggable_path("/a\nb"), "/a?b");
  EXPECT_EQ(loggable_path(std::string(500, 'x')).size(), 200u);
}

}  // namespace
}  // namespace selvedge::api
