// Tests of upstreams: a far server that answers well, and in all the ways in which it may not.
#include "inference/upstream.h"

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>

#include <nlohmann/json.hpp>

#include "http/testing.h"
#include "inference/inference_fixture.h"
#include "inference/upstream_catalog.h"
#include "inference/upstream_inference.h"
#include "inference/upstream_messages.h"

namespace selvedge::inference {
namespace {

using nlohmann::json;

constexpr const char* kHead = "data: {\"choices\":[{\"delta\":{\"content\":\"";

std::string event(const std::string& text) { return kHead + text + "\"}}]}\n\n"; }

constexpr const char* kEnd =
    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}\n\n"
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":2,"
    "\"prompt_tokens_details\":{\"cached_tokens\":3}}}\n\n"
    "data: [DONE]\n\n";

// Sends its parts; then ends, breaks off, or waits for its client to leave.
class Parts final : public http::BodyStream {
 public:
  enum class End : std::uint8_t { well, broken, never };
  Parts(std::vector<std::string> parts, End end, std::atomic<int>& open)
      : parts_(std::move(parts)), end_(end), open_(open) {
    ++open_;
  }
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;
  ~Parts() override { --open_; }
  asio::awaitable<std::optional<std::string>> next() override {
    if (at_ < parts_.size()) co_return parts_[at_++];
    if (end_ == End::never) {
      asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::hours(1));
      co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    }
    co_return std::nullopt;
  }
  bool broken() const override { return end_ == End::broken; }

 private:
  std::vector<std::string> parts_;
  End end_;
  std::atomic<int>& open_;
  std::size_t at_ = 0;
};

class UpstreamTest : public InferenceTest {
 protected:
  UpstreamTest() {
    http::ServerOptions options;
    options.handler = [this](http::Request request) { return handle(std::move(request)); };
    server_ = std::make_unique<http::testing::ServerThread>(std::move(options));
  }
  ~UpstreamTest() override { inference_.reset(); }

  // What the far server does follows from the model's name.
  asio::awaitable<http::Response> handle(http::Request request) {
    asked_ = request.path;
    const json body = json::parse(request.body);
    seen_ = body;
    key_ = request.headers.get("authorization");
    const auto model = body.value("model", std::string());
    const int times = ++times_;
    http::Response response;
    response.headers.set("content-type", "text/event-stream");
    const auto stream = [&](std::vector<std::string> parts, Parts::End end) {
      response.stream = std::make_unique<Parts>(std::move(parts), end, open_);
    };
    const auto fail = [&](int status, const std::string& words) {
      response.status = status;
      response.headers.set("content-type", "application/json");
      response.body = json{{"error", {{"message", words}}}}.dump();
    };
    if (model == "good") stream({event("Hello"), event(" 漢"), kEnd}, Parts::End::well);
    if (model == "calls") {
      stream({"data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"Hm\"}}]}\n\n",
              "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c1\","
              "\"function\":{\"name\":\"look\",\"arguments\":\"{\\\"a\\\"\"}}]}}]}\n\n",
              "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,"
              "\"function\":{\"arguments\":\":1}\"}}]}}]}\n\n",
              kEnd},
             Parts::End::well);
    }
    if (model == "cut") {
      const std::string whole = event("Hello") + kEnd;
      stream({whole.substr(0, 20), whole.substr(20, 70), whole.substr(90)}, Parts::End::well);
    }
    if (model == "breaks") stream({event("Hello")}, Parts::End::broken);
    if (model == "ends early") stream({event("Hello")}, Parts::End::well);
    if (model == "silent") stream({event("Hello")}, Parts::End::never);
    if (model == "mute") stream({}, Parts::End::never);
    if (model == "garbage") stream({"data: {{{\n\n"}, Parts::End::well);
    if (model == "fails late") {
      stream({event("Hello"), "data: {\"error\":{\"message\":\"no memory\"}}\n\n"},
             Parts::End::well);
    }
    if (model == "whole") {
      response.headers.set("content-type", "application/json");
      response.body = R"({"choices":[{"message":{"content":"At once"},"finish_reason":"stop"}],)"
                      R"("usage":{"prompt_tokens":1,"completion_tokens":2}})";
    }
    if (model == "busy once" && times == 1) fail(429, "later");
    if (model == "busy once" && times > 1) stream({event("Now"), kEnd}, Parts::End::well);
    if (model == "busy") fail(429, "never");
    if (model == "down") fail(503, "maintenance");
    if (model == "picky") fail(400, "temperature is too high");
    if (model == "small") fail(400, "maximum context length is 10");
    if (model == "locked") fail(401, "wrong key");
    if (model == "vectors") {
      response.headers.set("content-type", "application/json");
      response.body = R"({"data":[{"index":1,"embedding":[0,2]},{"index":0,"embedding":[3,4]}],)"
                      R"("usage":{"prompt_tokens":5}})";
    }
    co_return std::move(response);
  }

