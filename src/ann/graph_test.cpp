// Tests of the graph: what walks find against every slot looked at, while it is changed and walked.
#include "ann/graph.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <functional>
#include <numeric>
#include <random>
#include <set>
#include <thread>

#include <gtest/gtest.h>

namespace selvedge::ann {
namespace {

constexpr std::size_t kDimensions = 24;
constexpr std::size_t kTop = 10;
constexpr Graph::Shape kShape{24, 64, 1.2F};

using Values = std::array<float, kDimensions>;

// Vectors in clusters of different width.
class Clusters {
 public:
  explicit Clusters(unsigned seed) : random_(seed), centres_(20) {
    for (Values& centre : centres_) {
      for (float& each : centre) each = normal_(random_) * 2;
    }
  }
  Values next() {
    const std::size_t at = random_() % centres_.size();
    Values values = centres_[at];
    for (float& each : values) each += normal_(random_) * (at % 2 == 0 ? 0.3F : 1.0F);
    return values;
  }

 private:
  std::mt19937 random_;
  std::normal_distribution<float> normal_;
  std::vector<Values> centres_;
};

std::vector<float> flat(const std::vector<Values>& vectors) {
  std::vector<float> values;
  for (const Values& each : vectors) values.insert(values.end(), each.begin(), each.end());
  return values;
}

// A graph, the vectors of its slots, and which of these live.
class World {
 public:
  World(Space space, std::size_t capacity, const std::vector<Values>& sample)
      : space_(space), vectors_(capacity), lives_(capacity), graph_(capacity, kShape) {
    codes_ =
        std::make_unique<Codes>(Quantizer::train(space, kDimensions, flat(sample), 0.92), capacity);
    codes_->announce(capacity);
  }

  void put(Slot slot, const Values& values) {
    graph_.announce(std::max<std::size_t>(graph_.slot_end(), slot + 1));
    vectors_[slot] = values;
    lives_[slot] = true;
    codes_->quantizer->encode(values, scratch_.query, codes_->head(slot), codes_->rest(slot));
    graph_.link(*codes_, slot, codes_->quantizer->coordinate_query(scratch_.query), scratch_);
  }
  // Takes these out, some rows at a time; `between` is called after each time.
  void take_out(
      const std::vector<Slot>& slots, const std::function<void()>& between = [] {}) {
    for (const Slot slot : slots) lives_[slot] = false;
    graph_.mark_dying(slots);
    const auto end = static_cast<Slot>(graph_.slot_end());
    for (Slot first = 0; first < end; first += 100) {
      graph_.mend_rows(*codes_, first, std::min(first + 100, end), scratch_);
      between();
    }
    graph_.forget(*codes_, slots);
  }

  // What a walk comes home with. Any thread, each with its own scratch.
  std::vector<Slot> walk(const Values& query, std::size_t width, Graph::Scratch& scratch) const {
    graph_.search(*codes_, codes_->quantizer->query(query, scratch.query),
                  Graph::Effort::whole(width), scratch);
    std::vector<Slot> found;
    for (std::size_t at = 0; at < scratch.candidates.size(); ++at) {
      found.push_back(scratch.candidates.slot(at));
    }
    return found;
  }
  double nearness(const Values& query, Slot slot) const {
    double sum = 0;
    for (std::size_t at = 0; at < kDimensions; ++at) {
      const double a = query[at];
      const double b = vectors_[slot][at];
      sum += space_ == Space::product ? a * b : -(a - b) * (a - b);
    }
    return sum;
  }
  // The share of the true nearest living ones that walks find.
  double recall(const std::vector<Values>& queries, std::size_t width) {
    std::size_t found = 0;
    for (const Values& query : queries) {
      std::vector<Slot> living;
      for (Slot slot = 0; slot < lives_.size(); ++slot) {
        if (lives_[slot]) living.push_back(slot);
      }
      std::partial_sort(living.begin(), living.begin() + kTop, living.end(),
                        [&](Slot a, Slot b) { return nearness(query, a) > nearness(query, b); });
      const std::vector<Slot> walked = walk(query, width, scratch_);
      for (std::size_t at = 0; at < kTop; ++at) {
        found += std::find(walked.begin(), walked.end(), living[at]) != walked.end() ? 1U : 0U;
      }
    }
    return static_cast<double>(found) / static_cast<double>(kTop * queries.size());
  }
  // How many living slots of this very vector a walk for so many finds.
  std::size_t equal_found(const Values& values, std::size_t width) {
    const auto found = walk(values, width, scratch_);
    return static_cast<std::size_t>(std::count_if(found.begin(), found.end(), [&](Slot slot) {
      return lives_[slot] && vectors_[slot] == values;
    }));
  }
  const Values& vector(Slot slot) const { return vectors_[slot]; }
  Graph& graph() { return graph_; }
  const Codes& codes() const { return *codes_; }
  Graph::Scratch& scratch() { return scratch_; }

