// Tests of lost pages: a file that is cut behind its mapping reads as zeros, and is known to.
#include "vectors/lost_pages.h"

#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vectors/derived_file.h"
#include "vectors/fixtures.h"

namespace selvedge::vectors {
namespace {

constexpr std::size_t kPage = 4'096;
constexpr std::size_t kPages = 64;

class LostPagesTest : public testing::Test {
 protected:
  void SetUp() override {
    auto file = DerivedFile::create(path());
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE(file->append(std::string(kPages * kPage, 'x')).ok());
    auto mapped = Mapping::open_private(path(), kPages * kPage, losses_);
    ASSERT_TRUE(mapped.ok()) << mapped.error().message;
    mapping_ = std::move(mapped).value();
  }
  std::filesystem::path path() const { return folder_.path() / "file"; }
  void cut(std::size_t pages) const {
    ASSERT_EQ(::truncate(path().c_str(), static_cast<off_t>(pages * kPage)), 0);
  }
  char at_page(std::size_t page) const { return mapping_->bytes()[page * kPage + 17]; }

  fixtures::TemporaryFolder folder_;
  std::shared_ptr<LossCount> losses_ = std::make_shared<LossCount>();
  std::shared_ptr<const Mapping> mapping_;
};

TEST_F(LostPagesTest, APageBehindTheEndOfACutFileReadsAsZerosAndIsCountedOnce) {
  cut(1);
  EXPECT_FALSE(mapping_->lost().any());
  EXPECT_EQ(at_page(0), 'x');
  EXPECT_EQ(at_page(3), '\0');
  EXPECT_EQ(at_page(3), '\0');
  EXPECT_EQ(losses_->lost, 1U);
  EXPECT_EQ(losses_->made_good, 0U);
  EXPECT_TRUE(mapping_->lost().any(3 * kPage, 1));
  EXPECT_FALSE(mapping_->lost().any(0, 3 * kPage));
  EXPECT_FALSE(mapping_->lost().any(4 * kPage, 60 * kPage));
}

TEST_F(LostPagesTest, WhatIsPutBackIsGoodAndStaysGood) {
  cut(0);
  EXPECT_EQ(at_page(5), '\0');
  ASSERT_TRUE(mapping_->replace(4 * kPage, std::string(4 * kPage, 'r')).ok());
  EXPECT_EQ(at_page(4), 'r');
  EXPECT_EQ(at_page(5), 'r');
  EXPECT_FALSE(mapping_->lost().any());
  EXPECT_TRUE(mapping_->lost().ever());
  EXPECT_EQ(losses_->made_good, losses_->lost);
  mapping_->memory()[5 * kPage + 17] = 'w';
  EXPECT_EQ(at_page(5), 'w');
}

TEST_F(LostPagesTest, WhatNobodyCanSeeAnyMoreCountsAsGood) {
  cut(0);
  EXPECT_EQ(at_page(1), '\0');
  mapping_ = nullptr;
  EXPECT_EQ(losses_->lost, 1U);
  EXPECT_EQ(losses_->made_good, 1U);
}

TEST_F(LostPagesTest, NoWriteIsLostWhereManyThreadsMeetAPageThatIsGone) {
  cut(0);
  std::vector<std::thread> threads;
  for (std::size_t each = 0; each < 4; ++each) {
    threads.emplace_back([this, each] {
      for (std::size_t page = 0; page < kPages; ++page) {
        mapping_->memory()[page * kPage + each] = static_cast<char>('a' + each);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::size_t page = 0; page < kPages; ++page) {
    EXPECT_EQ(mapping_->bytes().substr(page * kPage, 4), "abcd") << page;
  }
  EXPECT_EQ(losses_->lost, kPages);
}

TEST_F(LostPagesTest, AMappingOfSomebodyElseStillEndsTheProcess) {
  const auto access = [this] {
    const int file = ::open(path().c_str(), O_RDONLY | O_CLOEXEC);
    const void* other = ::mmap(nullptr, kPage, PROT_READ, MAP_SHARED, file, 0);
    cut(0);
    std::string copied(kPage, '\0');
    std::memcpy(copied.data(), other, kPage);
  };
  EXPECT_DEATH(access(), "");
}

}  // namespace
}  // namespace selvedge::vectors
