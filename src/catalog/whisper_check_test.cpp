// Tests of the whisper check: what passes, and that every kind of damage is refused.
#include "catalog/whisper_check.h"

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "catalog/gguf_builder.h"
#include "catalog/test_folder.h"
#include "catalog/weights_check.h"

namespace selvedge::catalog {
namespace {

void put(std::string& bytes, std::int32_t number) {
  char raw[sizeof number];
  std::memcpy(raw, &number, sizeof number);
  bytes.append(raw, sizeof raw);
}

// A model of the sizes of base, with the tensors that are named.
struct Builder {
  std::vector<std::int32_t> sizes = {51'865, 1'500, 512, 8, 6, 448, 512, 8, 6, 80, 1};
  std::int32_t mels = 80;
  std::int32_t tokens = 50'257;
  std::string tensors = tensor("encoder.conv1.bias", {1, 512}, 0, 2'048);

  static std::string tensor(const std::string& name, const std::vector<std::int32_t>& dimensions,
                            std::int32_t type, std::size_t data_bytes) {
    std::string bytes;
    put(bytes, static_cast<std::int32_t>(dimensions.size()));
    put(bytes, static_cast<std::int32_t>(name.size()));
    put(bytes, type);
    for (const std::int32_t size : dimensions) put(bytes, size);
    return bytes + name + std::string(data_bytes, '\0');
  }

  std::string bytes() const {
    std::string out = "lmgg";
    for (const std::int32_t size : sizes) put(out, size);
    put(out, mels);
    put(out, 201);
    out.append(static_cast<std::size_t>(mels) * 201 * 4, '\0');
    put(out, tokens);
    for (std::int32_t at = 0; at < tokens; ++at) {
      put(out, 1);
      out += 'a';
    }
    return out + tensors;
  }
};

class WhisperCheck : public testing::Test {
 protected:
  Result<GgufSummary> check(std::string_view bytes) {
    write_file(folder_ / "model.bin", bytes);
    return check_weights(folder_ / "model.bin");
  }
  std::string refusal(const Builder& builder) { return refusal(builder.bytes()); }
  std::string refusal(std::string_view bytes) {
    const auto result = check(bytes);
    if (result.ok()) return "accepted";
    EXPECT_EQ(result.error().code, Code::file_invalid);
    return result.error().message;
  }
  TestFolder folder_;
};

TEST_F(WhisperCheck, AWholeFileSaysWhatItIs) {
  const auto summary = check(Builder().bytes());
  ASSERT_TRUE(summary.ok()) << summary.error().message;
  EXPECT_EQ(summary->architecture, "whisper");
  EXPECT_EQ(summary->name, "whisper base");
  EXPECT_EQ(summary->task, Task::automatic_speech_recognition);
  EXPECT_EQ(summary->parameters, 512u);
  EXPECT_EQ(summary->tensor_count, 1u);
}

TEST_F(WhisperCheck, TheOtherFormatIsStillRead) {
  const auto summary = check(small_gguf("llama", 64));
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(summary->task, Task::text_generation);
}

TEST_F(WhisperCheck, AnySizeOutOfPlaceIsRefused) {
  for (std::size_t at = 0; at < 10; ++at) {
    for (const std::int32_t wrong : {-1, 0, 7, 2'000'000'000}) {
      Builder builder;
      if (at == 8 && wrong == 7) continue;  // Text models have any count of layers.
      builder.sizes[at] = wrong;
      EXPECT_NE(refusal(builder), "accepted") << at << ' ' << wrong;
    }
  }
}

// Found by the fuzzer: 64 times as many are more than an int32 holds.
TEST_F(WhisperCheck, AnyCountOfHeadsIsCompared) {
  Builder builder;
  builder.sizes[3] = builder.sizes[7] = 943'208'504;
  EXPECT_NE(refusal(builder), "accepted");
}

TEST_F(WhisperCheck, EveryCutIsRefused) {
  const std::string whole = Builder().bytes();
  const std::size_t head = 4 + 44 + 8 + 80 * 201 * 4 + 4;
  for (const std::size_t bytes :
       {std::size_t{0}, std::size_t{3}, std::size_t{7}, std::size_t{20}, std::size_t{47},
        std::size_t{55}, head - 5, head - 1, head + 17, whole.size() - 2'049, whole.size() - 1}) {
    EXPECT_NE(refusal(std::string_view(whole).substr(0, bytes)), "accepted") << bytes;
  }
}

TEST_F(WhisperCheck, WithoutWeightsItIsNoModel) {
  Builder builder;
  builder.tensors.clear();
  EXPECT_NE(refusal(builder).find("no weights"), std::string::npos);
}

TEST_F(WhisperCheck, TensorsThatLieAreRefused) {
  const auto with = [&](const std::string& tensors) {
    Builder builder;
    builder.tensors = tensors;
    return refusal(builder);
  };
  EXPECT_NE(with(Builder::tensor("a", {4}, 5, 16)), "accepted");   // No such type.
  EXPECT_NE(with(Builder::tensor("a", {4}, 0, 15)), "accepted");   // Cut.
  EXPECT_NE(with(Builder::tensor("a", {4}, 0, 17)), "accepted");   // Bytes left over.
  EXPECT_NE(with(Builder::tensor("a", {-4}, 0, 16)), "accepted");  // No size.
  EXPECT_NE(with(Builder::tensor("a", {65'536, 65'536}, 0, 16)), "accepted");
  EXPECT_NE(with(Builder::tensor("a", {33}, 8, 34)), "accepted");  // No whole blocks.
  EXPECT_NE(with(Builder::tensor("", {4}, 0, 16)), "accepted");
  EXPECT_NE(with(Builder::tensor("a", {1, 1, 1, 1, 1}, 0, 4)), "accepted");
  const std::string one = Builder::tensor("a", {4}, 0, 16);
  EXPECT_NE(with(one + one), "accepted");  // Twice.
  EXPECT_EQ(with(one + Builder::tensor("b", {64}, 8, 68)), "accepted");
}

}  // namespace
}  // namespace selvedge::catalog
