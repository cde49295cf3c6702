// Tests of the bot's door: the tutorial's three lines as curl sends them, streams, listings,
// errors.
#include "api/bot_door.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "api/answer_events.h"
#include "rag/bot_doubles.h"

namespace selvedge::api {
namespace {

using nlohmann::json;

class BotDoorTest : public ::testing::Test {
 protected:
  BotDoorTest() {
    rag::BotOptions options;
    options.text_model = "text";
    options.embedding_model = "embedding";
    bot_ = rag::Bot::create(options, parts_.catalog, parts_.inference, parts_.store, parts_.pool);
    door_ = std::make_unique<BotDoor>(*bot_);
    EXPECT_TRUE(parts_.wait(bot_->prepare_index()).ok());
  }

  // As curl -d does: JSON that says it is a form.
  http::Response send(std::string method, std::string path, std::string body = "",
                      std::vector<std::pair<std::string, std::string>> query = {}) {
    http::Request request;
    request.method = std::move(method);
    request.path = std::move(path);
    request.query = std::move(query);
    request.body = std::move(body);
    request.headers.set("content-type", "application/x-www-form-urlencoded");
    request.headers.set("host", "localhost:8787");
    return parts_.wait(door_->handle(std::move(request)));
  }

  std::string stream_of(http::Response& response) {
    std::string all;
    while (response.stream) {
      auto next = parts_.wait(response.stream->next());
      if (!next) break;
      all += *next;
    }
    return all;
  }

  void add(std::string text, std::string id) {
    EXPECT_EQ(send("POST", "/knowledge/add", json({{"text", text}, {"id", id}}).dump()).status,
              200);
  }

  static void expect_error(const http::Response& response, int status, const char* code) {
    EXPECT_EQ(response.status, status);
    EXPECT_EQ(response.headers.get("content-type"), "application/json");
    const json body = json::parse(response.body);
    EXPECT_EQ(body["error"]["code"], code);
    EXPECT_FALSE(body["error"]["message"].get<std::string>().empty());
  }

  rag::DoubleParts parts_;
  std::unique_ptr<rag::Bot> bot_;
  std::unique_ptr<BotDoor> door_;
};

TEST_F(BotDoorTest, AddsATextThatCurlSendsAsAForm) {
  const http::Response response =
      send("POST", "/knowledge/add", "{\"text\": \"Durable Objects 提供強一致性的狀態管理。\"}");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, R"({"message":"Indexed successfully"})");
  EXPECT_EQ(response.headers.get("selvedge-id").size(), 36u);
}

TEST_F(BotDoorTest, TheTestKitStrikesTheBotsCallsWhereItNamesThem) {
  door_ =
      std::make_unique<BotDoor>(*bot_, *TestKit::create({{"unavailable#1@bot/chat"}, {}, 1, {}}));
  add("Bread is made of flour.", "bread");
  const http::Response struck = send("POST", "/chat", R"({"question":"bread?"})");
  expect_error(struck, 503, "unavailable");
  EXPECT_EQ(struck.headers.get("selvedge-fault"), "unavailable#1@bot/chat");
  EXPECT_EQ(send("POST", "/chat", R"({"question":"bread?"})").status, 200);
}

TEST_F(BotDoorTest, StreamsTheQuoteOfAChineseQuestionAndSaysWhoAnswered) {
  add("Durable Objects 提供強一致性的狀態管理。", "objects");
  add("Bread is made of flour.", "bread");
  http::Response response = send("POST", "/chat", "{\"question\": \"什麼是 Durable Objects?\"}");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.get("content-type"), "text/event-stream");
  EXPECT_EQ(response.headers.get("selvedge-answer"), "quote");
  EXPECT_EQ(response.headers.get("selvedge-model"), "tiny-embedding; stand-in");
  const std::string events = stream_of(response);
  EXPECT_TRUE(events.starts_with("data: {\"response\":\"Durable \"}\n\n")) << events;
  EXPECT_TRUE(events.ends_with("data: [DONE]\n\n"));
  EXPECT_EQ(events.find("event:"), std::string::npos);
  std::string text;
  for (std::size_t at = 0; (at = events.find("{\"response\":", at)) != std::string::npos; ++at) {
    text += json::parse(events.substr(at, events.find('\n', at) - at))["response"];
  }
  EXPECT_EQ(text, "Durable Objects 提供強一致性的狀態管理。");
}

