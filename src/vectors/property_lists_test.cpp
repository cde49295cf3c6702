// Tests of property lists: what they and the columns say of random filters while rows, slots and
// metadata indexes change, against a plain evaluator of plain values.
#include "vectors/property_lists.h"

#include <array>
#include <atomic>
#include <cstdlib>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include <gtest/gtest.h>

#include "vectors/allowed_rows.h"
#include "vectors/plain_filter.h"
#include "vectors/property_value.h"
#include "vectors/rows.h"

namespace selvedge::vectors {
namespace {

constexpr std::size_t kDimensions = 2;
const std::vector<std::string> kProperties = {"p", "q", "r"};

// Rows with metadata indexes, written like those of an index; beside them the same in plain values.
class Life {
 public:
  struct Vector {
    std::optional<std::string> partition;
    std::array<PropertyValue, 3> raw;  // Of kProperties.
    MutationNumber written = 0;
  };
  using Content = std::map<std::string, std::shared_ptr<const Vector>>;
  struct Seen {
    std::shared_ptr<const Snapshot> snapshot;
    Content content;
  };

  Life(std::uint64_t seed, std::size_t ids) : random_(seed), ids_(ids) {}

  plain::Random& random() { return random_; }
  bool chance(unsigned one_in) { return random_() % one_in == 0; }

  void write(std::size_t count) {
    ++mutation_;
    for (; count > 0; --count) put(std::to_string(random_() % ids_));
  }
  void erase(std::size_t count) {
    ++mutation_;
    for (; count > 0; --count) {
      const std::string id = std::to_string(random_() % ids_);
      rows_.erase(id, mutation_);
      content_.erase(id);
    }
  }
  void make_index() {
    ++mutation_;
    const std::string& property = kProperties[random_() % 3];
    const auto type = static_cast<PropertyType>(random_() % 3);
    const MetadataIndex made{property, type, chance(3) ? mutation_ : 0};
    const auto same = std::find_if(indexes_.begin(), indexes_.end(),
                                   [&](const auto& each) { return each.property == property; });
    const auto at = static_cast<std::size_t>(same - indexes_.begin());
    if (same == indexes_.end()) indexes_.emplace_back();
    indexes_[at] = made;
    Rows::Draft draft = rows_.draft_column(type);
    for (const auto& [id, vector] : content_) {
      rows_.set_drafted(draft, id, indexed(made, *vector));
    }
    rows_.install_column(std::move(draft), at);
    properties_ = std::make_shared<const Properties>(indexes_);
  }
  void drop_index() {
    if (indexes_.empty()) return;
    ++mutation_;
    const std::size_t at = random_() % indexes_.size();
    indexes_.erase(indexes_.begin() + static_cast<std::ptrdiff_t>(at));
    rows_.remove_column(at);
    properties_ = std::make_shared<const Properties>(indexes_);
  }
  Seen publish() {
    if (!chance(4)) rows_.free(rows_.take_dead());
    return {rows_.snapshot({content_.size(), mutation_, 0}, properties_), content_};
  }
  void forget_listed(const PropertyLists& lists) { rows_.forget_listed(lists.log_end()); }

  static PropertyValue indexed(const MetadataIndex& index, const Vector& vector) {
    if (vector.written <= index.written_after) return {};
    const auto at = std::find(kProperties.begin(), kProperties.end(), index.property);
    return as_type(index.type, vector.raw[static_cast<std::size_t>(at - kProperties.begin())]);
  }

 private:
  void put(const std::string& id) {
    auto made = std::make_shared<Vector>();
    if (chance(2)) made->partition = "n" + std::to_string(random_() % 5);
    for (PropertyValue& raw : made->raw) raw = plain::random_value(random_);
    made->written = mutation_;
    std::vector<PropertyValue> values;
    for (const MetadataIndex& index : indexes_) values.push_back(indexed(index, *made));
    rows_.put(id, std::array<float, kDimensions>{1, 0}, made->partition, mutation_, values);
    content_[id] = std::move(made);
  }

