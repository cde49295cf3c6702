// Tests of the conversion of adapters: names, order of rows, types, and what is refused.
#include "catalog/adapter_gguf.h"

#include <cmath>
#include <cstring>
#include <fstream>
#include <map>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/limits.h"
#include "catalog/adapter_check.h"
#include "catalog/gguf_builder.h"
#include "catalog/gguf_check.h"
#include "catalog/test_folder.h"

namespace selvedge::catalog {
namespace {

using nlohmann::json;

const AdapterBase kLlama{"llama", 4, 2};
const std::string kPrefix = "base_model.model.model.layers.0.";

// A safetensors file of matrices whose values count up from 0, tensor by tensor.
class Weights {
 public:
  Weights& add(const std::string& name, std::uint64_t rows, std::uint64_t columns,
               const std::string& type = "F32") {
    const std::size_t begin = data_.size();
    for (std::uint64_t at = 0; at < rows * columns; ++at) put(static_cast<float>(at), type);
    header_[name] = {
        {"dtype", type}, {"shape", {rows, columns}}, {"data_offsets", {begin, data_.size()}}};
    return *this;
  }
  Weights& pair(const std::string& module, std::uint64_t inputs, std::uint64_t outputs,
                std::uint64_t rank = 2, const std::string& type = "F32") {
    add(module + ".lora_A.weight", rank, inputs, type);
    return add(module + ".lora_B.weight", outputs, rank, type);
  }
  Weights& value(std::size_t at, std::uint32_t bits) {
    std::memcpy(data_.data() + at * 4, &bits, 4);
    return *this;
  }
  std::string bytes() const {
    const std::string text = header_.dump();
    const std::uint64_t length = text.size();
    std::string file(8, '\0');
    std::memcpy(file.data(), &length, 8);
    return file + text + data_;
  }

 private:
  void put(float value, const std::string& type) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, &value, 4);
    if (type == "F32") return append(bits, 4);
    if (type == "BF16") return append(bits >> 16, 2);
    // Half precision of whole numbers up to 2048.
    if (value == 0) return append(0, 2);
    append((((bits >> 23) - 127 + 15) << 10) | ((bits >> 13) & 0x3FF), 2);
  }
  void append(std::uint32_t bits, std::size_t width) {
    data_.append(reinterpret_cast<const char*>(&bits), width);
  }
  json header_ = json::object();
  std::string data_;
};

std::string config(const json& more = json::object()) {
  json all = {{"peft_type", "LORA"}, {"r", 2}, {"lora_alpha", 6}};
  all.update(more);
  return all.dump();
}

// What a converted file says, read without its writer.
struct Read {
  float alpha = 0;
  struct Tensor {
    std::vector<std::uint64_t> shape;  // As in the file: columns first.
    std::uint32_t type = 0;
    std::vector<float> values;
  };
  std::map<std::string, Tensor> tensors;
};

class Reader {
 public:
  explicit Reader(const std::string& bytes) : bytes_(bytes) {}
  Read read() {
    Read out;
    at_ = 8;
    const auto tensors = take<std::uint64_t>();
    const auto keys = take<std::uint64_t>();
    for (std::uint64_t key = 0; key < keys; ++key) {
      const std::string name = text();
      const auto type = take<std::uint32_t>();
      if (type == 8) {
        text();
      } else {
        EXPECT_EQ(name, "adapter.lora.alpha");
        out.alpha = take<float>();
      }
    }
    std::vector<std::pair<std::string, std::uint64_t>> places;
    for (std::uint64_t tensor = 0; tensor < tensors; ++tensor) {
      const std::string name = text();
      EXPECT_EQ(take<std::uint32_t>(), 2U);
      Read::Tensor& one = out.tensors[name];
      one.shape = {take<std::uint64_t>(), take<std::uint64_t>()};
      one.type = take<std::uint32_t>();
      places.emplace_back(name, take<std::uint64_t>());
    }
    const std::size_t begin = (at_ + 31) / 32 * 32;
    for (const auto& [name, offset] : places) {
      Read::Tensor& one = out.tensors[name];
      at_ = begin + offset;
      for (std::uint64_t at = 0; at < one.shape[0] * one.shape[1]; ++at) {
        one.values.push_back(one.type == 0 ? take<float>() : half(take<std::uint16_t>()));
      }
    }
    return out;
  }

