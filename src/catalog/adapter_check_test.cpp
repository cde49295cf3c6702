// Tests of the adapter check: what passes, and each way in which the two files can be wrong.
#include "catalog/adapter_check.h"

#include <cstring>
#include <string>

#include <gtest/gtest.h>

namespace selvedge::catalog {
namespace {

constexpr AdapterBounds kGenerous{256, false};
constexpr AdapterBounds kHosted{32, true};

std::string reason(const Result<AdapterConfig>& result) {
  return result.ok() ? "" : result.error().message;
}

// A file whose header is `header` and whose data are so many zeros.
std::string safetensors(const std::string& header, std::size_t data_bytes) {
  const std::uint64_t length = header.size();
  std::string file(sizeof(length), '\0');
  std::memcpy(file.data(), &length, sizeof(length));
  return file + header + std::string(data_bytes, '\0');
}

constexpr const char* kPair =
    R"({"__metadata__":{"format":"pt"},)"
    R"("m.lora_A.weight":{"dtype":"F16","shape":[8,4],"data_offsets":[0,64]},)"
    R"("m.lora_B.weight":{"dtype":"F32","shape":[2,8],"data_offsets":[64,128]}})";

bool passes(const std::string& file) {
  const auto checked = adapter_tensors(file);
  if (!checked.ok()) {
    EXPECT_EQ(checked.error().code, Code::file_invalid);
  }
  return checked.ok();
}

TEST(AdapterConfig, ALoraOfAllowedRankPasses) {
  const auto config = check_adapter_config(R"({"peft_type":"LORA","r":8})", kGenerous);
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->rank, 8u);
}

TEST(AdapterConfig, TheHostedBoundsAskForLessRankAndForTheModelsType) {
  EXPECT_TRUE(
      check_adapter_config(R"({"peft_type":"LORA","r":32,"model_type":"gemma"})", kHosted).ok());
  EXPECT_EQ(
      reason(check_adapter_config(R"({"peft_type":"LORA","r":33,"model_type":"gemma"})", kHosted)),
      "adapter_config.json needs a rank \"r\" from 1 to 32");
  EXPECT_EQ(reason(check_adapter_config(R"({"peft_type":"LORA","r":8})", kHosted)),
            "adapter_config.json needs a \"model_type\": \"mistral\", \"gemma\" or \"llama\"");
  EXPECT_FALSE(
      check_adapter_config(R"({"peft_type":"LORA","r":8,"model_type":"qwen2"})", kHosted).ok());
  EXPECT_TRUE(
      check_adapter_config(R"({"peft_type":"LORA","r":8,"model_type":"qwen2"})", kGenerous).ok());
}

TEST(AdapterConfig, WhatIsNoLoraConfigIsRefused) {
  for (const char* text : {"", "[]", "{", "null", R"({"r":8})", R"({"peft_type":"IA3","r":8})",
                           R"({"peft_type":"LORA"})", R"({"peft_type":"LORA","r":0})",
                           R"({"peft_type":"LORA","r":-1})", R"({"peft_type":"LORA","r":"8"})",
                           R"({"peft_type":"LORA","r":8.5})", R"({"peft_type":"LORA","r":1e99})",
                           R"({"peft_type":"LORA","r":8,"model_type":7})"}) {
    EXPECT_FALSE(check_adapter_config(text, kGenerous).ok()) << text;
  }
  EXPECT_FALSE(check_adapter_config(std::string(100'000, '['), kGenerous).ok());
  EXPECT_FALSE(check_adapter_config(R"({"a":)" + std::string(100'000, '['), kGenerous).ok());
  EXPECT_FALSE(check_adapter_config(std::string((1 << 20) + 1, ' '), kGenerous).ok());
}

TEST(AdapterWeights, TensorsThatFillTheFilePass) {
  const auto checked = adapter_tensors(safetensors(kPair, 128));
  ASSERT_TRUE(checked.ok()) << checked.error().message;
  EXPECT_EQ(checked->size(), 2u);
}

TEST(AdapterWeights, CutAndPaddedFilesAreRefused) {
  const std::string whole = safetensors(kPair, 128);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(passes(whole.substr(0, size))) << size;
  }
  EXPECT_FALSE(passes(whole + "x"));
}

TEST(AdapterWeights, AMessageNamesTheFileThatPeopleSent) {
  EXPECT_EQ(adapter_tensors(safetensors(kPair, 128) + "x").error().message,
            "adapter_model.safetensors has bytes that belong to no tensor or to several, or ends "
            "too early");
}

TEST(AdapterWeights, TensorsThatDoNotFitTheirPlaceAreRefused) {
  const auto one = [](const std::string& rest, std::size_t bytes) {
    return passes(safetensors(R"({"lora_A":{)" + rest + "}}", bytes));
  };
  EXPECT_TRUE(one(R"("dtype":"BF16","shape":[2,2],"data_offsets":[0,8])", 8));
  EXPECT_FALSE(one(R"("dtype":"BF16","shape":[2,3],"data_offsets":[0,8])", 8));
  EXPECT_FALSE(one(R"("dtype":"Q4_0","shape":[2,2],"data_offsets":[0,8])", 8));
  EXPECT_FALSE(one(R"("dtype":"BF16","shape":[2,-2],"data_offsets":[0,8])", 8));
  EXPECT_FALSE(one(R"("dtype":"BF16","shape":4,"data_offsets":[0,8])", 8));
  EXPECT_FALSE(one(R"("dtype":"BF16","shape":[4],"data_offsets":[8,0])", 8));
  EXPECT_FALSE(one(R"("dtype":"BF16","shape":[4],"data_offsets":[1,9])", 8));
  EXPECT_FALSE(one(R"("dtype":"BF16","shape":[4],"data_offsets":[0])", 8));
  EXPECT_FALSE(one(R"("dtype":"BF16","shape":[4])", 8));
  EXPECT_FALSE(one(R"("dtype":"U8","shape":[1,1,1,1,1,1,1,1,8],"data_offsets":[0,8])", 8));
  // 2^32 x 2^32 bytes are 0 bytes in 64 bits.
  EXPECT_FALSE(one(R"("dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0])", 0));
}

TEST(AdapterWeights, HolesOverlapsAndForeignTensorsAreRefused) {
  EXPECT_FALSE(passes(safetensors(R"({"lora_A":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
                                  R"("lora_B":{"dtype":"U8","shape":[4],"data_offsets":[8,12]}})",
                                  12)));
  EXPECT_FALSE(passes(safetensors(R"({"lora_A":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
                                  R"("lora_B":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}})",
                                  6)));
  EXPECT_FALSE(
      passes(safetensors(R"({"model.norm":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", 4)));
  EXPECT_FALSE(passes(safetensors("{}", 0)));
  EXPECT_FALSE(passes(safetensors("[1]", 0)));
}

TEST(AdapterWeights, AHeaderLongerThanItsBoundIsNotParsed) {
  std::string file(8, '\xff');
  EXPECT_FALSE(passes(file + "{}"));
  EXPECT_FALSE(passes(safetensors(std::string((4 << 20) + 1, ' '), 0)));
}

}  // namespace
}  // namespace selvedge::catalog
