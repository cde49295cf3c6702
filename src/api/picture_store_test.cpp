// Tests of where pictures are kept: names, the folder, and places that are none.
#include "api/picture_store.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>
#include <unistd.h>

namespace selvedge::api {
namespace {

namespace fs = std::filesystem;

TEST(PictureStore, NamesLeadNowhereElse) {
  for (const char* name : {"a.png", "cats/one.png", "2026-11-26/x (1).jpg", "a..b"}) {
    EXPECT_TRUE(check_picture_name(name).ok()) << name;
  }
  for (const char* name : {"", "/a", "a/", "a//b", "../a", "a/../b", ".", ".hidden", "a/.b", "a\\b",
                           "a\nb", "a?b", "a%2fb", "\xc3\xa4"}) {
    EXPECT_FALSE(check_picture_name(name).ok()) << name;
  }
  EXPECT_TRUE(check_picture_name(std::string(512, 'a')).ok());
  EXPECT_FALSE(check_picture_name(std::string(513, 'a')).ok());
}

TEST(PictureStore, AFolderKeepsTheLastPictureOfANameAndNothingElse) {
  const fs::path folder =
      fs::path(testing::TempDir()) / ("picture_store-" + std::to_string(::getpid()));
  fs::remove_all(folder);
  const auto store = PictureStore::open(folder.string());
  ASSERT_TRUE(store.ok()) << store.error().message;
  ASSERT_TRUE((*store)->put("cats/one.png", "first", "image/png").ok());
  const auto place = (*store)->put("cats/one.png", "second", "image/png");
  ASSERT_TRUE(place.ok()) << place.error().message;
  EXPECT_EQ(*place, (folder / "cats/one.png").string());
  std::ifstream in(*place);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "second");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder / "cats"), fs::directory_iterator()), 1);
  EXPECT_EQ((*store)->put("../x.png", "x", "image/png").error().code, Code::invalid_input);
  // Where a folder has the name, the picture is told to be nowhere, and leaves nothing.
  EXPECT_EQ((*store)->put("cats", "x", "image/png").error().code, Code::io);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), fs::directory_iterator()), 1);
  fs::remove_all(folder);
}

TEST(PictureStore, PlacesThatAreNoneAreRefused) {
  for (const char* place : {"", "gs://bucket", "s3://", "s3://ab", "s3://bucket/../x"}) {
    const auto store = PictureStore::open(place);
    ASSERT_FALSE(store.ok()) << place;
    EXPECT_EQ(store.error().code, Code::invalid_input) << place;
  }
}

}  // namespace
}  // namespace selvedge::api
