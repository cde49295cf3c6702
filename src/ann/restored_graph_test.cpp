// Tests of graphs and quantizers that were saved: they come back as they were, or not at all.
#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ann/graph.h"
#include "ann/quantizer_bytes.h"

namespace selvedge::ann {
namespace {

constexpr std::size_t kDimensions = 160;
constexpr std::size_t kCount = 400;
constexpr std::size_t kCapacity = 1'000;

class RestoredGraphTest : public testing::Test {
 protected:
  void SetUp() override {
    std::mt19937 random(5);
    std::normal_distribution<float> normal;
    values_.resize(kCount * kDimensions);
    for (float& value : values_) value = normal(random);
    quantizer_ = Quantizer::train(Space::distance, kDimensions, values_, 0.92);
    codes_ = std::make_shared<Codes>(quantizer_, kCapacity);
    codes_->announce(kCount);
    Graph graph(kCapacity, {});
    graph.announce(kCount);
    for (Slot slot = 0; slot < kCount; ++slot) {
      quantizer_->encode(vector(slot), scratch_.query, codes_->head(slot), codes_->rest(slot));
      if (slot == kMissing) continue;
      graph.link(*codes_, slot, quantizer_->coordinate_query(scratch_.query), scratch_);
    }
    rows_.assign(graph.rows().begin(), graph.rows().end());
    held_.assign(kCount, 1);
    held_[kMissing] = 0;
    begun_ = graph.entries()->slots;
    found_ = found(graph);
  }
  std::span<const float> vector(Slot slot) const {
    return std::span(values_).subspan(slot * kDimensions, kDimensions);
  }
  std::vector<Slot> found(const Graph& graph) {
    graph.search(*codes_, quantizer_->query(vector(17), scratch_.query), Graph::Effort::whole(20),
                 scratch_);
    std::vector<Slot> slots;
    for (std::size_t at = 0; at < scratch_.candidates.size(); ++at) {
      slots.push_back(scratch_.candidates.slot(at));
    }
    return slots;
  }
  // Whether a graph is made of what is in rows_, held_ and begun_.
  bool restores() {
    Graph graph(kCapacity, {});
    const auto into = graph.rows_to_fill(held_.size());
    std::copy(rows_.begin(), rows_.end(), into.begin());
    if (!graph.restore(*codes_, held_, begun_)) return false;
    EXPECT_EQ(graph.linked_count(), kCount - 1);
    EXPECT_FALSE(graph.linked(kMissing));
    EXPECT_EQ(found(graph), found_);
    return true;
  }
  std::uint32_t* row(Slot slot) { return rows_.data() + slot * Graph::kRowNumbers; }

  static constexpr Slot kMissing = 13;
  std::vector<float> values_;
  std::shared_ptr<const Quantizer> quantizer_;
  std::shared_ptr<Codes> codes_;
  Graph::Scratch scratch_;
  std::vector<std::uint32_t> rows_;
  std::vector<std::uint8_t> held_;
  std::vector<Slot> begun_;
  std::vector<Slot> found_;
};

TEST_F(RestoredGraphTest, WalksAsBefore) { EXPECT_TRUE(restores()); }

TEST_F(RestoredGraphTest, IsNotMadeOfRowsThatLeadBeyondTheEnd) {
  row(7)[1] = kCount;
  EXPECT_FALSE(restores());
}

TEST_F(RestoredGraphTest, IsNotMadeOfRowsThatLeadToSlotsThatAreNotLinked) {
  row(7)[1] = kMissing;
  EXPECT_FALSE(restores());
}

TEST_F(RestoredGraphTest, IsNotMadeOfRowsThatAreTooLong) {
  row(7)[0] = Graph::kRowNumbers;
  EXPECT_FALSE(restores());
}

TEST_F(RestoredGraphTest, IsNotMadeWhereASlotThatIsNotLinkedHasARow) {
  row(kMissing)[0] = 1;
  row(kMissing)[1] = 1;
  EXPECT_FALSE(restores());
}

TEST_F(RestoredGraphTest, IsNotMadeWithoutSoundEntries) {
  const auto begun = begun_;
  begun_ = {};
  EXPECT_FALSE(restores());
  begun_ = {kCount};
  EXPECT_FALSE(restores());
  begun_ = {kMissing};
  EXPECT_FALSE(restores());
  begun_ = begun;
  EXPECT_TRUE(restores());
}

TEST_F(RestoredGraphTest, IsNotMadeOfCodesWhoseNumbersAreNone) {
  std::fill_n(codes_->head(7) + kBlockBytes - 4, 4, std::uint8_t{0xFF});
  EXPECT_FALSE(restores());
}

TEST_F(RestoredGraphTest, AQuantizerThatWasSavedMakesTheSameCodesAndQueries) {
  const std::string bytes = QuantizerBytes::write(*quantizer_);
  const auto read = QuantizerBytes::read(bytes, Space::distance, kDimensions);
  ASSERT_NE(read, nullptr);
  ASSERT_EQ(read->rest_bytes(), quantizer_->rest_bytes());
  EXPECT_EQ(read->lost_share(), quantizer_->lost_share());
  EXPECT_EQ(read->squares_most(), quantizer_->squares_most());
  std::vector<std::uint8_t> head(kBlockBytes);
  std::vector<std::uint8_t> rest(read->rest_bytes());
  read->encode(vector(3), scratch_.query, head.data(), rest.data());
  EXPECT_TRUE(std::equal(head.begin(), head.end(), codes_->head(3)));
  EXPECT_TRUE(std::equal(rest.begin(), rest.end(), codes_->rest(3)));
  Quantizer::Scratch other;
  const CodeQuery one = quantizer_->query(vector(4), scratch_.query);
  const CodeQuery same = read->query(vector(4), other);
  EXPECT_TRUE(std::equal(one.values, one.values + one.blocks * kBlockCoordinates, same.values));
  EXPECT_EQ(one.rest_spread, same.rest_spread);
}

TEST_F(RestoredGraphTest, AQuantizerIsNotMadeOfOtherBytes) {
  const std::string bytes = QuantizerBytes::write(*quantizer_);
  EXPECT_EQ(QuantizerBytes::read(bytes, Space::product, kDimensions), nullptr);
  EXPECT_EQ(QuantizerBytes::read(bytes, Space::distance, kDimensions - 1), nullptr);
  EXPECT_EQ(QuantizerBytes::read(bytes + "x", Space::distance, kDimensions), nullptr);
  for (std::size_t length = 0; length < bytes.size(); length += 97) {
    EXPECT_EQ(QuantizerBytes::read(std::string_view(bytes).substr(0, length), Space::distance,
                                   kDimensions),
              nullptr);
  }
  std::string broken = bytes;
  std::fill_n(broken.end() - 4, 4, '\xFF');  // Not a number.
  EXPECT_EQ(QuantizerBytes::read(broken, Space::distance, kDimensions), nullptr);
  broken = bytes;
  std::fill_n(broken.begin() + 8, 4, '\xFF');  // The blocks.
  EXPECT_EQ(QuantizerBytes::read(broken, Space::distance, kDimensions), nullptr);
}

}  // namespace
}  // namespace selvedge::ann
