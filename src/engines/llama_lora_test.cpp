// Tests of LoRA adapters on a miniature model: what they change, whom they leave alone, how many
// stay loaded.
#include <cmath>
#include <filesystem>
#include <map>
#include <random>

#include <gtest/gtest.h>
#include <unistd.h>

#include "engines/adapter_shelf.h"
#include "engines/llama_text.h"
#include "engines/test_files.h"
#include "engines/test_models.h"
#include "ggml.h"
#include "gguf.h"

namespace selvedge::engines {
namespace {

namespace fs = std::filesystem;

constexpr int kRank = 4;
constexpr float kAlpha = 8;

struct FreeGgml {
  void operator()(ggml_context* one) const { ggml_free(one); }
};
struct FreeGguf {
  void operator()(gguf_context* one) const { gguf_free(one); }
};
using Tensors = std::unique_ptr<ggml_context, FreeGgml>;
using Gguf = std::unique_ptr<gguf_context, FreeGguf>;

// The matrices that the adapters of these tests change: [inputs, outputs].
struct Shape {
  std::string name;
  std::int64_t inputs;
  std::int64_t outputs;
};
std::vector<Shape> shapes(std::int64_t width = 64) {
  std::vector<Shape> all;
  for (const std::string block : {"blk.0.", "blk.1."}) {
    all.push_back({block + "attn_q.weight", width, width});
    all.push_back({block + "attn_v.weight", width, width / 2});
    all.push_back({block + "ffn_down.weight", width * 2, width});
  }
  return all;
}

float* values(ggml_tensor* tensor) { return static_cast<float*>(tensor->data); }

void fill(ggml_tensor* tensor, std::mt19937& random) {
  std::normal_distribution<float> normal(0, 0.3F);
  for (std::int64_t at = 0; at < ggml_nelements(tensor); ++at) values(tensor)[at] = normal(random);
}

// Adapters as files, and the miniature model with one of them added to its weights.
class AdapterFolder {
 public:
  AdapterFolder() : path_(fs::temp_directory_path() / ("lora-" + std::to_string(::getpid()))) {
    fs::create_directories(path_);
  }
  ~AdapterFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  AdapterFolder(const AdapterFolder&) = delete;
  AdapterFolder& operator=(const AdapterFolder&) = delete;

  std::string adapter(unsigned seed, std::int64_t width = 64) const {
    const fs::path file = path_ / ("adapter-" + std::to_string(seed) + ".gguf");
    Tensors tensors = matrices(seed, width);
    Gguf out(gguf_init_empty());
    gguf_set_val_str(out.get(), "general.architecture", "llama");
    gguf_set_val_str(out.get(), "general.type", "adapter");
    gguf_set_val_str(out.get(), "adapter.type", "lora");
    gguf_set_val_f32(out.get(), "adapter.lora.alpha", kAlpha);
    for (ggml_tensor* one = ggml_get_first_tensor(tensors.get()); one != nullptr;
         one = ggml_get_next_tensor(tensors.get(), one)) {
      gguf_add_tensor(out.get(), one);
    }
    EXPECT_TRUE(gguf_write_to_file(out.get(), file.c_str(), false));
    return file.string();
  }

  // W + B * A * alpha / rank.
  std::string merged_model(unsigned seed) const {
    const fs::path file = path_ / "merged.gguf";
    ggml_context* read = nullptr;
    const std::string source = test_model_path(kTinyLlama3);
    Gguf model(gguf_init_from_file(source.c_str(), {false, &read}));
    Tensors weights(read);
    Tensors adapter = matrices(seed, 64);
    for (const Shape& shape : shapes()) {
      ggml_tensor* weight = ggml_get_tensor(weights.get(), shape.name.c_str());
      auto* halves = static_cast<ggml_fp16_t*>(weight->data);
      const float* a = values(ggml_get_tensor(adapter.get(), (shape.name + ".lora_a").c_str()));
      const float* b = values(ggml_get_tensor(adapter.get(), (shape.name + ".lora_b").c_str()));
      for (std::int64_t row = 0; row < shape.outputs; ++row) {
        for (std::int64_t column = 0; column < shape.inputs; ++column) {
          float sum = 0;
          for (int at = 0; at < kRank; ++at) {
            sum += b[row * kRank + at] * a[at * shape.inputs + column];
          }
          ggml_fp16_t& one = halves[row * shape.inputs + column];
          one = ggml_fp32_to_fp16(ggml_fp16_to_fp32(one) + sum * kAlpha / kRank);
        }
      }
    }
    Gguf out(gguf_init_empty());
    gguf_set_kv(out.get(), model.get());
    for (std::int64_t at = 0; at < gguf_get_n_tensors(model.get()); ++at) {
      gguf_add_tensor(out.get(),
                      ggml_get_tensor(weights.get(), gguf_get_tensor_name(model.get(), at)));
    }
    EXPECT_TRUE(gguf_write_to_file(out.get(), file.c_str(), false));
    return file.string();
  }