  void create_with(const Upstream& upstream) {
    if (inference_ == nullptr) create();
    std::ofstream(folder_ / "upstreams.json") << upstreams_json({upstream});
    upstreams_ = std::make_shared<Upstreams>(folder_ / "upstreams.json");
    inference_ = std::make_unique<UpstreamInference>(io_, std::move(inference_), upstreams_);
  }
  Upstream at(const std::string& model) {
    Upstream upstream;
    upstream.id = text_entry_.id = embedding_entry_.id = "@cf/far";
    upstream.url = server_->url("/v1");
    upstream.model = model;
    upstream.tries = 2;
    return upstream;
  }
  Completion ask(const std::string& model) {
    create_with(at(model));
    return await(complete(far(), "hi"));
  }
  catalog::Resolved far() {
    catalog::Resolved resolved;
    resolved.entry = &text_entry_;
    return resolved;
  }

  std::atomic<int> times_{0};
  std::atomic<int> open_{0};
  std::string asked_;
  std::string key_;
  json seen_;
  std::unique_ptr<http::testing::ServerThread> server_;
  std::shared_ptr<const Upstreams> upstreams_;
};

TEST_F(UpstreamTest, AStreamComesThroughWithItsUsage) {
  const Completion done = ask("good");
  ASSERT_TRUE(done.last) << (done.error ? done.error->message : "");
  EXPECT_EQ(done.text, "Hello 漢");
  EXPECT_EQ(done.last->reason, wire::FinishReason::length);
  EXPECT_EQ(done.last->usage.prompt_tokens, 7);
  EXPECT_EQ(done.last->usage.cached_tokens, 3);
  EXPECT_EQ(done.last->usage.completion_tokens, 2);
  EXPECT_EQ(asked_, "/v1/chat/completions");
  EXPECT_EQ(seen_["messages"], json::parse(R"([{"role":"user","content":"hi"}])"));
  EXPECT_EQ(seen_["max_tokens"], 3'000);
  EXPECT_EQ(key_, "");
}

TEST_F(UpstreamTest, ToolsAndSchemasGoThereAndCallsComeBack) {
  create_with(at("calls"));
  GenerateTask task = say("");
  task.messages = {
      {"user", "look"},
      {"assistant", "", R"([{"id":"c0","function":{"name":"look","arguments":"{}"}}])"},
      {"tool", "seen", "", "c0", "look"}};
  task.chat.tools = R"([{"type":"function","function":{"name":"look"}}])";
  task.chat.tool_choice = "look";
  task.chat.json_schema = R"({"type":"object"})";
  auto opened = await(inference_->generate(far(), std::move(task)));
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  std::string thought;
  std::map<std::int32_t, wire::ToolCallDelta> calls;
  for (bool last = false; !last;) {
    const auto piece = await((*opened)->next());
    ASSERT_TRUE(piece.ok());
    thought += piece->reasoning;
    for (const wire::ToolCallDelta& delta : piece->tool_calls) {
      wire::ToolCallDelta& call = calls[delta.index];
      if (!delta.id.empty()) call.id = delta.id;
      call.name += delta.name;
      call.arguments += delta.arguments;
    }
    last = piece->last;
  }
  EXPECT_EQ(thought, "Hm");
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(calls[0].id, "c1");
  EXPECT_EQ(calls[0].name, "look");
  EXPECT_EQ(calls[0].arguments, R"({"a":1})");
  EXPECT_EQ(seen_["tool_choice"]["function"]["name"], "look");
  EXPECT_EQ(seen_["messages"][1]["tool_calls"][0]["type"], "function");
  EXPECT_EQ(seen_["messages"][2]["tool_call_id"], "c0");
  EXPECT_EQ(seen_["response_format"]["json_schema"]["schema"]["type"], "object");
}

TEST_F(UpstreamTest, PicturesGoThereInTheirPlaces) {
  create_with(at("calls"));
  GenerateTask task = say("");
  task.messages = {{"user", "left right"}};
  task.messages[0].pictures = {{0, "\x89PNG"}, {5, "\xff\xd8"}, {10, "RIFF"}};
  auto opened = await(inference_->generate(far(), std::move(task)));
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  ASSERT_TRUE(await((*opened)->next()).ok());
  const auto& parts = seen_["messages"][0]["content"];
  ASSERT_EQ(parts.size(), 5u);
  EXPECT_EQ(parts[0]["image_url"]["url"], "data:image/png;base64,iVBORw==");
  EXPECT_EQ(parts[1]["text"], "left ");
  EXPECT_EQ(parts[2]["image_url"]["url"], "data:image/jpeg;base64,/9g=");
  EXPECT_EQ(parts[3]["text"], "right");
  EXPECT_EQ(parts[4]["image_url"]["url"], "data:image/webp;base64,UklGRg==");
}

TEST_F(UpstreamTest, ItDoesNotMatterWhereTheBytesAreCut) { EXPECT_EQ(ask("cut").text, "Hello"); }

TEST_F(UpstreamTest, AnAnswerThatIsNoStreamIsTakenToo) {
  const Completion done = ask("whole");
  EXPECT_EQ(done.text, "At once");
  ASSERT_TRUE(done.last);
  EXPECT_EQ(done.last->usage.completion_tokens, 2);
}

TEST_F(UpstreamTest, WhatBreaksOffIsToldAfterWhatCame) {
  for (const char* model : {"breaks", "ends early", "fails late"}) {
    times_ = 0;
    const Completion done = ask(model);
    EXPECT_EQ(done.text, "Hello") << model;
    EXPECT_TRUE(done.failed_with(Code::unavailable)) << model;
    EXPECT_EQ(times_, 1) << model << ": after the first token nothing is tried again";
  }
}

TEST_F(UpstreamTest, WhatIsBusyIsTriedAgain) {
  const Completion done = ask("busy once");
  EXPECT_EQ(done.text, "Now");
  EXPECT_EQ(times_, 2);
}

TEST_F(UpstreamTest, FailuresHaveAReasonOfTheirOwn) {
  const std::map<std::string, Code> expected = {
      {"busy", Code::queue_full},     {"down", Code::unavailable},
      {"picky", Code::invalid_input}, {"small", Code::context_overflow},
      {"locked", Code::unavailable},  {"garbage", Code::unavailable}};
  for (const auto& [model, code] : expected) {
    const Completion done = ask(model);
    ASSERT_TRUE(done.error) << model;
    EXPECT_EQ(done.error->code, code) << model << ": " << done.error->message;
    EXPECT_EQ(done.pieces, 0) << model;
  }
  EXPECT_NE(ask("picky").error->message.find("temperature is too high"), std::string::npos);
  EXPECT_NE(ask("locked").error->message.find("key_variable"), std::string::npos);
}

TEST_F(UpstreamTest, ASilentOneIsGivenUp) {
  Upstream upstream = at("mute");
  upstream.silence_ms_max = 1'000;
  upstream.tries = 1;
  create_with(upstream);
  EXPECT_TRUE(await(complete(far(), "hi")).failed_with(Code::deadline_exceeded));
  upstream.model = "silent";
  create_with(upstream);
  const Completion done = await(complete(far(), "hi"));
  EXPECT_EQ(done.text, "Hello");
  EXPECT_TRUE(done.error);
}

TEST_F(UpstreamTest, WhoLeavesEndsTheCallThereToo) {
  create_with(at("silent"));
  auto opened = await(open(far(), "hi"));
  ASSERT_TRUE(opened.ok());
  EXPECT_TRUE(http::testing::eventually([this] { return open_ == 1; }));
  opened->reset();
  EXPECT_TRUE(http::testing::eventually([this] { return open_ == 0; }, 5'000));
}

TEST_F(UpstreamTest, OneThatIsNotThereFailsAtOnceForAWhile) {
  Upstream upstream = at("good");
  upstream.url = "http://127.0.0.1:1/v1";
  create_with(upstream);
  const Completion first = await(complete(far(), "hi"));
  ASSERT_TRUE(first.failed_with(Code::unavailable));
  EXPECT_NE(first.error->message.find("cannot be reached"), std::string::npos);
  const Completion second = await(complete(far(), "hi"));
  ASSERT_TRUE(second.failed_with(Code::unavailable));
  EXPECT_NE(second.error->message.find("a moment ago"), std::string::npos);
  const auto all = inference_->status();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].state, RunnerState::backing_off);
  EXPECT_EQ(all[0].model, "good at 127.0.0.1:1");
}

TEST_F(UpstreamTest, TheKeyComesFromTheEnvironment) {
  Upstream upstream = at("good");
  upstream.key_variable = "SELVEDGE_TEST_UPSTREAM_KEY";
  ::unsetenv(upstream.key_variable.c_str());
  create_with(upstream);
  for (int time = 0; time < 2; ++time) {
    const Completion without = await(complete(far(), "hi"));
    ASSERT_TRUE(without.failed_with(Code::unavailable));
    EXPECT_NE(without.error->message.find(upstream.key_variable), std::string::npos);
  }
  ::setenv(upstream.key_variable.c_str(), "secret", 1);
  create_with(upstream);
  EXPECT_EQ(await(complete(far(), "hi")).text, "Hello 漢");
  EXPECT_EQ(key_, "Bearer secret");
  ::unsetenv(upstream.key_variable.c_str());
}

// It may be at work on it: asking again would have it do the same twice.
TEST_F(UpstreamTest, OneThatTakesTooLongIsAskedOnceAndIsNotDown) {
  Upstream upstream = at("mute");
  upstream.silence_ms_max = 1'000;
  create_with(upstream);
  EXPECT_TRUE(await(complete(far(), "hi")).failed_with(Code::deadline_exceeded));
  EXPECT_EQ(times_, 1);
  EXPECT_EQ(inference_->status().at(0).state, RunnerState::ready);
}

TEST_F(UpstreamTest, AdaptersAreRefusedAndVariablesOfTemplatesAndSeedsGoThere) {
  create_with(at("good"));
  GenerateTask task = say("hi");
  task.adapter.name = "mine";
  const auto refused = await(inference_->generate(far(), std::move(task)));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::lora_unsupported);
  EXPECT_EQ(times_, 0);
  task = say("hi");
  task.chat.template_values = R"({"enable_thinking":false})";
  task.sampling.has_seed = true;
  task.sampling.seed = static_cast<std::uint64_t>(-1);
  auto opened = await(inference_->generate(far(), std::move(task)));
  ASSERT_TRUE(opened.ok());
  while (true) {
    const auto piece = await((*opened)->next());
    ASSERT_TRUE(piece.ok());
    if (piece->last) break;
  }
  EXPECT_EQ(seen_["chat_template_kwargs"], json({{"enable_thinking", false}}));
  EXPECT_EQ(seen_["seed"], -1);
  const auto thought = parse_upstream_chunk(R"({"choices":[{"delta":{"reasoning":"Hm"}}]})");
  ASSERT_TRUE(thought.ok());
  EXPECT_EQ(thought->piece.reasoning, "Hm");
}

