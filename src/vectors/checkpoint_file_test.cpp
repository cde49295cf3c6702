// Tests of the checkpoint file: what was written is read, and nothing else is.
#include "vectors/checkpoint_file.h"

#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "vectors/fixtures.h"

namespace selvedge::vectors {
namespace {

class CheckpointFileTest : public testing::Test {
 protected:
  void SetUp() override {
    auto writer = CheckpointWriter::create(path_);
    ASSERT_TRUE(writer.ok()) << writer.error().message;
    ASSERT_TRUE(writer->add("small", "four").ok());
    ASSERT_TRUE(writer->add("empty", "").ok());
    ASSERT_TRUE(writer->begin("large").ok());
    for (int part = 0; part < 3; ++part) {
      large_ += std::string(700'000, static_cast<char>('a' + part));
      ASSERT_TRUE(writer->append(std::string_view(large_).substr(large_.size() - 700'000)).ok());
    }
    auto identity = writer->finish({7, 41, 3, 768, Metric::euclidean});
    ASSERT_TRUE(identity.ok()) << identity.error().message;
    identity_ = *identity;
    std::ifstream file(path_, std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(file), {});
  }
  // Whether it opens; if it does, all sections must be those that were written.
  bool opens(std::string_view bytes) const {
    const auto file = CheckpointFile::read(bytes, identity_);
    if (!file.ok()) {
      EXPECT_EQ(file.error().code, Code::corrupt_data);
      return false;
    }
    EXPECT_EQ((*file)->section("small"), "four");
    EXPECT_EQ((*file)->section("empty"), "");
    EXPECT_EQ((*file)->section("large"), large_);
    return true;
  }

  fixtures::TemporaryFolder folder_;
  const std::filesystem::path path_ = folder_.path() / "file";
  std::string large_;
  std::string bytes_;
  std::uint64_t identity_ = 0;
};

TEST_F(CheckpointFileTest, GivesBackHeaderAndSectionsAtAlignedPlaces) {
  const auto file = CheckpointFile::open(path_, identity_);
  ASSERT_TRUE(file.ok()) << file.error().message;
  const CheckpointHeader& header = (*file)->header();
  EXPECT_EQ(header.serial, 7U);
  EXPECT_EQ(header.mutation, 41U);
  EXPECT_EQ(header.generation, 3U);
  EXPECT_EQ(header.dimensions, 768U);
  EXPECT_EQ(header.metric, Metric::euclidean);
  EXPECT_EQ((*file)->section("large"), large_);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>((*file)->section("large")->data()) % 4'096, 0U);
  EXPECT_EQ((*file)->section("none"), std::nullopt);
  EXPECT_TRUE(opens(bytes_));
}

TEST_F(CheckpointFileTest, AFileOfAnotherIdentityDoesNotOpen) {
  EXPECT_FALSE(CheckpointFile::open(path_, identity_ + 1).ok());
  EXPECT_TRUE(CheckpointFile::open(path_, std::nullopt).ok());
  EXPECT_EQ(CheckpointFile::open(folder_.path() / "none", identity_).error().code, Code::not_found);
}

TEST_F(CheckpointFileTest, CutShortItNeverOpens) {
  for (std::size_t length = 0; length < bytes_.size(); length += 64) {
    ASSERT_FALSE(opens(std::string_view(bytes_).substr(0, length))) << length;
  }
  EXPECT_FALSE(opens(bytes_ + "x"));
}

TEST_F(CheckpointFileTest, AFlippedBitIsFoundOrHarmless) {
  // Two of the large section's blocks are verified each time: few places in it will do.
  std::size_t refused = 0;
  std::size_t tried = 0;
  for (std::size_t at = 0; at < bytes_.size(); at += at < 20'000 ? 61 : 30'011, ++tried) {
    std::string flipped = bytes_;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << (at % 8)));
    refused += opens(flipped) ? 0U : 1U;
  }
  EXPECT_GT(refused, tried / 5);
  constexpr std::size_t kTableBytes = 3 * (4 + 5 + 8 + 8) + 4 * 8;
  for (std::size_t at = bytes_.size() - kTableBytes; at < bytes_.size(); ++at) {
    std::string flipped = bytes_;
    flipped[at] = static_cast<char>(flipped[at] ^ 16);
    ASSERT_FALSE(opens(flipped)) << at;
  }
}

}  // namespace
}  // namespace selvedge::vectors