 private:
  static Tensors matrices(unsigned seed, std::int64_t width) {
    std::mt19937 random(seed);
    Tensors tensors(ggml_init({8u << 20, nullptr, false}));
    for (const Shape& shape : shapes(width)) {
      ggml_tensor* a = ggml_new_tensor_2d(tensors.get(), GGML_TYPE_F32, shape.inputs, kRank);
      ggml_tensor* b = ggml_new_tensor_2d(tensors.get(), GGML_TYPE_F32, kRank, shape.outputs);
      ggml_set_name(a, (shape.name + ".lora_a").c_str());
      ggml_set_name(b, (shape.name + ".lora_b").c_str());
      fill(a, random);
      fill(b, random);
    }
    return tensors;
  }

  fs::path path_;
};

struct Outcome {
  std::string text;
  std::vector<float> logprobs;
  wire::Finished finished;
};

class LlamaLoraTest : public testing::Test {
 protected:
  void SetUp() override { engine_ = open(open_test_model(kTinyLlama3)); }

  static std::unique_ptr<LlamaText> open(std::shared_ptr<const LlamaModel> model) {
    if (model == nullptr) return nullptr;
    auto engine =
        LlamaText::open(std::move(model), {"", wire::ModelKind::text_generation, 1024, 4, 2});
    if (!engine.ok()) {
      ADD_FAILURE() << engine.error().message;
      return nullptr;
    }
    (*engine)->set_threads(1);
    return std::move(*engine);
  }
  static wire::Generate generate(wire::TaskId task, const std::string& adapter,
                                 const std::string& text = "Tell me about looms.") {
    wire::Generate generate;
    generate.task = task;
    generate.messages = {{"user", text}};
    generate.tokens_max = 24;
    generate.sampling.temperature = 0;
    generate.sampling.logprobs = true;
    generate.adapter = adapter;
    return generate;
  }
  static std::map<wire::TaskId, Outcome> run(LlamaText& engine, std::uint64_t* bytes = nullptr) {
    std::map<wire::TaskId, Outcome> outcomes;
    std::vector<wire::Message> events;
    while (engine.has_work()) {
      auto status = engine.step(events);
      EXPECT_TRUE(status.ok()) << status.error().message;
      if (!status.ok()) break;
    }
    for (const wire::Message& event : events) {
      if (const auto* piece = std::get_if<wire::Piece>(&event)) {
        outcomes[piece->task].text += piece->text;
        for (const auto& token : piece->logprobs) {
          outcomes[piece->task].logprobs.push_back(token.logprob);
        }
      } else if (const auto* finished = std::get_if<wire::Finished>(&event)) {
        outcomes[finished->task].finished = *finished;
      } else if (const auto* memory = std::get_if<wire::AdapterMemory>(&event)) {
        if (bytes != nullptr) *bytes = memory->bytes;
      }
    }
    return outcomes;
  }
  Outcome run_alone(wire::Generate task) {
    const wire::TaskId id = task.task;
    auto status = engine_->start_generate(std::move(task));
    EXPECT_TRUE(status.ok()) << status.error().message;
    return run(*engine_)[id];
  }

