// Tests of fine-tunes: names, files, what a kill leaves, and two callers at once.
#include "catalog/finetunes.h"

#include <fstream>
#include <iterator>
#include <thread>

#include <gtest/gtest.h>

#include "catalog/installed_files.h"
#include "catalog/test_folder.h"

namespace selvedge::catalog {
namespace {

namespace fs = std::filesystem;

class FinetunesTest : public testing::Test {
 protected:
  std::unique_ptr<Finetunes> open() {
    auto opened = Finetunes::open(home_.path());
    EXPECT_TRUE(opened.ok()) << opened.error().message;
    return std::move(*opened);
  }
  static Finetune wanted(const std::string& name, const std::string& account = "a") {
    Finetune finetune;
    finetune.account = account;
    finetune.name = name;
    finetune.model = "@cf/t/lora";
    return finetune;
  }
  fs::path place(const Finetune& finetune, const std::string& file) const {
    return home_.path() / "finetunes" / finetune.id / file;
  }
  static std::string content(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  TestFolder home_;
};

TEST_F(FinetunesTest, ANameIsTakenOnceInItsAccount) {
  const auto finetunes = open();
  ASSERT_TRUE(finetunes->create(wanted("x"), 9).ok());
  EXPECT_EQ(finetunes->create(wanted("x"), 9).error().code, Code::already_exists);
  EXPECT_TRUE(finetunes->create(wanted("x", "b"), 9).ok());
  EXPECT_EQ(finetunes->list("a")->size(), 1u);
}

TEST_F(FinetunesTest, AnAccountHoldsNoMoreThanItMay) {
  const auto finetunes = open();
  ASSERT_TRUE(finetunes->create(wanted("x"), 2).ok());
  ASSERT_TRUE(finetunes->create(wanted("y"), 2).ok());
  EXPECT_EQ(finetunes->create(wanted("z"), 2).error().code, Code::too_many_finetunes);
  EXPECT_TRUE(finetunes->create(wanted("z", "b"), 2).ok());
}

TEST_F(FinetunesTest, OnlyWholeOnesAreUsable) {
  const auto finetunes = open();
  const auto created = finetunes->create(wanted("x"), 9);
  EXPECT_EQ(finetunes->find_usable("a", "x").error().code, Code::finetune_incomplete);
  ASSERT_TRUE(finetunes->add_asset(*created, "adapter_config.json", "{}").ok());
  EXPECT_EQ(finetunes->find_usable("a", "x").error().code, Code::finetune_incomplete);
  ASSERT_TRUE(finetunes->add_asset(*created, "adapter_model.safetensors", "x").ok());
  EXPECT_EQ(finetunes->find_usable("a", "x")->id, created->id);
  EXPECT_EQ(finetunes->find_usable("a", created->id)->id, created->id);
  EXPECT_EQ(content(finetunes->folder_of(*created) / "adapter_config.json"), "{}");
}

TEST_F(FinetunesTest, OthersMayUseThePublicOnesAndTheOwnComeFirst) {
  const auto finetunes = open();
  const auto whole = [&](Finetune wanted) {
    const auto created = finetunes->create(std::move(wanted), 9);
    EXPECT_TRUE(finetunes->add_asset(*created, "adapter_config.json", "{}").ok());
    EXPECT_TRUE(finetunes->add_asset(*created, "adapter_model.safetensors", "x").ok());
    return created->id;
  };
  Finetune shared = wanted("x");
  shared.is_public = true;
  const std::string of_a = whole(shared);
  const std::string private_of_a = whole(wanted("y"));
  EXPECT_EQ(finetunes->find_usable("b", "x")->id, of_a);
  const std::string of_b = whole(wanted("x", "b"));
  EXPECT_EQ(finetunes->find_usable("b", "x")->id, of_b);
  EXPECT_EQ(finetunes->find_usable("b", of_a)->id, of_a);
  EXPECT_EQ(finetunes->find_usable("b", "y").error().code, Code::finetune_not_found);
  EXPECT_EQ(finetunes->find_usable("", "y")->id, private_of_a);
}

TEST_F(FinetunesTest, AreFoundByIdAndByNameInTheirAccountOnly) {
  const auto finetunes = open();
  const auto created = finetunes->create(wanted("x"), 9);
  EXPECT_EQ(finetunes->find("a", "x")->id, created->id);
  EXPECT_EQ(finetunes->find("a", created->id)->name, "x");
  EXPECT_EQ(finetunes->find("b", created->id).error().code, Code::finetune_not_found);
  EXPECT_EQ(finetunes->find("a", "y").error().message, "Finetune y not found");
}

TEST_F(FinetunesTest, AnIdGoesBeforeANameThatLooksLikeIt) {
  const auto finetunes = open();
  const auto first = finetunes->create(wanted("x"), 9);
  ASSERT_TRUE(finetunes->create(wanted(first->id), 9).ok());
  EXPECT_EQ(finetunes->find("a", first->id)->name, "x");
}

TEST_F(FinetunesTest, FilesAndRowsAreThereAfterAReopen) {
  std::string id;
  {
    const auto finetunes = open();
    const auto created = finetunes->create(wanted("x"), 9);
    id = created->id;
    const auto asset = finetunes->add_asset(*created, "adapter_config.json", "{}");
    ASSERT_TRUE(asset.ok()) << asset.error().message;
    EXPECT_EQ(asset->bytes, 2u);
  }
  const auto finetunes = open();
  const auto found = finetunes->find("a", "x");
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->id, id);
  EXPECT_GE(found->modified_us, found->created_us);
  EXPECT_EQ(content(place(*found, "adapter_config.json")), "{}");
}

TEST_F(FinetunesTest, AFileIsNotReplaced) {
  const auto finetunes = open();
  const auto created = finetunes->create(wanted("x"), 9);
  ASSERT_TRUE(finetunes->add_asset(*created, "adapter_config.json", "first").ok());
  EXPECT_EQ(finetunes->add_asset(*created, "adapter_config.json", "second").error().code,
            Code::already_exists);
  EXPECT_EQ(content(place(*created, "adapter_config.json")), "first");
}

TEST_F(FinetunesTest, ARemovedOneTakesItsFilesAndFreesItsName) {
  const auto finetunes = open();
  const auto created = finetunes->create(wanted("x"), 9);
  ASSERT_TRUE(finetunes->add_asset(*created, "adapter_config.json", "{}").ok());
  ASSERT_TRUE(finetunes->remove("a", "x").ok());
  EXPECT_FALSE(fs::exists(place(*created, "adapter_config.json")));
  EXPECT_EQ(finetunes->remove("a", "x").error().code, Code::finetune_not_found);
  EXPECT_EQ(finetunes->add_asset(*created, "adapter_config.json", "{}").error().code,
            Code::finetune_not_found);
  EXPECT_FALSE(fs::exists(place(*created, "")));
  EXPECT_TRUE(finetunes->create(wanted("x"), 9).ok());
}

TEST_F(FinetunesTest, OnlyPublicOnesAreListedToAll) {
  const auto finetunes = open();
  for (const char* name : {"c", "a", "b"}) {
    Finetune shared = wanted(name, std::string("account-") + name);
    shared.is_public = true;
    ASSERT_TRUE(finetunes->create(shared, 9).ok());
  }
  ASSERT_TRUE(finetunes->create(wanted("private"), 9).ok());
  const auto names = [&](Finetunes::Order order, std::size_t offset, std::size_t most) {
    std::string all;
    const auto listed = finetunes->list_public(order, offset, most);
    for (const Finetune& finetune : *listed) all += finetune.name;
    return all;
  };
  EXPECT_EQ(names(Finetunes::Order::created, 0, 9), "cab");
  EXPECT_EQ(names(Finetunes::Order::name, 0, 9), "abc");
  EXPECT_EQ(names(Finetunes::Order::name, 1, 1), "b");
  EXPECT_EQ(names(Finetunes::Order::name, 9, 9), "");
}

TEST_F(FinetunesTest, WhatAKillLeftIsSweptAndTheFileCanBeSentAgain) {
  Finetune kept;
  {
    const auto finetunes = open();
    kept = *finetunes->create(wanted("x"), 9);
    ASSERT_TRUE(finetunes->add_asset(kept, "adapter_config.json", "{}").ok());
  }
  std::ofstream(place(kept, "abc.partial")) << "half";
  std::ofstream(place(kept, "adapter_model.safetensors")) << "renamed, and no row yet";
  const fs::path folder = home_.path() / "finetunes";
  for (const char* name : {"gone.removed", "unknown"}) {
    fs::create_directories(folder / name);
    std::ofstream(folder / name / "adapter_config.json") << "{}";
  }
  const auto finetunes = open();
  EXPECT_FALSE(fs::exists(place(kept, "abc.partial")));
  EXPECT_FALSE(fs::exists(folder / "gone.removed"));
  EXPECT_TRUE(fs::exists(folder / "unknown" / "adapter_config.json"));
  EXPECT_EQ(content(place(kept, "adapter_config.json")), "{}");
  EXPECT_TRUE(finetunes->add_asset(kept, "adapter_model.safetensors", "whole").ok());
  EXPECT_EQ(content(place(kept, "adapter_model.safetensors")), "whole");
}

TEST_F(FinetunesTest, OfTwoUploadsAtOnceOneIsKeptWhole) {
  const auto finetunes = open();
  for (int round = 0; round < 8; ++round) {
    const auto created = finetunes->create(wanted("x" + std::to_string(round)), 99);
    bool good[2] = {};
    const auto upload = [&](int which) {
      const std::string bytes(300'000, which == 0 ? 'a' : 'b');
      good[which] = finetunes->add_asset(*created, "adapter_model.safetensors", bytes).ok();
    };
    std::thread other(upload, 1);
    upload(0);
    other.join();
    ASSERT_NE(good[0], good[1]);
    EXPECT_EQ(content(place(*created, "adapter_model.safetensors")),
              std::string(300'000, good[0] ? 'a' : 'b'));
    EXPECT_EQ(std::distance(fs::directory_iterator(place(*created, "")), {}), 1);
  }
}

TEST_F(FinetunesTest, ShareTheDatabaseWithTheInstalledFiles) {
  ASSERT_TRUE(InstalledFiles::open(home_.path() / "catalog.db").ok());
  ASSERT_TRUE(open()->create(wanted("x"), 9).ok());
  EXPECT_TRUE(InstalledFiles::open(home_.path() / "catalog.db").ok());
}

}  // namespace
}  // namespace selvedge::catalog
