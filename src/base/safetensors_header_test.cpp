// Tests of the header of safetensors files.
#include "base/safetensors_header.h"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

namespace selvedge {
namespace {

constexpr const char* kTwo = R"({"__metadata__":{"format":"pt"},)"
                             R"("b":{"dtype":"F16","shape":[2,3],"data_offsets":[4,16]},)"
                             R"("a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}})";

std::string refused(std::string_view text, std::uint64_t data_bytes) {
  const auto tensors = parse_safetensors_header(text, data_bytes);
  EXPECT_FALSE(tensors.ok()) << text;
  if (tensors.ok()) return {};
  EXPECT_EQ(tensors.error().code, Code::file_invalid);
  return tensors.error().message;
}

TEST(SafetensorsHeader, TensorsComeInTheOrderOfTheFileWithTheirShapes) {
  const auto tensors = parse_safetensors_header(kTwo, 16);
  ASSERT_TRUE(tensors.ok()) << tensors.error().message;
  ASSERT_EQ(tensors->size(), 2u);
  EXPECT_EQ((*tensors)[0].name, "a");
  EXPECT_EQ((*tensors)[0].elements, 1u);
  EXPECT_EQ((*tensors)[1].name, "b");
  EXPECT_EQ((*tensors)[1].shape, (std::vector<std::uint64_t>{2, 3}));
}

TEST(SafetensorsHeader, BytesThatBelongToNoTensorAreRefused) {
  refused(kTwo, 17);
  refused(kTwo, 15);
  refused(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 8);
}

TEST(SafetensorsHeader, ASizeThatOverflowsIsRefused) {
  refused(R"({"a":{"dtype":"F32","shape":[4611686018427387905],"data_offsets":[0,4]}})", 4);
  refused(R"({"a":{"dtype":"F32","shape":[0,9223372036854775807,4],"data_offsets":[0,4]}})", 4);
}

TEST(SafetensorsHeader, WhatIsNoHeaderIsRefused) {
  for (const char* text :
       {"", "[]", "{}", "{\"a\":1}", R"({"__metadata__":{}})",
        R"({"a":{"dtype":"F31","shape":[1],"data_offsets":[0,4]}})",
        R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})",
        R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})",
        R"({"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]}})",
        R"({"a":{"b":{"c":{"d":{"e":{}}}}}})"}) {
    refused(text, 4);
  }
}

class SafetensorsFile : public testing::Test {
 protected:
  void SetUp() override {
    // Its tests run side by side.
    path_ = std::filesystem::path(testing::TempDir()) /
            ("header-" + std::to_string(::getpid()) + ".safetensors");
  }
  void TearDown() override { std::filesystem::remove(path_); }
  void write(std::uint64_t header_bytes, const std::string& rest) {
    std::ofstream out(path_, std::ios::binary);
    out.write(reinterpret_cast<const char*>(&header_bytes), sizeof header_bytes);
    out << rest;
  }
  std::filesystem::path path_;
};

TEST_F(SafetensorsFile, OnlyTheHeaderOfAFileCounts) {
  const std::string text = kTwo;
  write(text.size(), text + std::string(16, '\xff'));
  const auto tensors = read_safetensors_header(path_);
  ASSERT_TRUE(tensors.ok()) << tensors.error().message;
  EXPECT_EQ(tensors->size(), 2u);
}

TEST_F(SafetensorsFile, ALengthBeyondTheFileTakesNoMemory) {
  write(UINT64_MAX, "{}");
  EXPECT_EQ(read_safetensors_header(path_).error().code, Code::file_invalid);
  write(15 * 1024 * 1024, "{}");
  EXPECT_EQ(read_safetensors_header(path_).error().code, Code::file_invalid);
}

TEST_F(SafetensorsFile, AFileThatIsNotThereIsNotFound) {
  EXPECT_EQ(read_safetensors_header(path_).error().code, Code::not_found);
}

}  // namespace
}  // namespace selvedge