TEST_F(UpstreamTest, WhoEndsTheServerLeavesNoReader) {
  create_with(at("silent"));
  auto opened = await(open(far(), "hi"));
  ASSERT_TRUE(opened.ok());
  EXPECT_TRUE(http::testing::eventually([this] { return open_ == 1; }));
  bool left = false;
  asio::co_spawn(
      io_,
      [stream = std::move(*opened), &left]() mutable -> asio::awaitable<void> {
        while ((co_await stream->next()).ok()) {
        }
        stream.reset();
        left = true;
      },
      asio::detached);
  await(inference_->shut_down());
  EXPECT_TRUE(left);
  EXPECT_TRUE(await(complete(far(), "hi")).failed_with(Code::unavailable));
}

TEST_F(UpstreamTest, VectorsAreOrderedNormalisedAndFilledUp) {
  embedding_entry_.output_dimensions = 3;
  create_with(at("vectors"));
  catalog::Resolved resolved;
  resolved.entry = &embedding_entry_;
  EmbedTask task;
  task.texts = {"a", "b"};
  const auto embedded = await(inference_->embed(resolved, task));
  ASSERT_TRUE(embedded.ok()) << embedded.error().message;
  EXPECT_EQ(embedded->dimensions, 3);
  EXPECT_EQ(embedded->values, (std::vector<float>{0.6F, 0.8F, 0, 0, 1, 0}));
  EXPECT_EQ(embedded->usage.prompt_tokens, 5);
  task.texts = {"only one"};
  EXPECT_FALSE(await(inference_->embed(resolved, task)).ok());
}

