// Tests of the GGUF check: what passes, what is refused, and that nothing it is fed can hurt.
#include "catalog/gguf_check.h"

#include <random>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "catalog/gguf_builder.h"
#include "catalog/test_folder.h"

namespace selvedge::catalog {
namespace {

constexpr std::uint64_t kHuge = 0xFFFF'FFFF'FFFF'FFF0;

class GgufCheck : public testing::Test {
 protected:
  Result<GgufSummary> check(std::string_view bytes) {
    write_file(folder_ / "model.gguf", bytes);
    return check_gguf(folder_ / "model.gguf");
  }
  std::string refusal(std::string_view bytes) {
    const auto result = check(bytes);
    if (result.ok()) return "accepted";
    EXPECT_EQ(result.error().code, Code::file_invalid);
    return result.error().message;
  }
  static GgufBuilder llama() { return GgufBuilder().text("general.architecture", "llama"); }

  TestFolder folder_;
};

std::string number_bytes(std::uint64_t number, std::size_t count) {
  std::string bytes;
  for (std::size_t at = 0; at < count; ++at)
    bytes += static_cast<char>((number >> (8 * at)) & 0xFF);
  return bytes;
}

TEST_F(GgufCheck, AWholeFileSaysWhatItIs) {
  const auto summary = check(small_gguf("llama", 64));
  ASSERT_TRUE(summary.ok()) << summary.error().message;
  EXPECT_EQ(summary->version, 3u);
  EXPECT_EQ(summary->architecture, "llama");
  EXPECT_EQ(summary->name, "test ");
  EXPECT_EQ(summary->task, Task::text_generation);
  EXPECT_EQ(summary->context_tokens, 512);
  EXPECT_EQ(summary->dimensions, 64);
  EXPECT_EQ(summary->parameters, 32u * 3 + 5);
  EXPECT_EQ(summary->tensor_count, 2u);
}

TEST_F(GgufCheck, GuessesTheTaskFromArchitecturePoolingAndHead) {
  EXPECT_EQ(check(small_gguf("bert", 64))->task, Task::text_embeddings);
  EXPECT_EQ(check(small_gguf("nomic-bert-moe", 64))->task, Task::text_embeddings);
  EXPECT_EQ(check(small_gguf("gemma-embedding", 64))->task, Task::text_embeddings);
  EXPECT_EQ(check(small_gguf("qwen3", 64))->task, Task::text_generation);
  EXPECT_EQ(check(small_gguf("flux", 64))->task, Task::text_to_image);
  EXPECT_EQ(check(small_gguf("clip", 64))->task, Task::other);
  const auto with = [&](std::string_view architecture, std::string_view key, std::uint32_t value) {
    return check(GgufBuilder()
                     .text("general.architecture", architecture)
                     .uint32(key, value)
                     .tensor({"x", {1}, 0, 0})
                     .data_bytes(4)
                     .bytes())
        ->task;
  };
  EXPECT_EQ(with("qwen3", "qwen3.pooling_type", 3), Task::text_embeddings);
  EXPECT_EQ(with("bert", "bert.pooling_type", 4), Task::text_classification);
  const std::string head = GgufBuilder()
                               .text("general.architecture", "bert")
                               .tensor({"cls.weight", {1}, 0, 0})
                               .data_bytes(4)
                               .bytes();
  EXPECT_EQ(check(head)->task, Task::text_classification);
  const std::string adapter =
      llama().text("general.type", "adapter").tensor({"x", {1}, 0, 0}).data_bytes(4).bytes();
  EXPECT_EQ(check(adapter)->task, Task::other);
}

TEST_F(GgufCheck, OtherFormatsAreRefusedByName) {
  EXPECT_NE(refusal("PK\x03\x04 a zip file that is long enough to be read").find("safetensors"),
            std::string::npos);
  EXPECT_NE(refusal("").find("shorter than a header"), std::string::npos);
  std::string bytes = small_gguf("llama", 64);
  bytes[4] = 1;
  EXPECT_NE(refusal(bytes).find("version 1"), std::string::npos);
  bytes[4] = 0;
  bytes[7] = 3;
  EXPECT_NE(refusal(bytes).find("big-endian"), std::string::npos);
}

TEST_F(GgufCheck, MissingFilesFoldersAndPipesAreErrors) {
  EXPECT_EQ(check_gguf(folder_ / "none.gguf").error().code, Code::not_found);
  EXPECT_EQ(check_gguf(folder_.path()).error().code, Code::io);
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(check_gguf(folder_ / "pipe").error().code, Code::io);
}

TEST_F(GgufCheck, EveryTruncationOfAFileIsRefused) {
  const std::string bytes = small_gguf("llama", 64);
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_NE(refusal(bytes.substr(0, length)), "accepted") << length;
  }
  EXPECT_EQ(refusal(bytes), "accepted");
}

TEST_F(GgufCheck, CountsThatTheFileCannotHoldAreRefused) {
  for (const std::uint64_t count : {kHuge, std::uint64_t{1} << 63, std::uint64_t{1} << 32,
                                    std::uint64_t{100'000}, std::uint64_t{1'000}}) {
    std::string bytes = small_gguf("llama", 64);
    bytes.replace(8, 8, number_bytes(count, 8));
    EXPECT_NE(refusal(bytes).find("tensors"), std::string::npos) << count;
    bytes = small_gguf("llama", 64);
    bytes.replace(16, 8, number_bytes(count, 8));
    EXPECT_NE(refusal(bytes).find("keys"), std::string::npos) << count;
  }
  EXPECT_NE(refusal(llama().bytes() + std::string(64, 'x')).find("no tensors"), std::string::npos);
}

TEST_F(GgufCheck, StringsAndArraysThatReachPastTheEndAreRefused) {
  for (const std::uint64_t length : {kHuge, std::uint64_t{1} << 61, std::uint64_t{5'000}}) {
    const std::string text = number_bytes(length, 8) + "abc";
    for (const std::uint32_t type : {0u, 4u, 8u, 12u}) {
      const std::string array = number_bytes(type, 4) + text;
      EXPECT_NE(refusal(llama().raw("k", 9, array).tensor({"x", {1}, 0, 0}).bytes()), "accepted");
    }
    EXPECT_NE(refusal(llama().raw("k", 8, text).tensor({"x", {1}, 0, 0}).bytes()), "accepted");
    EXPECT_NE(
        refusal(
            GgufBuilder().raw("general.architecture", 8, text).tensor({"x", {1}, 0, 0}).bytes()),
        "accepted");
  }
  const std::string nested = number_bytes(9, 4) + number_bytes(1, 8);
  EXPECT_NE(refusal(llama().raw("k", 9, nested).tensor({"x", {1}, 0, 0}).data_bytes(4).bytes())
                .find("unknown type"),
            std::string::npos);
  EXPECT_NE(refusal(llama().raw("k", 13, "").tensor({"x", {1}, 0, 0}).data_bytes(4).bytes())
                .find("unknown type"),
            std::string::npos);
}

TEST_F(GgufCheck, KeysAndTensorNamesAreUniqueAndOfASaneLength) {
  const auto with = [&](GgufBuilder builder) { return refusal(builder.data_bytes(64).bytes()); };
  EXPECT_NE(with(llama().uint32("k", 1).uint32("k", 2).tensor({"x", {1}, 0, 0})).find("twice"),
            std::string::npos);
  EXPECT_NE(with(llama().uint32("", 1).tensor({"x", {1}, 0, 0})).find("empty"), std::string::npos);
  EXPECT_NE(
      with(llama().uint32(std::string(300, 'k'), 1).tensor({"x", {1}, 0, 0})).find("too long"),
      std::string::npos);
  EXPECT_NE(with(llama().tensor({"x", {1}, 0, 0}).tensor({"x", {1}, 0, 32})).find("another one"),
            std::string::npos);
  EXPECT_NE(with(llama().tensor({std::string(128, 't'), {1}, 0, 0})).find("too long"),
            std::string::npos);
  EXPECT_NE(with(GgufBuilder().tensor({"x", {1}, 0, 0})).find("architecture"), std::string::npos);
  EXPECT_NE(with(GgufBuilder().text("general.architecture", "../etc").tensor({"x", {1}, 0, 0}))
                .find("architecture"),
            std::string::npos);
}

TEST_F(GgufCheck, TensorsWhoseSizeOverflowsAreRefused) {
  const auto with = [&](GgufBuilder::Tensor tensor) {
    return refusal(llama().tensor(std::move(tensor)).data_bytes(256).bytes());
  };
  constexpr std::uint64_t k32 = std::uint64_t{1} << 32;
  EXPECT_NE(with({"x", {k32, k32}, 0, 0}), "accepted");
  EXPECT_NE(with({"x", {k32, k32, k32, k32}, 0, 0}), "accepted");
  EXPECT_NE(with({"x", {std::uint64_t{1} << 62}, 0, 0}), "accepted");  // 4 bytes each.
  EXPECT_NE(with({"x", {std::uint64_t{1} << 63}, 24, 0}), "accepted");
  EXPECT_NE(with({"x", {kHuge}, 24, 0}), "accepted");
  EXPECT_NE(with({"x", {0, kHuge}, 24, 0}), "accepted");
  EXPECT_NE(with({"x", {1, 1, 1, 1, 1}, 0, 0}).find("5 dimensions"), std::string::npos);
  EXPECT_NE(with({"x", {33}, 2, 0}).find("whole blocks"), std::string::npos);
  EXPECT_NE(with({"x", {32}, 4, 0}).find("type 4"), std::string::npos);
  EXPECT_NE(with({"x", {32}, 0xFFFFFFFF, 0}).find("type"), std::string::npos);
  EXPECT_EQ(with({"x", {64}, 0, 0}), "accepted");
  EXPECT_NE(with({"x", {65}, 0, 0}).find("it is cut"), std::string::npos);
}

TEST_F(GgufCheck, TensorsOutsideTheFileOrOverEachOtherAreRefused) {
  const auto second_at = [&](std::uint64_t offset) {
    return refusal(
        llama().tensor({"a", {8}, 0, 0}).tensor({"b", {8}, 0, offset}).data_bytes(64).bytes());
  };
  EXPECT_EQ(second_at(32), "accepted");
  for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{31}, std::uint64_t{64},
                                     std::uint64_t{1} << 40, kHuge, kHuge + 15}) {
    EXPECT_NE(second_at(offset).find("is not where"), std::string::npos) << offset;
  }
}

TEST_F(GgufCheck, AnAlignmentThatIsNoPowerOfTwoIsRefused) {
  const auto with = [&](std::uint32_t alignment) {
    return refusal(llama()
                       .uint32("general.alignment", alignment)
                       .tensor({"x", {1}, 0, 0})
                       .data_bytes(64)
                       .bytes());
  };
  EXPECT_EQ(with(32), "accepted");
  for (const std::uint32_t alignment : {0u, 3u, 48u, 0x8000'0000u, 0xFFFF'FFFFu}) {
    EXPECT_NE(with(alignment).find("alignment"), std::string::npos) << alignment;
  }
}

// Whatever the bytes: an answer, in bounded memory, and no crash. Runs under the sanitizers too.
TEST_F(GgufCheck, RandomDamageIsAnsweredAndCostsNoMemory) {
  const std::string whole = small_gguf("llama", 64);
  std::mt19937_64 random(20261123);
  rusage before{};
  ::getrusage(RUSAGE_SELF, &before);
  int accepted = 0;
  for (int round = 0; round < 5'000; ++round) {
    std::string bytes = whole;
    const auto changes = 1 + random() % 4;
    for (std::uint64_t change = 0; change < changes; ++change) {
      const std::size_t at = random() % bytes.size();
      if (random() % 4 == 0 && at + 8 < bytes.size()) {
        bytes.replace(at, 8, number_bytes(random() % 2 == 0 ? kHuge : random(), 8));
      } else {
        bytes[at] = static_cast<char>(random());
      }
    }
    if (check(bytes).ok()) ++accepted;
  }
  rusage after{};
  ::getrusage(RUSAGE_SELF, &after);
  EXPECT_GT(accepted, 0);  // Damage in the weights themselves cannot be seen here.
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss,
            512 * 1024);  // kB; sanitizers keep freed memory for a while.
}

}  // namespace
}  // namespace selvedge::catalog