 private:
  template <class T>
  T take() {
    T value{};
    EXPECT_LE(at_ + sizeof value, bytes_.size());
    std::memcpy(&value, bytes_.data() + at_, sizeof value);
    at_ += sizeof value;
    return value;
  }
  std::string text() {
    const auto length = take<std::uint64_t>();
    at_ += length;
    return bytes_.substr(at_ - length, length);
  }
  static float half(std::uint16_t bits) {
    if (bits == 0) return 0;
    return std::ldexp(1.0F + static_cast<float>(bits & 0x3FF) / 1024, (bits >> 10) - 15);
  }
  const std::string& bytes_;
  std::size_t at_ = 0;
};

Read converted(const Weights& weights, const AdapterBase& base = kLlama,
               const json& more = json::object()) {
  const auto bytes = adapter_gguf(config(more), weights.bytes(), base);
  EXPECT_TRUE(bytes.ok()) << bytes.error().message;
  return bytes.ok() ? Reader(*bytes).read() : Read();
}

Code refusal(const Weights& weights, const json& more = json::object(),
             const AdapterBase& base = kLlama) {
  const auto bytes = adapter_gguf(config(more), weights.bytes(), base);
  EXPECT_FALSE(bytes.ok());
  return bytes.ok() ? Code::internal : bytes.error().code;
}

TEST(AdapterGguf, ModulesGetTheNamesOfLlamaCpp) {
  Weights weights;
  for (const char* module : {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj",
                             "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"}) {
    weights.pair(kPrefix + module, 16, 16);
  }
  weights.pair("base_model.model.model.layers.17.mlp.up_proj", 16, 16);
  weights.pair("base_model.model.lm_head", 16, 16);
  weights.pair("base_model.model.model.language_model.layers.1.mlp.up_proj", 16, 16);
  const Read read = converted(weights);
  EXPECT_EQ(read.alpha, 6);
  EXPECT_EQ(read.tensors.size(), 20U);
  for (const char* name :
       {"blk.0.attn_q", "blk.0.attn_k", "blk.0.attn_v", "blk.0.attn_output", "blk.0.ffn_gate",
        "blk.0.ffn_up", "blk.0.ffn_down", "blk.17.ffn_up", "blk.1.ffn_up", "output"}) {
    EXPECT_TRUE(read.tensors.contains(std::string(name) + ".weight.lora_a")) << name;
    EXPECT_TRUE(read.tensors.contains(std::string(name) + ".weight.lora_b")) << name;
  }
}

// The same as numpy's reshape(heads, 2, rows / heads / 2, columns).swapaxes(1, 2).reshape(rows,
// columns), spelt out.
std::vector<float> permuted(const std::vector<float>& values, std::size_t rows, std::size_t columns,
                            std::size_t heads) {
  std::vector<float> out;
  const std::size_t half = rows / heads / 2;
  for (std::size_t head = 0; head < heads; ++head) {
    for (std::size_t at = 0; at < half; ++at) {
      for (std::size_t part = 0; part < 2; ++part) {
        const std::size_t row = (head * 2 + part) * half + at;
        for (std::size_t column = 0; column < columns; ++column) {
          out.push_back(values[row * columns + column]);
        }
      }
    }
  }
  return out;
}

std::vector<float> counting(std::size_t count) {
  std::vector<float> values;
  for (std::size_t at = 0; at < count; ++at) values.push_back(static_cast<float>(at));
  return values;
}

