// Tests of listings: what a cursor shows, how long, and of what.
#include "vectors/listings.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "vectors/fixtures.h"
#include "vectors/rocks_store.h"

namespace selvedge::vectors {
namespace {

using fixtures::batch_of;
using Ids = std::vector<std::string>;

class ListingsTest : public testing::Test {
 protected:
  void SetUp() override {
    RocksStore::Options options;
    options.now_us = [this] { return now_us_; };
    store_ = RocksStore::open(folder_.path(), std::move(options)).value();
    for (const std::string name : {"docs", "other"}) {
      ASSERT_TRUE(store_->create("a", name, "", {1, Metric::cosine, ""}).ok());
    }
    index_ = store_->find("a", "docs").value();
    ASSERT_TRUE(
        index_->insert(batch_of({{"a", {1}}, {"b", {1}}, {"c", {1}}, {"d", {1}}, {"e", {1}}}))
            .ok());
  }
  Code refusal(const Index& index, const std::string& cursor) {
    return index.list_page(2, cursor).error().code;
  }

  fixtures::TemporaryFolder folder_;
  std::int64_t now_us_ = 1'000'000'000;
  std::unique_ptr<Store> store_;
  std::shared_ptr<Index> index_;
};

TEST_F(ListingsTest, PagesShowTheMomentOfTheFirstOne) {
  const auto first = index_->list_page(2, "").value();
  EXPECT_EQ(first.ids, (Ids{"a", "b"}));
  EXPECT_EQ(first.total_count, 5U);
  EXPECT_EQ(first.expires_us, now_us_ + 1'000LL * limits::list_cursor_ms_max);
  ASSERT_TRUE(index_->insert(batch_of({{"bb", {1}}, {"z", {1}}})).ok());
  ASSERT_TRUE(index_->erase(Ids{"c", "e"}).ok());
  for (int again = 0; again < 2; ++again) {  // A cursor can be used twice.
    const auto second = index_->list_page(2, first.next_cursor).value();
    EXPECT_EQ(second.ids, (Ids{"c", "d"}));
    const auto third = index_->list_page(2, second.next_cursor).value();
    EXPECT_EQ(third.ids, (Ids{"e"}));
    EXPECT_EQ(third.total_count, 5U);
    EXPECT_EQ(third.expires_us, first.expires_us);
    EXPECT_EQ(third.next_cursor, "");
  }
  EXPECT_EQ(index_->list_page(10, "").value().ids, (Ids{"a", "b", "bb", "d", "z"}));
}

TEST_F(ListingsTest, AnExactFitHasNoNextPage) {
  EXPECT_EQ(index_->list_page(5, "").value().next_cursor, "");
  const auto empty = store_->find("a", "other").value()->list_page(5, "").value();
  EXPECT_TRUE(empty.ids.empty());
  EXPECT_EQ(empty.total_count, 0U);
}

TEST_F(ListingsTest, CursorsAreOfLettersDigitsAndDashesWhateverTheIds) {
  ASSERT_TRUE(index_->insert(batch_of({{"\xFF\n\"", {1}}, {"\xFF\n#", {1}}})).ok());
  const auto page = index_->list_page(6, "").value();
  EXPECT_EQ(page.ids.back(), "\xFF\n\"");
  EXPECT_EQ(page.next_cursor.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-"),
            std::string::npos);
  EXPECT_EQ(index_->list_page(6, page.next_cursor).value().ids, (Ids{"\xFF\n#"}));
}

TEST_F(ListingsTest, WhatIsNoCursorOfThisIndexIsRefused) {
  const std::string cursor = index_->list_page(2, "").value().next_cursor;
  EXPECT_EQ(refusal(*store_->find("a", "other").value(), cursor), Code::cursor_invalid);
  for (const std::string& garbage :
       {std::string("x"), std::string("-"), cursor.substr(1), cursor + "6", cursor + "xy",
        "0" + cursor.substr(1) + "f", cursor.substr(0, 33), cursor + std::string(128, '6')}) {
    EXPECT_EQ(refusal(*index_, garbage), Code::cursor_invalid) << garbage;
  }
}

TEST_F(ListingsTest, ACursorEndsWhenItsTimeIsOver) {
  const std::string cursor = index_->list_page(2, "").value().next_cursor;
  now_us_ += 1'000LL * limits::list_cursor_ms_max - 1;
  EXPECT_TRUE(index_->list_page(2, cursor).ok());
  now_us_ += 1;
  EXPECT_EQ(refusal(*index_, cursor), Code::cursor_invalid);
}

TEST_F(ListingsTest, TheOldestListingGoesWhenThereAreTooMany) {
  const std::string oldest = index_->list_page(2, "").value().next_cursor;
  const std::string next = index_->list_page(2, "").value().next_cursor;
  for (std::size_t at = 2; at <= limits::list_cursors_max; ++at) {
    ASSERT_TRUE(index_->list_page(2, "").ok());
  }
  EXPECT_EQ(refusal(*index_, oldest), Code::cursor_invalid);
  EXPECT_TRUE(index_->list_page(2, next).ok());
}

TEST_F(ListingsTest, NothingIsKeptOfListingsThatEnded) {
  auto database = Database::open(folder_.path().string() + "/own", nullptr).value();
  std::int64_t now_us = 0;
  Listings listings([&now_us] { return now_us; });
  const std::weak_ptr<const Database::View> view = [&] {
    const auto made = listings.begin(1, database->current_view(), 0);
    listings.keep(made);
    return made.view;
  }();
  listings.keep(listings.begin(2, database->current_view(), 0));
  EXPECT_FALSE(view.expired());
  listings.end(1);
  EXPECT_TRUE(view.expired());
  EXPECT_EQ(listings.size(), 1U);
  now_us = 1'000LL * limits::list_cursor_ms_max;
  listings.expire();
  EXPECT_EQ(listings.size(), 0U);
}

TEST_F(ListingsTest, AListingDoesNotOutliveItsStoreOrItsIndex) {
  const std::string cursor = index_->list_page(2, "").value().next_cursor;
  ASSERT_TRUE(store_->drop("a", "docs").ok());
  EXPECT_EQ(refusal(*index_, cursor), Code::cursor_invalid);
  EXPECT_EQ(index_->list_page(9, "").value().ids.size(), 5U);
}

}  // namespace
}  // namespace selvedge::vectors