TEST_F(BotDoorTest, SendsSourcesFirstAndCitationsLastWhenAsked) {
  add("Bread is made of flour.", "bread");
  http::Response response =
      send("POST", "/chat", R"({"question":"bread flour?"})", {{"sources", "1"}});
  const std::string events = stream_of(response);
  ASSERT_TRUE(events.starts_with("event: sources\ndata: {")) << events;
  const std::size_t at = events.find('{');
  const json sources = json::parse(events.substr(at, events.find('\n', at) - at));
  EXPECT_EQ(sources["mode"], "quote");
  EXPECT_EQ(sources["models"]["embedding"], "tiny-embedding");
  EXPECT_TRUE(sources["models"]["text"].is_null());
  EXPECT_TRUE(sources["models"]["stand_in"].get<bool>());
  EXPECT_EQ(sources["passages"][0]["id"], "bread");
  EXPECT_EQ(sources["passages"][0]["text"], "Bread is made of flour.");
  EXPECT_GT(sources["passages"][0]["score"].get<double>(), 0.3);
  EXPECT_TRUE(
      events.ends_with("event: citations\ndata: {\"refused\":false,\"citations\":[{\"id\":"
                       "\"bread\",\"begin\":0,\"end\":23}]}\n\ndata: [DONE]\n\n"))
      << events;
}

TEST_F(BotDoorTest, TheModelAnswersWhenAskedTo) {
  add("Bread is made of flour.", "bread");
  http::Response response =
      send("POST", "/chat", R"({"question":"What is bread?"})", {{"answer", "model"}});
  EXPECT_EQ(response.headers.get("selvedge-answer"), "model");
  EXPECT_EQ(response.headers.get("selvedge-model"), "tiny-text, tiny-embedding; stand-in");
  EXPECT_EQ(stream_of(response),
            "data: {\"response\":\"Answer: \"}\n\ndata: {\"response\":\"What is bread?\"}\n\n"
            "data: [DONE]\n\n");
}

TEST_F(BotDoorTest, AnErrorInMidStreamIsAnEventAndThereIsNoDone) {
  add("Bread is made of flour.", "bread");
  parts_.inference.stream_error = Error{Code::model_crashed, "the model ended"};
  http::Response response =
      send("POST", "/chat", R"({"question":"What is bread?"})", {{"answer", "model"}});
  const std::string events = stream_of(response);
  EXPECT_NE(events.find("data: {\"error\":{\"code\":\"model_crashed\""), std::string::npos);
  EXPECT_EQ(events.find("[DONE]"), std::string::npos);
}

TEST_F(BotDoorTest, AClientThatLeavesEndsTheGeneration) {
  add("Bread is made of flour.", "bread");
  {
    http::Response response =
        send("POST", "/chat", R"({"question":"What is bread?"})", {{"answer", "model"}});
    EXPECT_EQ(parts_.inference.streams_open, 1);
  }
  EXPECT_EQ(parts_.inference.streams_open, 0);
}

TEST_F(BotDoorTest, ListsInPagesAndRemoves) {
  for (const char* id : {"a", "b/2", "c"}) add("Text of it.", id);
  const json first = json::parse(send("GET", "/knowledge", "", {{"limit", "2"}}).body);
  ASSERT_EQ(first["items"].size(), 2u);
  EXPECT_EQ(first["items"][1]["id"], "b/2");
  EXPECT_EQ(first["items"][0]["chunks"], 1);
  EXPECT_EQ(first["total_chunks"], 3);
  const json second = json::parse(send("GET", "/knowledge", "", {{"cursor", first["next"]}}).body);
  ASSERT_EQ(second["items"].size(), 1u);
  EXPECT_TRUE(second["next"].is_null());
  EXPECT_EQ(send("DELETE", "/knowledge/b/2").status, 200);
  expect_error(send("DELETE", "/knowledge/b/2"), 404, "knowledge_not_found");
  expect_error(send("GET", "/knowledge", "", {{"limit", "0"}}), 400, "invalid_input");
  expect_error(send("GET", "/knowledge", "", {{"limit", "2x"}}), 400, "invalid_input");
}