TEST(AdapterGguf, QueriesAndKeysOfLlamaAreReorderedByTheirHeadsAndNothingElseIs) {
  Weights weights;
  weights.pair(kPrefix + "self_attn.q_proj", 8, 32)
      .pair(kPrefix + "self_attn.k_proj", 8, 16)
      .pair(kPrefix + "self_attn.v_proj", 8, 16);
  Read read = converted(weights);
  EXPECT_EQ(read.tensors["blk.0.attn_q.weight.lora_a"].values, counting(16));
  EXPECT_EQ(read.tensors["blk.0.attn_q.weight.lora_a"].shape, (std::vector<std::uint64_t>{8, 2}));
  EXPECT_EQ(read.tensors["blk.0.attn_q.weight.lora_b"].shape, (std::vector<std::uint64_t>{2, 32}));
  EXPECT_EQ(read.tensors["blk.0.attn_q.weight.lora_b"].values, permuted(counting(64), 32, 2, 4));
  EXPECT_EQ(read.tensors["blk.0.attn_k.weight.lora_b"].values, permuted(counting(32), 16, 2, 2));
  EXPECT_EQ(read.tensors["blk.0.attn_v.weight.lora_b"].values, counting(32));
  for (const char* architecture : {"gemma", "gemma2", "gemma3", "qwen2", "qwen3"}) {
    read = converted(weights, {architecture, 4, 2});
    EXPECT_EQ(read.tensors["blk.0.attn_q.weight.lora_b"].values, counting(64)) << architecture;
  }
}

TEST(AdapterGguf, HalvesStayAndBfloat16BecomesFloat32) {
  for (const auto& [type, as] :
       std::map<std::string, std::uint32_t>{{"F32", 0U}, {"F16", 1U}, {"BF16", 0U}}) {
    Weights weights;
    weights.pair(kPrefix + "mlp.up_proj", 8, 8, 2, type);
    const Read read = converted(weights);
    const auto& tensor = read.tensors.at("blk.0.ffn_up.weight.lora_a");
    EXPECT_EQ(tensor.type, as) << type;
    EXPECT_EQ(tensor.values, counting(16)) << type;
  }
}

TEST(AdapterGguf, TheScaleIsThatOfPeft) {
  Weights weights;
  weights.pair(kPrefix + "mlp.up_proj", 8, 8);
  EXPECT_FLOAT_EQ(converted(weights, kLlama, {{"use_rslora", true}}).alpha, 6 * std::sqrt(2.0F));
  EXPECT_EQ(converted(weights, kLlama, {{"lora_alpha", nullptr}}).alpha, 8);
  EXPECT_EQ(refusal(weights, {{"lora_alpha", 0}}), Code::file_invalid);
  EXPECT_EQ(refusal(weights, {{"lora_alpha", "much"}}), Code::file_invalid);
}

TEST(AdapterGguf, WhatChangesMoreThanMatricesIsRefused) {
  Weights weights;
  weights.pair(kPrefix + "mlp.up_proj", 8, 8);
  EXPECT_EQ(refusal(weights, {{"use_dora", true}}), Code::file_invalid);
  EXPECT_EQ(refusal(weights, {{"fan_in_fan_out", true}}), Code::file_invalid);
  EXPECT_EQ(refusal(weights, {{"modules_to_save", {"lm_head"}}}), Code::file_invalid);
  EXPECT_EQ(refusal(weights, {{"alpha_pattern", {{"x", 3}}}}), Code::file_invalid);
  EXPECT_EQ(refusal(weights, {{"r", 3}}), Code::file_invalid);
  EXPECT_EQ(refusal(weights, json::object(), {"phi3", 4, 2}), Code::lora_unsupported);
  for (const char* name : {"base_model.model.model.embed_tokens.lora_embedding_A",
                           "base_model.model.model.layers.0.self_attn.q_proj.lora_magnitude_vector",
                           "base_model.model.model.layers.0.self_attn.qkv_proj.lora_A.weight",
                           "base_model.model.model.layers.x.mlp.up_proj.lora_A.weight",
                           "base_model.model.model.layers.4000000000.mlp.up_proj.lora_A.weight",
                           "lora", ".lora_A.weight"}) {
    EXPECT_EQ(refusal(Weights(weights).add(name, 2, 8)), Code::file_invalid) << name;
  }
}