  AdapterFolder folder_;
  std::unique_ptr<LlamaText> engine_;
};

TEST_F(LlamaLoraTest, AnAdapterAnswersAsTheModelThatItWasAddedTo) {
  const Outcome plain = run_alone(generate(1, ""));
  const Outcome adapted = run_alone(generate(2, folder_.adapter(1)));
  EXPECT_NE(plain.text, adapted.text);
  auto merged =
      LlamaModel::open(folder_.merged_model(1), test_engine_log(), [](float) { return true; });
  ASSERT_TRUE(merged.ok()) << merged.error().message;
  auto engine = open(std::move(*merged));
  ASSERT_NE(engine, nullptr);
  ASSERT_TRUE(engine->start_generate(generate(1, "")).ok());
  const Outcome expected = run(*engine)[1];
  EXPECT_EQ(adapted.text, expected.text);
  ASSERT_GE(adapted.logprobs.size(), 8U);
  for (std::size_t at = 0; at < 8; ++at) {
    EXPECT_NEAR(adapted.logprobs[at], expected.logprobs[at], 0.05) << at;
  }
}

TEST_F(LlamaLoraTest, TasksSideBySideHaveTheirOwnAdapterEach) {
  const std::string adapters[] = {"", folder_.adapter(1), folder_.adapter(2)};
  std::vector<Outcome> alone;
  for (const std::string& adapter : adapters) alone.push_back(run_alone(generate(1, adapter)));
  EXPECT_NE(alone[1].text, alone[2].text);
  for (wire::TaskId task = 1; task <= 9; ++task) {
    ASSERT_TRUE(engine_->start_generate(generate(task, adapters[task % 3])).ok());
  }
  auto together = run(*engine_);
  ASSERT_EQ(together.size(), 9U);
  for (wire::TaskId task = 1; task <= 9; ++task) {
    EXPECT_EQ(together[task].text, alone[task % 3].text) << task;
    ASSERT_GE(together[task].logprobs.size(), 8U);
    for (std::size_t at = 0; at < 8; ++at) {
      EXPECT_NEAR(together[task].logprobs[at], alone[task % 3].logprobs[at], 0.02) << task;
    }
  }
}

TEST_F(LlamaLoraTest, NoTaskWaitsForAnotherGroupToEnd) {
  const std::string adapters[] = {"", folder_.adapter(1), folder_.adapter(2)};
  for (wire::TaskId task = 0; task < 3; ++task) {
    ASSERT_TRUE(engine_->start_generate(generate(task + 1, adapters[task])).ok());
  }
  std::map<wire::TaskId, int> first_piece;
  for (int step = 0; engine_->has_work(); ++step) {
    std::vector<wire::Message> events;
    ASSERT_TRUE(engine_->step(events).ok());
    for (const wire::Message& event : events) {
      const auto* piece = std::get_if<wire::Piece>(&event);
      if (piece != nullptr) first_piece.try_emplace(piece->task, step);
    }
  }
  ASSERT_EQ(first_piece.size(), 3U);
  for (const auto& [task, step] : first_piece) EXPECT_LT(step, 26) << task;
}

TEST_F(LlamaLoraTest, WhatWasReadWithAnAdapterIsKeptForThatOneOnly) {
  std::string text;
  for (int at = 0; at < 60; ++at) text += "warp and weft ";
  const auto sampled = [&](wire::TaskId task, const std::string& adapter) {
    wire::Generate one = generate(task, adapter, text);
    one.sampling.temperature = 1;  // Not repeatable: every beginning is of use.
    return run_alone(std::move(one)).finished.cached_tokens;
  };
  const std::string first = folder_.adapter(1);
  const std::string second = folder_.adapter(2);
  EXPECT_EQ(sampled(1, first), 0);
  EXPECT_EQ(sampled(2, second), 0);
  EXPECT_EQ(sampled(3, ""), 0);
  EXPECT_GT(sampled(4, first), 100);
  EXPECT_GT(sampled(5, ""), 100);
}

TEST_F(LlamaLoraTest, AnAdapterOfAnotherModelIsRefusedInWords) {
  auto status = engine_->start_generate(generate(1, folder_.adapter(3, 128)));
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, Code::invalid_input);
  EXPECT_NE(status.error().message.find("does not fit"), std::string::npos);
  EXPECT_NE(status.error().message.find("shape"), std::string::npos) << status.error().message;
  EXPECT_FALSE(engine_->start_generate(generate(2, "/nowhere/at/all.gguf")).ok());
  EXPECT_FALSE(engine_->has_work());
  EXPECT_FALSE(run_alone(generate(3, "")).text.empty());
}

TEST_F(LlamaLoraTest, TheMemoryOfAdaptersIsToldAndBounded) {
  std::uint64_t bytes = 0;
  std::uint64_t one = 0;
  for (unsigned seed = 1; seed <= AdapterShelf::kAdaptersMax + 4; ++seed) {
    ASSERT_TRUE(engine_->start_generate(generate(seed, folder_.adapter(seed))).ok());
    run(*engine_, &bytes);
    if (seed == 1) one = bytes;
  }
  EXPECT_GT(one, 4096U);
  EXPECT_EQ(bytes, one * AdapterShelf::kAdaptersMax);
  // One that had to go comes back, and answers as before.
  const Outcome again = run_alone(generate(1, folder_.adapter(1)));
  SetUp();
  EXPECT_EQ(run_alone(generate(1, folder_.adapter(1))).text, again.text);
}

}  // namespace
}  // namespace selvedge::engines