 private:
  Space space_;
  std::vector<Values> vectors_;
  std::vector<bool> lives_;
  std::unique_ptr<Codes> codes_;
  Graph graph_;
  Graph::Scratch scratch_;
};

std::vector<Values> some(Clusters& clusters, std::size_t count) {
  std::vector<Values> values(count);
  for (Values& each : values) each = clusters.next();
  return values;
}

TEST(Graph, AWalkFindsNearlyAllOfWhatLookingAtEverySlotDoes) {
  for (const Space space : {Space::distance, Space::product}) {
    Clusters clusters(1);
    const auto vectors = some(clusters, 1'500);
    World world(space, vectors.size(), vectors);
    for (Slot slot = 0; slot < vectors.size(); ++slot) world.put(slot, vectors[slot]);
    EXPECT_EQ(world.graph().linked_count(), vectors.size());
    const auto queries = some(clusters, 100);
    EXPECT_GE(world.recall(queries, 40), 0.95) << static_cast<int>(space);
    EXPECT_GE(world.recall(queries, 100), 0.99) << static_cast<int>(space);
  }
}

TEST(Graph, OfNoneAndOfOneSlotIsWalkedToo) {
  Clusters clusters(2);
  const auto vectors = some(clusters, 50);
  World world(Space::distance, 10, vectors);
  EXPECT_TRUE(world.walk(vectors[0], 10, world.scratch()).empty());
  world.put(7, vectors[0]);
  EXPECT_EQ(world.walk(vectors[1], 10, world.scratch()), std::vector<Slot>{7});
  world.take_out({7});
  EXPECT_TRUE(world.walk(vectors[1], 10, world.scratch()).empty());
  world.put(7, vectors[2]);
  EXPECT_EQ(world.walk(vectors[1], 10, world.scratch()), std::vector<Slot>{7});
}

TEST(Graph, RowsHaveNeitherTheirOwnSlotNorOneTwiceNorAForgottenOne) {
  Clusters clusters(3);
  const auto vectors = some(clusters, 600);
  World world(Space::distance, vectors.size(), vectors);
  for (Slot slot = 0; slot < vectors.size(); ++slot) world.put(slot, vectors[slot]);
  std::vector<Slot> dead;
  for (Slot slot = 0; slot < vectors.size(); slot += 3) dead.push_back(slot);
  world.take_out(dead);
  EXPECT_EQ(world.graph().linked_count(), vectors.size() - dead.size());
  const auto rows = world.graph().rows();
  for (Slot slot = 0; slot < vectors.size(); ++slot) {
    const auto row = rows.subspan(slot * Graph::kRowNumbers, Graph::kRowNumbers);
    ASSERT_LE(row[0], Graph::kNeighboursMost);
    if (slot % 3 == 0) {
      ASSERT_EQ(row[0], 0U);
      ASSERT_FALSE(world.graph().linked(slot));
      continue;
    }
    ASSERT_TRUE(world.graph().linked(slot));
    ASSERT_GT(row[0], 0U) << slot;
    std::set<Slot> neighbours;
    for (const Slot each : row.subspan(1, row[0])) {
      ASSERT_NE(each, slot);
      ASSERT_NE(each % 3, 0U);
      ASSERT_TRUE(neighbours.insert(each).second);
    }
  }
}

// Half of all is deleted and written anew, with other vectors, ten times over, while others search.
TEST(Graph, ChurnUnderSearchesKeepsRecallAndNeverShowsAForgottenSlot) {
  constexpr std::size_t kSlots = 500;
  Clusters clusters(4);
  World world(Space::distance, kSlots, some(clusters, kSlots));
  for (Slot slot = 0; slot < kSlots; ++slot) world.put(slot, clusters.next());
  const auto queries = some(clusters, 100);
  // Odd while the slot is forgotten.
  std::deque<std::atomic<unsigned>> turns(kSlots);
  std::atomic<bool> over{false};
  std::array<std::atomic<std::uint64_t>, 2> rounds{};
  std::atomic<std::size_t> wrong{0};
  const auto search = [&](std::size_t number) {
    Graph::Scratch scratch;
    std::vector<unsigned> before(kSlots);
    for (std::size_t at = number; !over; ++at) {
      for (Slot slot = 0; slot < kSlots; ++slot) before[slot] = turns[slot];
      for (const Slot found : world.walk(queries[at % queries.size()], 30, scratch)) {
        if (found >= kSlots || (before[found] % 2 == 1 && turns[found] == before[found])) ++wrong;
      }
      ++rounds[number];
    }
  };
  std::thread first(search, 0);
  std::thread second(search, 1);
  std::vector<Slot> all(kSlots);
  for (Slot slot = 0; slot < kSlots; ++slot) all[slot] = slot;
  std::mt19937 random(5);
  for (int cycle = 0; cycle < 10; ++cycle) {
    std::shuffle(all.begin(), all.end(), random);
    const std::vector<Slot> dead(all.begin(), all.begin() + kSlots / 2);
    world.take_out(dead);
    for (const Slot slot : dead) ++turns[slot];
    // As owners do: a slot is given anew once the searches that were under way have ended.
    for (auto& each : rounds) {
      for (const std::uint64_t seen = each; each == seen;) std::this_thread::yield();
    }
    for (const Slot slot : dead) {
      ++turns[slot];
      world.put(slot, clusters.next());
    }
  }
  over = true;
  first.join();
  second.join();
  EXPECT_EQ(wrong, 0U);
  World fresh(Space::distance, kSlots, some(clusters, kSlots));
  for (const Slot slot : all) fresh.put(slot, world.vector(slot));
  EXPECT_GE(world.recall(queries, 20), fresh.recall(queries, 20) - 0.005);
}

TEST(Graph, OfAllowedSlotsAWalkFindsNearlyAllAndAListTheSameWithoutOne) {
  Clusters clusters(9);
  const auto vectors = some(clusters, 900);
  World world(Space::distance, vectors.size(), vectors);
  std::vector<Slot> odd;
  for (Slot slot = 0; slot < vectors.size(); ++slot) {
    world.put(slot, vectors[slot]);
    if (slot % 2 == 1) odd.push_back(slot);
  }
  const Graph::Allowed allowed{nullptr, [](const void*, Slot slot) { return slot % 2 == 1; }};
  Graph::Scratch& scratch = world.scratch();
  std::size_t walked = 0;
  std::size_t listed = 0;
  for (const Values& query : some(clusters, 100)) {
    std::partial_sort(odd.begin(), odd.begin() + kTop, odd.end(), [&](Slot a, Slot b) {
      return world.nearness(query, a) > world.nearness(query, b);
    });
    const auto count = [&] {
      std::size_t right = 0;
      for (std::size_t at = 0; at < scratch.allowed.size(); ++at) {
        EXPECT_EQ(scratch.allowed.slot(at) % 2, 1U);
        const auto end = odd.begin() + kTop;
        right += std::find(odd.begin(), end, scratch.allowed.slot(at)) != end ? 1U : 0U;
      }
      return right;
    };
    const CodeQuery code = world.codes().quantizer->query(query, scratch.query);
    ASSERT_TRUE(world.graph().search_allowed(world.codes(), code, Graph::Effort::whole(40), allowed,
                                             900, scratch));
    walked += count();
    Graph::search_listed(world.codes(), code, 40, 3, odd, scratch);
    ASSERT_EQ(scratch.allowed.size(), 40U);
    listed += count();
    world.graph().search_allowed(world.codes(), code, Graph::Effort::whole(40), allowed, 3,
                                 scratch);
    ASSERT_LE(scratch.hops, 3U);
  }
  EXPECT_GE(walked, 950U);
  EXPECT_GE(listed, walked - 5);
  EXPECT_GE(listed, 990U);
}

// Writes the codes of so many vectors, without a graph, and returns their slots.
std::vector<Slot> write_codes(Codes& codes, std::size_t count, Graph::Scratch& scratch,
                              const std::function<std::span<const float>(Slot)>& vector_of) {
  codes.announce(count);
  std::vector<Slot> slots(count);
  std::iota(slots.begin(), slots.end(), Slot{0});
  for (const Slot slot : slots) {
    codes.quantizer->encode(vector_of(slot), scratch.query, codes.head(slot), codes.rest(slot));
  }
  return slots;
}

// Their heads are judged 16,384 at a time.
TEST(Graph, AListMayBeLong) {
  Clusters clusters(11);
  const auto vectors = some(clusters, 40'000);
  Codes codes(Quantizer::train(Space::distance, kDimensions, flat(some(clusters, 500)), 0.92),
              vectors.size());
  Graph::Scratch scratch;
  const std::vector<Slot> slots = write_codes(codes, vectors.size(), scratch,
                                              [&](Slot slot) { return std::span(vectors[slot]); });
  std::size_t found = 0;
  for (std::size_t at = 0; at < 200; ++at) {
    const auto own = static_cast<Slot>(at * 200);
    const CodeQuery code = codes.quantizer->query(vectors[own], scratch.query);
    Graph::search_listed(codes, code, 10, 3, slots, scratch);
    ASSERT_EQ(scratch.allowed.size(), 10U);
    for (std::size_t each = 0; each < 10; ++each) found += scratch.allowed.slot(each) == own;
  }
  EXPECT_GE(found, 198U);
}

// Rows of the query's own cluster have rests like the query's, which raise all their scores by more
// than chance would. What the heads of further ones must reach is told by the nearest found so far.
TEST(Graph, OfClustersTheNearestAreFoundInALongListToo) {
  constexpr std::size_t kWide = 256;
  constexpr std::size_t kRows = 36'000;
  constexpr std::size_t kClusters = 200;
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  std::vector<float> middles(kClusters * kWide);
  for (float& each : middles) each = 2 * normal(random);
  const auto any = [&] {
    const float* middle = middles.data() + random() % kClusters * kWide;
    std::vector<float> values(kWide);
    for (std::size_t at = 0; at < kWide; ++at) values[at] = middle[at] + normal(random);
    return values;
  };
  std::vector<float> rows;
  rows.reserve(kRows * kWide);
  for (std::size_t row = 0; row < kRows; ++row) {
    const std::vector<float> values = any();
    rows.insert(rows.end(), values.begin(), values.end());
  }
  const auto row = [&](std::size_t at) { return std::span(rows).subspan(at * kWide, kWide); };
  const auto sample = std::span(rows).first(2'000 * kWide);
  Codes codes(Quantizer::train(Space::distance, kWide, sample, 0.92), kRows);
  Graph::Scratch scratch;
  const std::vector<Slot> slots = write_codes(codes, kRows, scratch, row);
  std::size_t right = 0;
  for (std::size_t asked = 0; asked < 30; ++asked) {
    const std::vector<float> query = any();
    const CodeQuery code = codes.quantizer->query(query, scratch.query);
    Graph::search_listed(codes, code, 100, 3, slots, scratch);
    std::vector<float> far(kRows);
    for (std::size_t at = 0; at < kRows; ++at) {
      for (std::size_t each = 0; each < kWide; ++each) {
        const float apart = row(at)[each] - query[each];
        far[at] += apart * apart;
      }
    }
    std::vector<Slot> nearest = slots;
    const auto end = nearest.begin() + kTop;
    std::partial_sort(nearest.begin(), end, nearest.end(),
                      [&](Slot a, Slot b) { return far[a] < far[b]; });
    for (std::size_t each = 0; each < scratch.allowed.size(); ++each) {
      right += std::find(nearest.begin(), end, scratch.allowed.slot(each)) != end ? 1U : 0U;
    }
  }
  EXPECT_GE(right, 30 * kTop * 96 / 100);
}

TEST(Graph, AListMayBeShort) {
  Clusters clusters(13);
  const auto vectors = some(clusters, 600);
  Codes codes(Quantizer::train(Space::distance, kDimensions, flat(vectors), 0.92), vectors.size());
  Graph::Scratch scratch;
  const std::vector<Slot> slots = write_codes(codes, vectors.size(), scratch,
                                              [&](Slot slot) { return std::span(vectors[slot]); });
  for (std::size_t count = 0; count <= slots.size(); count += count < 150 ? 1 : 50) {
    const auto own = static_cast<Slot>(count / 2);
    const CodeQuery code = codes.quantizer->query(vectors[own], scratch.query);
    Graph::search_listed(codes, code, 10, 3, {slots.data(), count}, scratch);
    ASSERT_EQ(scratch.allowed.size(), std::min<std::size_t>(count, 10));
    std::set<Slot> found;
    for (std::size_t each = 0; each < scratch.allowed.size(); ++each) {
      EXPECT_LT(scratch.allowed.slot(each), count);
      EXPECT_TRUE(found.insert(scratch.allowed.slot(each)).second);
    }
    EXPECT_TRUE(count == 0 || found.count(own) == 1) << count;
  }
}

// Most of an index may be the same text.
TEST(Graph, EqualVectorsAreAllFoundAndDoNotHideTheRest) {
  for (const std::size_t copies : {std::size_t{200}, std::size_t{2'000}}) {
    Clusters clusters(7);
    auto vectors = some(clusters, 400 + copies);
    const Values equal = vectors[0];
    const std::size_t step = vectors.size() / copies;
    for (std::size_t at = 0; at < copies; ++at) vectors[at * step] = equal;
    World world(Space::distance, vectors.size(), vectors);
    for (Slot slot = 0; slot < vectors.size(); ++slot) world.put(slot, vectors[slot]);
    EXPECT_EQ(world.equal_found(equal, copies), copies);
    std::size_t others = 0;
    std::size_t found = 0;
    for (Slot slot = 0; slot < vectors.size(); ++slot) {
      if (vectors[slot] == equal) continue;
      const auto walked = world.walk(vectors[slot], 20, world.scratch());
      found += std::find(walked.begin(), walked.end(), slot) != walked.end() ? 1U : 0U;
      ++others;
    }
    EXPECT_GE(found, others * 99 / 100);
  }
}

// Of equal vectors half die again and again, also those that others lead to, and new ones come
// while the rows are mended.
void equal_vectors_come_and_go(unsigned seed) {
  constexpr std::size_t kCopies = 300;
  constexpr std::size_t kSlots = 1'000;
  Clusters clusters(seed);
  auto vectors = some(clusters, kSlots);
  const Values equal = vectors[0];
  World world(Space::distance, kSlots, vectors);
  std::vector<Slot> living;
  std::vector<Slot> free;
  for (Slot slot = 0; slot < kSlots; ++slot) {
    if (slot % 2 == 1) {
      world.put(slot, vectors[slot]);
    } else if (living.size() < kCopies) {
      world.put(slot, equal);
      living.push_back(slot);
    } else {
      free.push_back(slot);
    }
  }
  std::mt19937 random(seed);
  for (int cycle = 0; cycle < 10; ++cycle) {
    std::shuffle(living.begin(), living.end(), random);
    const std::vector<Slot> dying(living.begin() + kCopies / 2, living.end());
    living.resize(kCopies / 2);
    world.take_out(dying, [&] {
      world.put(free.back(), equal);
      living.push_back(free.back());
      free.pop_back();
    });
    free.insert(free.end(), dying.begin(), dying.end());
    EXPECT_EQ(world.equal_found(equal, living.size()), living.size()) << cycle;
    while (living.size() < kCopies) {
      world.put(free.back(), equal);
      living.push_back(free.back());
      free.pop_back();
    }
    EXPECT_EQ(world.equal_found(equal, kCopies), kCopies) << cycle;
  }
  for (const auto& row = world.graph().rows(); const Slot slot : free) {
    ASSERT_EQ(row[slot * Graph::kRowNumbers], 0U);
    for (Slot other = 0; other < kSlots; ++other) {
      const auto leads =
          row.subspan(other * Graph::kRowNumbers + 1, row[other * Graph::kRowNumbers]);
      ASSERT_EQ(std::count(leads.begin(), leads.end(), slot), 0) << other;
    }
  }
}

TEST(Graph, EqualVectorsStayFoundWhileSomeOfThemComeAndGo) {
  for (unsigned seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE(seed);
    equal_vectors_come_and_go(seed);
  }
}

// Each of the dying is looked at once, not once for each row that leads to their chain: this would
// take minutes.
TEST(Graph, OfManyEqualVectorsNearlyAllDie) {
  constexpr std::size_t kCopies = 6'000;
  constexpr std::size_t kLeft = 20;
  Clusters clusters(9);
  auto vectors = some(clusters, 400 + kCopies);
  const Values equal = vectors[0];
  World world(Space::distance, vectors.size(), vectors);
  for (Slot slot = 0; slot < vectors.size(); ++slot) {
    world.put(slot, slot < kCopies ? equal : vectors[slot]);
  }
  const auto others_found = [&] {
    std::size_t found = 0;
    for (Slot slot = kCopies; slot < vectors.size(); ++slot) {
      const auto walked = world.walk(vectors[slot], 20, world.scratch());
      found += std::find(walked.begin(), walked.end(), slot) != walked.end() ? 1U : 0U;
    }
    return found;
  };
  EXPECT_GE(others_found(), 396U);
  std::vector<Slot> dying;
  for (Slot slot = 0; slot < kCopies; ++slot) {
    if (slot % (kCopies / kLeft) != 7) dying.push_back(slot);
  }
  world.take_out(dying);
  EXPECT_EQ(world.equal_found(equal, kLeft), kLeft);
  EXPECT_GE(others_found(), 396U);
}

TEST(Graph, AnIndexThatLostItsEntriesIsStillFoundWhole) {
  Clusters clusters(8);
  const auto vectors = some(clusters, 300);
  World world(Space::distance, vectors.size(), vectors);
  for (Slot slot = 0; slot < vectors.size(); ++slot) world.put(slot, vectors[slot]);
  world.take_out(world.graph().entries()->slots);
  EXPECT_FALSE(world.graph().entries()->slots.empty());
  const auto queries = some(clusters, 50);
  EXPECT_GE(world.recall(queries, 40), 0.95);
}

}  // namespace
}  // namespace selvedge::ann