TEST_F(UpstreamTest, OthersGoToTheirRunners) {
  create_with(at("good"));
  text_entry_.id = "@cf/near";
  const Completion done = await(complete(model("text"), "hello"));
  EXPECT_TRUE(done.last);
  EXPECT_EQ(times_, 0);
  await(inference_->shut_down());
}

TEST(UpstreamFile, WhatIsWrittenIsRead) {
  Upstream one;
  one.id = "my/model";
  one.url = "https://example.org/v1";
  one.model = "m";
  one.task = catalog::Task::text_embeddings;
  one.dimensions = 384;
  one.key_variable = "KEY";
  const auto read = parse_upstreams(upstreams_json({one}));
  ASSERT_TRUE(read.ok()) << read.error().message;
  ASSERT_EQ(read->size(), 1u);
  EXPECT_EQ(upstreams_json(*read), upstreams_json({one}));
  EXPECT_EQ(read->front().name(), "m at example.org");
}

TEST(UpstreamFile, WhatDoesNotHoldIsRefusedByName) {
  const std::map<std::string, std::string> refused = {
      {"{}", "list"},
      {"[1]", "objects"},
      {R"([{"url":"http://a"}])", "id:"},
      {R"([{"id":"a b","url":"http://a"}])", "id:"},
      {R"([{"id":"a","url":"ftp://a"}])", "url:"},
      {R"([{"id":"a","url":5}])", "url:"},
      {R"([{"id":"a","url":"http://a","tries":0}])", "tries:"},
      {R"([{"id":"a","url":"http://a","task":"Text to Image"}])", "task:"},
      {R"([{"id":"a","url":"http://a"},{"id":"a","url":"http://b"}])", "twice"}};
  for (const auto& [text, word] : refused) {
    const auto read = parse_upstreams(text);
    ASSERT_FALSE(read.ok()) << text;
    EXPECT_EQ(read.error().code, Code::file_invalid);
    EXPECT_NE(read.error().message.find(word), std::string::npos) << read.error().message;
  }
}

TEST(UpstreamFile, AChangeIsSeen) {
  std::string name = (std::filesystem::temp_directory_path() / "selvedge-XXXXXX").string();
  const std::filesystem::path folder = ::mkdtemp(name.data());
  const Upstreams upstreams(folder / "upstreams.json");
  EXPECT_EQ(upstreams.find("a"), nullptr);
  std::ofstream(folder / "upstreams.json") << R"([{"id":"a","url":"http://a/"}])";
  ASSERT_NE(upstreams.find("a"), nullptr);
  EXPECT_EQ(upstreams.find("a")->url, "http://a");
  EXPECT_EQ(upstreams.find("b"), nullptr);
  std::filesystem::remove_all(folder);
  EXPECT_TRUE(upstreams.all().empty());
}

}  // namespace
}  // namespace selvedge::inference