TEST(AdapterGguf, MatricesThatDoNotBelongTogetherAreRefused) {
  const std::string up = kPrefix + "mlp.up_proj";
  EXPECT_EQ(refusal(Weights().add(up + ".lora_A.weight", 2, 8)), Code::file_invalid);
  EXPECT_EQ(refusal(Weights().pair(up, 8, 8, 3)), Code::file_invalid);
  EXPECT_EQ(refusal(Weights().add(up + ".lora_A.weight", 2, 8).add(up + ".lora_B.weight", 8, 3)),
            Code::file_invalid);
  EXPECT_EQ(refusal(Weights().pair(up, 8, 8).add("model.layers.0.mlp.up_proj.lora_A.weight", 2, 8)),
            Code::file_invalid);
  EXPECT_EQ(refusal(Weights().pair(up, 8, 8, 2, "I32")), Code::file_invalid);
  EXPECT_EQ(refusal(Weights().pair(kPrefix + "self_attn.q_proj", 8, 30)), Code::invalid_input);
  EXPECT_EQ(
      refusal(Weights().pair(kPrefix + "self_attn.q_proj", 8, 8), json::object(), {"llama", 0, 0}),
      Code::invalid_input);
  EXPECT_TRUE(adapter_gguf(config({{"rank_pattern", {{"up_proj", 3}}}}),
                           Weights().pair(up, 8, 8, 3).bytes(), kLlama)
                  .ok());
}

TEST(AdapterGguf, ValuesThatAreNoNumbersAreRefused) {
  Weights weights;
  weights.pair(kPrefix + "mlp.up_proj", 8, 8);
  EXPECT_EQ(refusal(Weights(weights).value(3, 0x7FC00000)), Code::file_invalid);
  EXPECT_EQ(refusal(Weights(weights).value(20, 0xFF800000)), Code::file_invalid);
}

TEST(AdapterGguf, AConvertedFileStaysBesideAndIsMadeAnewWhenItIsGone) {
  TestFolder folder;
  const auto base = folder.path() / "base.gguf";
  write_file(base, GgufBuilder()
                       .text("general.architecture", "llama")
                       .uint32("llama.attention.head_count", 4)
                       .tensor({"t", {32}, 0, 0})
                       .data_bytes(128)
                       .bytes());
  EXPECT_EQ(converted_adapter(folder.path(), base, "0123456789abcdef0").error().code,
            Code::finetune_incomplete);
  write_file(folder.path() / kAdapterConfigName, config());
  EXPECT_EQ(converted_adapter(folder.path(), base, "0123456789abcdef0").error().code,
            Code::finetune_incomplete);
  write_file(folder.path() / kAdapterWeightsName,
             Weights().pair(kPrefix + "self_attn.k_proj", 8, 32).bytes());
  const auto first = converted_adapter(folder.path(), base, "0123456789abcdef0");
  ASSERT_TRUE(first.ok()) << first.error().message;
  EXPECT_TRUE(check_gguf(*first).ok());
  const auto written = std::filesystem::last_write_time(*first);
  EXPECT_EQ(*converted_adapter(folder.path(), base, "0123456789abcdef0"), *first);
  EXPECT_EQ(std::filesystem::last_write_time(*first), written);
  EXPECT_NE(*converted_adapter(folder.path(), base, "fedcba98765432100"), *first);
  std::filesystem::remove(*first);
  EXPECT_EQ(*converted_adapter(folder.path(), base, "0123456789abcdef0"), *first);
  EXPECT_TRUE(std::filesystem::exists(*first));
}

}  // namespace
}  // namespace selvedge::catalog