  plain::Random random_;
  std::size_t ids_;
  Rows rows_{kDimensions};
  MutationNumber mutation_ = 0;
  std::vector<MetadataIndex> indexes_;
  std::shared_ptr<const Properties> properties_ = std::make_shared<const Properties>();
  Content content_;
};

// The ids that come out of the sets; each condition on AllowedRows is checked on the way.
std::set<std::string> ids_of(const Snapshot& snapshot, const AllowedRows& allowed) {
  std::set<std::string> ids;
  const auto listed = allowed.listed != nullptr ? allowed.listed->slots() : std::span<const Slot>();
  for (const Slot slot : listed) {
    EXPECT_LT(slot, snapshot.slot_end);
    if (!snapshot.sees(slot)) continue;
    const Place place = snapshot.place(slot);
    EXPECT_TRUE(ids.insert(place.chunk().id(place.row)).second);
  }
  EXPECT_TRUE(std::is_sorted(allowed.unlisted.begin(), allowed.unlisted.end()));
  for (const Slot slot : allowed.unlisted) {
    EXPECT_TRUE(snapshot.sees(slot));
    const Place place = snapshot.place(slot);
    EXPECT_TRUE(ids.insert(place.chunk().id(place.row)).second) << "in both";
  }
  const SeenSlots both = seen_slots(snapshot, allowed);
  const std::span<const Slot> seen = both.all();
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  EXPECT_EQ(seen.size(), ids.size());
  return ids;
}

struct Tally {
  std::size_t cases = 0;
  std::size_t by_lists = 0;
  std::size_t partly_listed = 0;  // By lists, but not of every metadata index.
  std::size_t given_anew = 0;     // By lists, of which a slot has another row by now.
  std::size_t unlisted_only = 0;  // By lists, and all that passed came in since.
  std::size_t remembered = 0;     // By lists, which had been asked the same before.
  std::size_t passed = 0;
  std::size_t looked_at = 0;
};

void count_case(const Snapshot& snapshot, const PropertyLists* lists, const AllowedRows& allowed,
                Tally& tally) {
  ++tally.cases;
  if (lists == nullptr || !lists->serves(snapshot)) return;
  ++tally.by_lists;
  const auto& indexes = snapshot.properties->indexes();
  const bool all_listed = std::all_of(indexes.begin(), indexes.end(), [&](const auto& index) {
    return lists->find(index) != nullptr;
  });
  tally.partly_listed += all_listed ? 0 : 1;
  bool given_anew = false;
  for (std::uint64_t at = lists->log_end(); at < snapshot.unlisted.end(); ++at) {
    given_anew = given_anew || lists->all().contains(snapshot.unlisted.at(at).slot);
  }
  tally.given_anew += given_anew ? 1 : 0;
  tally.unlisted_only +=
      allowed.count_most() == allowed.unlisted.size() && !allowed.unlisted.empty() ? 1 : 0;
}

// The filters that were asked last, and one more.
using Asked = std::deque<Filter>;

// A new one, or one of the last, which rows, lists and metadata indexes may have changed since.
Filter next_filter(Life& life, Asked& asked) {
  if (!asked.empty() && life.chance(2)) return asked[life.random()() % asked.size()];
  asked.push_back(plain::random_filter(life.random(), kProperties, 2));
  if (asked.size() > 2 * RecentFilters::kMost) asked.pop_front();
  return asked.back();
}

void check_query(Life& life, const Life::Seen& seen, const PropertyLists* lists, Asked& asked,
                 Tally& tally) {
  const Snapshot& snapshot = *seen.snapshot;
  const Filter filter = next_filter(life, asked);
  const CompiledFilter compiled(filter, *snapshot.properties);
  Restriction restriction;
  if (!life.chance(8)) restriction.filter = &compiled;
  std::optional<std::string> partition;
  if (life.chance(3)) {
    partition = "n" + std::to_string(life.random()() % 5);
    const auto number = snapshot.partitions->numbers.find(*partition);
    if (number == snapshot.partitions->numbers.end()) return;
    restriction.partition = number->second;
  }
  const auto& indexes = snapshot.properties->indexes();
  std::set<std::string> wanted;
  for (const auto& [id, vector] : seen.content) {
    if (partition && vector->partition != partition) continue;
    const bool passes = restriction.filter == nullptr ||
                        plain::passes(filter, indexes, [&, &held = *vector](std::size_t at) {
                          return Life::indexed(indexes[at], held);
                        });
    if (passes) wanted.insert(id);
  }
  const AllowedRows allowed = allowed_rows(snapshot, lists, restriction);
  ASSERT_EQ(ids_of(snapshot, allowed), wanted);
  ASSERT_GE(allowed.count_most(), wanted.size());
  count_case(snapshot, lists, allowed, tally);
  const AllowedRows again = allowed_rows(snapshot, lists, restriction);
  ASSERT_EQ(ids_of(snapshot, again), wanted);
  tally.remembered += again.listed != nullptr && again.listed == allowed.listed ? 1 : 0;
  tally.passed += wanted.size();
  tally.looked_at += seen.content.size();
}

// One index from its first write on, for `steps` mutations and `queries` after each.
void live(std::uint64_t seed, std::size_t ids, std::size_t steps, std::size_t queries,
          Tally& tally) {
  Life life(seed, ids);
  std::deque<Life::Seen> seen;
  std::shared_ptr<const PropertyLists> lists;
  Asked filters;
  for (std::size_t at = 0; at < 3; ++at) life.make_index();
  life.write(ids / 2);
  for (std::size_t step = 0; step < steps; ++step) {
    switch (life.random()() % 16) {
      case 0:
        life.make_index();
        break;
      case 1:
        life.drop_index();
        break;
      case 2:
      case 3:
      case 4:
        life.erase(1 + life.random()() % (ids / 8));
        break;
      default:
        life.write(1 + life.random()() % (ids / 4));
    }
    seen.push_back(life.publish());
    if (seen.size() > 4) seen.erase(seen.begin() + static_cast<std::ptrdiff_t>(step % 4));
    if (life.chance(6)) {
      lists = PropertyLists::build(*seen[life.random()() % seen.size()].snapshot);
      if (life.chance(2)) life.forget_listed(*lists);
    } else if (lists != nullptr && life.chance(10)) {
      const auto& base = lists->base() == nullptr ? lists : lists->base();
      const Snapshot& later = *seen[life.random()() % seen.size()].snapshot;
      if (base->serves(later)) lists = PropertyLists::extend(base, later);
    }
    for (std::size_t query = 0; query < queries; ++query) {
      const Life::Seen& asked = life.chance(3) ? seen[life.random()() % seen.size()] : seen.back();
      check_query(life, asked, lists.get(), filters, tally);
      if (testing::Test::HasFatalFailure()) {
        FAIL() << "seed " << seed << ", step " << step;
      }
    }
  }
}

// SELVEDGE_FILTER_CASES=1000000 in the environment runs so many.
TEST(PropertyLists, AgreeWithAPlainEvaluatorWhateverHappensToTheRows) {
  const char* asked = std::getenv("SELVEDGE_FILTER_CASES");
  const std::size_t cases = asked == nullptr ? 20'000 : std::strtoull(asked, nullptr, 10);
  Tally tally;
  for (std::uint64_t seed = 1; tally.cases < cases && !testing::Test::HasFatalFailure(); ++seed) {
    live(seed, 8 + seed % 40, 60, 8, tally);
    // Enough rows for ready sets, several chunks and cuts.
    if (seed % 16 == 0) live(seed, 6'000, 12, 4, tally);
  }
  EXPECT_GT(tally.by_lists, tally.cases / 3);
  EXPECT_GT(tally.partly_listed, tally.cases / 20);
  EXPECT_GT(tally.given_anew, tally.cases / 50);
  EXPECT_GT(tally.unlisted_only, tally.cases / 200);
  EXPECT_GT(tally.remembered, tally.cases / 10);
  EXPECT_GT(tally.passed, tally.looked_at / 10);  // Else little was told apart.
  EXPECT_LT(tally.passed, tally.looked_at * 9 / 10);
}

TEST(PropertyLists, AreBuiltAnewWhenTheyWouldServeBetter) {
  Life life(1, 100'000);
  life.make_index();
  EXPECT_FALSE(PropertyLists::wanted(nullptr, *life.publish().snapshot));
  life.write(20'000);
  const auto first = life.publish();
  EXPECT_TRUE(PropertyLists::wanted(nullptr, *first.snapshot));
  const auto lists = PropertyLists::build(*first.snapshot);
  EXPECT_FALSE(PropertyLists::wanted(lists.get(), *first.snapshot));
  life.write(8'000);
  EXPECT_FALSE(PropertyLists::wanted(lists.get(), *life.publish().snapshot));
  life.write(1'000);
  EXPECT_TRUE(PropertyLists::wanted(lists.get(), *life.publish().snapshot));
  const auto second = life.publish();
  const auto newer = PropertyLists::build(*second.snapshot);
  EXPECT_FALSE(PropertyLists::wanted(newer.get(), *second.snapshot));
  EXPECT_FALSE(newer->serves(*first.snapshot));
  EXPECT_FALSE(PropertyLists::wanted(newer.get(), *first.snapshot));  // It will be forgotten.
  life.drop_index();
  EXPECT_TRUE(PropertyLists::wanted(newer.get(), *life.publish().snapshot));
}

TEST(PropertyLists, AreExtendedWhenSomeRowsCameInAndSeldomerTheMoreThereAre) {
  Life life(4, 400'000);
  life.make_index();
  life.write(50'000);
  const auto built = PropertyLists::build(*life.publish().snapshot);
  life.write(1'000);
  EXPECT_FALSE(built->extension_wanted(*life.publish().snapshot, false));
  EXPECT_TRUE(built->extension_wanted(*life.publish().snapshot, true));
  life.write(20'000);
  const auto first = life.publish();
  EXPECT_TRUE(built->extension_wanted(*first.snapshot, false));
  const auto extended = PropertyLists::extend(built, *first.snapshot);
  EXPECT_EQ(extended->unknown_count(*first.snapshot), 0U);
  life.write(2'000);
  EXPECT_FALSE(extended->extension_wanted(*life.publish().snapshot, true));
  life.write(2'000);
  EXPECT_TRUE(extended->extension_wanted(*life.publish().snapshot, false));
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(PropertyLists::extend(built, *life.publish().snapshot, stop.get_token()), nullptr);
}

TEST(PropertyLists, ABuildThatIsToldToStopGivesNothing) {
  Life life(2, 10'000);
  life.make_index();
  life.write(5'000);
  const auto seen = life.publish();
  std::stop_source stop;
  EXPECT_NE(PropertyLists::build(*seen.snapshot, stop.get_token()), nullptr);
  stop.request_stop();
  EXPECT_EQ(PropertyLists::build(*seen.snapshot, stop.get_token()), nullptr);
}

TEST(PropertyLists, MemoryOfARowStaysWithinBounds) {
  Life life(3, 200'000);
  life.make_index();
  life.write(100'000);
  const auto seen = life.publish();
  const auto lists = PropertyLists::build(*seen.snapshot);
  const std::size_t rows = seen.content.size();
  EXPECT_GT(lists->bytes(), rows * 4);
  EXPECT_LT(lists->bytes(), rows * 40);
}

// What a writer shows readers: in every snapshot just half of the vectors are even, and each of
// both partitions has as many. A third metadata index comes, changes its type and goes.
class Shown {
 public:
  static constexpr int kIds = 60;

  Shown() {
    for (std::size_t at = 0; at < 2; ++at) {
      rows_.install_column(rows_.draft_column(indexes_[at].type), at);
    }
  }

  void write(MutationNumber mutation) {
    if (mutation % 8 == 0) change_third(mutation);
    for (int at = 0; at < kIds; ++at) {
      const bool even = (static_cast<MutationNumber>(at) + mutation) % 2 == 0;
      std::vector<PropertyValue> values = {even, static_cast<double>(at)};
      if (indexes_.size() == 3) values.push_back(as_type(indexes_[2].type, values[1]));
      rows_.put(std::to_string(at), std::array<float, kDimensions>{1, 0}, at < kIds / 2 ? "a" : "b",
                mutation, values);
    }
    rows_.free(rows_.take_dead());
    auto next = rows_.snapshot({kIds, mutation, 0}, std::make_shared<const Properties>(indexes_));
    const std::lock_guard lock(shown_mutex_);
    snapshot_ = std::move(next);
    if (lists_) rows_.forget_listed(lists_->log_end());
  }
  void show(std::shared_ptr<const PropertyLists> lists) {
    const std::lock_guard lock(shown_mutex_);
    lists_ = std::move(lists);
  }
  std::pair<std::shared_ptr<const Snapshot>, std::shared_ptr<const PropertyLists>> now() {
    const std::lock_guard lock(shown_mutex_);
    return {snapshot_, lists_};
  }

 private:
  void change_third(MutationNumber mutation) {
    if (mutation / 8 % 3 == 0 && indexes_.size() == 3) {
      indexes_.pop_back();
      rows_.remove_column(2);
      return;
    }
    indexes_.resize(2);
    const auto type = static_cast<PropertyType>(mutation / 8 % 2);
    indexes_.push_back({"third", type, mutation - 1});
    rows_.install_column(rows_.draft_column(type), 2);
  }

  Rows rows_{kDimensions};
  std::vector<MetadataIndex> indexes_ = {{"even", PropertyType::boolean, 0},
                                         {"n", PropertyType::number, 0}};
  std::mutex shown_mutex_;  // Guards both.
  std::shared_ptr<const Snapshot> snapshot_;
  std::shared_ptr<const PropertyLists> lists_;
};

TEST(PropertyLists, ReadersAskWhileTheWriterWritesAndListsAreBuilt) {
  Shown shown;
  std::atomic<bool> stop = false;
  std::atomic<int> queries = 0;
  std::atomic<int> builds = 0;
  shown.write(1);
  const auto read = [&] {
    Filter filter{{{"even", Comparison::eq, {true}}, {"n", Comparison::lt, {30.0}}}};
    Filter with_third = filter;
    with_third.conditions.push_back({"third", Comparison::exists, {true}});
    while (!stop) {
      const auto [snapshot, lists] = shown.now();
      const PartitionNumber partition = snapshot->partitions->numbers.at("a");
      const CompiledFilter two(filter, *snapshot->properties);
      const auto allowed = allowed_rows(*snapshot, lists.get(), {partition, &two});
      EXPECT_EQ(ids_of(*snapshot, allowed).size(), Shown::kIds / 4U);
      // True of no vector while there is no such index.
      const CompiledFilter three(with_third, *snapshot->properties);
      const auto fewer = allowed_rows(*snapshot, lists.get(), {partition, &three});
      EXPECT_EQ(ids_of(*snapshot, fewer).size(),
                snapshot->properties->size() == 3 ? Shown::kIds / 4U : 0U);
      ++queries;
    }
  };
  const auto build = [&] {
    MutationNumber built = 0;
    while (!stop) {
      // Lists grow old, so that slots they know are filled anew and indexes come that they lack.
      const auto snapshot = shown.now().first;
      if (snapshot->stats.mutation < built + 20) {
        std::this_thread::yield();
        continue;
      }
      built = snapshot->stats.mutation;
      shown.show(PropertyLists::build(*snapshot));
      ++builds;
    }
  };
  std::vector<std::thread> threads;
  threads.emplace_back(read);
  threads.emplace_back(read);
  threads.emplace_back(build);
  for (MutationNumber mutation = 2; mutation < 2'000 || queries < 500 || builds < 40; ++mutation) {
    shown.write(mutation);
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace selvedge::vectors
