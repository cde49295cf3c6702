// Tests of the frame codec: every kind comes back as it was, and no bytes from outside harm it.
#include "wire/messages.h"

#include <bit>
#include <cstring>
#include <limits>
#include <random>

#include <gtest/gtest.h>

namespace selvedge::wire {
namespace {

Generate full_generate() {
  Generate generate;
  generate.task = 0x0102030405060708u;
  generate.messages = {{"system", "Be kind."}, {"user", std::string("zero \0 and 漢字", 15)}};
  generate.prompt = "p";
  generate.raw = true;
  generate.tokens_max = 77;
  generate.stop = {"\n\n", "", "END"};
  generate.sampling = {0.25,
                       0.9,
                       40,
                       std::numeric_limits<std::uint64_t>::max(),
                       true,
                       1.1,
                       -2,
                       2,
                       {{5, -100.0f}, {49151, 2.5f}},
                       true,
                       20};
  generate.cut_to_window = true;
  generate.window_tokens = 24'000;
  generate.adapter = "/adapters/weaver.gguf";
  generate.messages.push_back({"assistant", "c", "[{}]", "call", "name", "thought"});
  generate.messages[1].pictures = {{0, "png"}, {4, std::string("\xff\0", 2)}};
  generate.chat = {"[{}]", "required", false, "{}", R"({"x":1})", true};
  return generate;
}

// One message of every kind, in the order of the kinds, with no field left at its default.
std::vector<Message> one_of_each() {
  return {
      Load{"/models/a b.gguf", ModelKind::embedding, 4096, 8, 2, {{"vae", "/models/v"}}},
      Grant{2},
      full_generate(),
      Embed{9, {"one", "", "二"}, Pooling::cls},
      Tokenize{10, "text"},
      Cancel{11},
      Ping{12},
      Shutdown{},
      LoadProgress{0.5f},
      Loaded{"llama", "Smol", 2048, 8192, 576, 49152, true, 1ull << 33},
      Granted{2},
      Piece{13,
            "漢",
            2,
            {{"\xE6\xBC", -0.5f, {{"a", -0.5f}, {"", kLogprobMin}}}, {"\xA2", 0, {}}},
            "thought",
            {{1, "id", "name", "{}"}}},
      Finished{14, FinishReason::length, 100, 60, 40, "END"},
      Embeddings{15, 2, {0.6f, -0.8f, 1.0f, 0.0f}, {3, 4}},
      Tokens{16, {1, -1, 128009}, {1, 4, 9}},
      Failed{17, Code::internal, "engine: broken"},
      Pong{18},
      Rank{19, "which?", {"this", "", "這"}},
      Ranks{20, {-2.5f, 8}, {7, 9}, {"NEGATIVE", "POSITIVE"}},
      Transcribe{21, std::string("RIFF\0", 5), "fr", true, "names", "begin", true, 5, false, 0.5, 2,
                 -2, 0.25},
      Transcript{22,
                 "en",
                 0.98,
                 11,
                 9.5,
                 {{0, 11, " Ask not", 0.2, -0.1, 1.25, 0.01, {{" Ask", 0.5, 1}}}},
                 "english"},
      Draw{23,
           "a cat",
           "dogs",
           512,
           768,
           4,
           1.5,
           0.75,
           42,
           true,
           "png",
           "mask",
           "lcm",
           "karras",
           {"a", "bc"}},
      Picture{24, 1, 1, "rgb", 42, {64, 32}},
      Progress{25, 3, 4},
      AdapterMemory{1ull << 33},
  };
}

std::string body_of(const Message& message) { return encode(message).substr(kFrameHeaderBytes); }

TEST(Frames, EveryKindComesBackAsItWasSent) {
  const std::vector<Message> messages = one_of_each();
  ASSERT_EQ(messages.size(), std::variant_size_v<Message>);
  for (std::size_t kind = 0; kind < messages.size(); ++kind) {
    ASSERT_EQ(messages[kind].index(), kind);
    auto back = decode(body_of(messages[kind]));
    ASSERT_TRUE(back.ok()) << "kind " << kind << ": " << back.error().message;
    EXPECT_EQ(back->index(), kind);
    EXPECT_EQ(encode(*back), encode(messages[kind])) << "kind " << kind;
  }
}

TEST(Frames, FieldsKeepTheirPlaces) {
  auto back = decode(body_of(full_generate()));
  ASSERT_TRUE(back.ok());
  const auto& generate = std::get<Generate>(*back);
  EXPECT_EQ(generate.task, 0x0102030405060708u);
  ASSERT_EQ(generate.messages.size(), 3u);
  EXPECT_EQ(generate.messages[1].role, "user");
  EXPECT_EQ(generate.messages[1].content.size(), 15u);
  EXPECT_EQ(generate.messages[2].tool_calls, "[{}]");
  EXPECT_EQ(generate.messages[2].reasoning, "thought");
  ASSERT_EQ(generate.messages[1].pictures.size(), 2u);
  EXPECT_EQ(generate.messages[1].pictures[1].at, 4u);
  EXPECT_EQ(generate.messages[1].pictures[1].bytes.size(), 2u);
  EXPECT_EQ(generate.chat.tool_choice, "required");
  EXPECT_FALSE(generate.chat.parallel_tool_calls);
  EXPECT_TRUE(generate.chat.parse_reasoning);
  EXPECT_TRUE(generate.raw);
  EXPECT_EQ(generate.stop, (std::vector<std::string>{"\n\n", "", "END"}));
  EXPECT_EQ(generate.sampling.top_k, 40);
  EXPECT_EQ(generate.sampling.presence_penalty, 2);
  ASSERT_EQ(generate.sampling.logit_bias.size(), 2u);
  EXPECT_EQ(generate.sampling.logit_bias[1].token, 49151);
  EXPECT_EQ(generate.sampling.logit_bias[1].bias, 2.5f);
  EXPECT_EQ(generate.sampling.top_logprobs, 20);
  EXPECT_TRUE(generate.cut_to_window);
  EXPECT_EQ(generate.window_tokens, 24'000);
  EXPECT_EQ(window_of(generate, 32'000), 24'000);
  EXPECT_EQ(window_of(generate, 4'096), 4'096);
  EXPECT_EQ(window_of(Generate(), 4'096), 4'096);

  auto text = decode(body_of(one_of_each()[11]));
  ASSERT_TRUE(text.ok());
  const auto& piece = std::get<Piece>(*text);
  ASSERT_EQ(piece.logprobs.size(), 2u);
  EXPECT_EQ(piece.reasoning, "thought");
  ASSERT_EQ(piece.tool_calls.size(), 1u);
  EXPECT_EQ(piece.tool_calls[0].name, "name");
  EXPECT_EQ(piece.logprobs[0].bytes, "\xE6\xBC");
  ASSERT_EQ(piece.logprobs[0].top.size(), 2u);
  EXPECT_EQ(piece.logprobs[0].top[1].logprob, kLogprobMin);

  auto vectors = decode(body_of(Embeddings{15, 2, {0.6f, -0.8f}, {3}}));
  ASSERT_TRUE(vectors.ok());
  EXPECT_EQ(std::get<Embeddings>(*vectors).values, (std::vector<float>{0.6f, -0.8f}));
}

TEST(Frames, TheBytesAreThoseOfTheFormatDocument) {
  const std::string ping = encode(Ping{0x0A0B});
  EXPECT_EQ(ping, std::string("\x09\0\0\0"
                              "\x06"
                              "\x0B\x0A\0\0\0\0\0\0",
                              13));
  const std::string tokenize = encode(Tokenize{1, "hi"});
  EXPECT_EQ(tokenize, std::string("\x0F\0\0\0"
                                  "\x04"
                                  "\x01\0\0\0\0\0\0\0"
                                  "\x02\0\0\0hi",
                                  19));
}

TEST(Frames, AFrameCutAtAnyByteIsCorrupt) {
  for (const Message& message : one_of_each()) {
    const std::string body = body_of(message);
    for (std::size_t bytes = 0; bytes < body.size(); ++bytes) {
      // A copy of exactly that size, so that a sanitizer sees a read past its end.
      const std::string cut(body, 0, bytes);
      auto result = decode(cut);
      ASSERT_FALSE(result.ok()) << "kind " << message.index() << " cut at " << bytes;
      EXPECT_EQ(result.error().code, Code::corrupt_data);
    }
  }
}

TEST(Frames, BytesAfterTheLastFieldAreCorrupt) {
  for (const Message& message : one_of_each()) {
    auto result = decode(body_of(message) + '\0');
    ASSERT_FALSE(result.ok()) << "kind " << message.index();
    EXPECT_EQ(result.error().code, Code::corrupt_data);
  }
}

TEST(Frames, AnUnknownKindIsCorrupt) {
  for (const char kind : {'\x11', '\x7F', '\xFF'}) {
    EXPECT_FALSE(decode(std::string(1, kind) + std::string(32, '\0')).ok());
  }
}

TEST(Frames, ValuesOutsideTheirRangeAreCorrupt) {
  std::string embed = body_of(Embed{1, {}, Pooling::cls});
  embed.back() = 2;
  EXPECT_FALSE(decode(embed).ok());
  std::string loaded = body_of(one_of_each()[9]);
  loaded[loaded.size() - 9] = 2;  // has_chat_template
  EXPECT_FALSE(decode(loaded).ok());
  std::string failed = body_of(Failed{1, Code::internal, ""});
  failed[9] = static_cast<char>(kCodeCount);
  EXPECT_FALSE(decode(failed).ok());
}

TEST(Frames, ACountLargerThanTheFrameIsRefusedBeforeMemoryIsTakenForIt) {
  std::string embeddings = body_of(Embeddings{1, 4, {}, {}});
  for (std::size_t byte = 13; byte < 17; ++byte) embeddings[byte] = '\xFF';
  EXPECT_FALSE(decode(embeddings).ok());
  std::string generate = body_of(Generate{});
  for (std::size_t byte = 9; byte < 13; ++byte) generate[byte] = '\xFF';
  EXPECT_FALSE(decode(generate).ok());
  std::string piece = body_of(Piece{1, "", 0, {}});
  for (std::size_t byte = piece.size() - 4; byte < piece.size(); ++byte) piece[byte] = '\x7F';
  EXPECT_FALSE(decode(piece).ok());
}

TEST(Frames, RandomBytesNeverDecodeToSomethingElse) {
  std::mt19937 random(7);
  std::uniform_int_distribution<int> byte(0, 255);
  std::uniform_int_distribution<std::size_t> size(0, 96);
  int decoded = 0;
  for (int round = 0; round < 200'000; ++round) {
    std::string body(size(random), '\0');
    // Small bytes make small counts, which get further in.
    for (char& one : body) one = static_cast<char>(round % 2 ? byte(random) : byte(random) % 4);
    if (!body.empty()) body[0] = static_cast<char>(byte(random) % 18);
    auto message = decode(body);
    if (!message.ok()) continue;
    ++decoded;
    ASSERT_EQ(body_of(*message), body);
  }
  EXPECT_GT(decoded, 0);
}

TEST(Frames, FlippedBitsNeverCrashTheDecoder) {
  for (const Message& message : one_of_each()) {
    const std::string body = body_of(message);
    for (std::size_t bit = 0; bit < body.size() * 8; ++bit) {
      std::string flipped = body;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
      auto result = decode(flipped);
      if (!result.ok()) continue;
      EXPECT_EQ(body_of(*result), flipped);
    }
  }
}

}  // namespace
}  // namespace selvedge::wire