TEST_F(BotDoorTest, MalformedAddsAreRefused) {
  expect_error(send("POST", "/knowledge/add", ""), 400, "missing_body");
  expect_error(send("POST", "/knowledge/add", "{\"text\":"), 400, "invalid_json");
  expect_error(send("POST", "/knowledge/add", "{\"text\":\"\xFF\"}"), 400, "invalid_json");
  expect_error(send("POST", "/knowledge/add", "[]"), 400, "invalid_input");
  expect_error(send("POST", "/knowledge/add", "{}"), 400, "invalid_input");
  expect_error(send("POST", "/knowledge/add", R"({"text":7})"), 400, "invalid_input");
  expect_error(send("POST", "/knowledge/add", R"({"text":"  "})"), 400, "invalid_input");
  expect_error(send("POST", "/knowledge/add", R"({"text":"x","id":7})"), 400, "invalid_input");
  expect_error(send("POST", "/knowledge/add", R"({"text":"x","id":"x#2"})"), 400, "invalid_input");
  const std::string long_text(limits::knowledge_text_bytes_max + 1, 'x');
  expect_error(send("POST", "/knowledge/add", json({{"text", long_text}}).dump()), 413,
               "body_too_large");
}

TEST_F(BotDoorTest, MalformedQuestionsAreRefused) {
  expect_error(send("POST", "/chat", "{}"), 400, "invalid_input");
  expect_error(send("POST", "/chat", R"({"question":[]})"), 400, "invalid_input");
  expect_error(send("POST", "/chat", R"({"question":" "})"), 400, "invalid_input");
  expect_error(send("POST", "/chat", R"({"question":"x"})", {{"answer", "maybe"}}), 400,
               "invalid_input");
  expect_error(send("POST", "/chat", R"({"question":"x"})", {{"sources", "yes"}}), 400,
               "invalid_input");
}

TEST_F(BotDoorTest, AFullQueueAndAMissingModelSayWhatToDo) {
  parts_.inference.error = Error{Code::queue_full, "the model's queue is full"};
  const http::Response full = send("POST", "/chat", R"({"question":"x"})");
  expect_error(full, 429, "queue_full");
  EXPECT_FALSE(full.headers.get("retry-after").empty());
  parts_.catalog.embedding.reset();
  const http::Response missing = send("POST", "/chat", R"({"question":"x"})");
  expect_error(missing, 503, "model_not_installed");
  EXPECT_NE(missing.body.find("selvedge pull"), std::string::npos);
}

TEST_F(BotDoorTest, UnknownPathsAndMethodsAreTold) {
  expect_error(send("GET", "/nothing"), 404, "route_not_found");
  const http::Response wrong = send("GET", "/chat");
  expect_error(wrong, 405, "method_not_allowed");
  EXPECT_NE(wrong.headers.get("allow").find("POST"), std::string::npos);
  EXPECT_EQ(send("OPTIONS", "/chat").status, 204);
}

TEST_F(BotDoorTest, WhatIsAskedOfAPictureIsCheckedAndWithoutModelsNoneIsDrawn) {
  expect_error(send("GET", "/imagine"), 400, "invalid_input");
  expect_error(send("GET", "/imagine", "", {{"prompt", "cat"}, {"seed", "x"}}), 400,
               "invalid_input");
  expect_error(send("GET", "/imagine", "", {{"prompt", "cat"}}), 501, "not_served");
}

TEST_F(BotDoorTest, HealthAndTheFrontPageAnswer) {
  EXPECT_EQ(send("GET", "/health").body, R"({"status":"ok"})");
  const http::Response front = send("GET", "/");
  EXPECT_NE(front.body.find("curl -X POST http://localhost:8787/chat"), std::string::npos);
}

TEST_F(BotDoorTest, BodiesAreBoundedByRoute) {
  http::Request request;
  request.method = "POST";
  request.path = "/knowledge/add";
  EXPECT_GE(door_->body_limit(request), limits::knowledge_text_bytes_max);
  request.path = "/chat";
  EXPECT_LT(door_->body_limit(request), 1024u * 1024);
}

}  // namespace
}  // namespace selvedge::api
