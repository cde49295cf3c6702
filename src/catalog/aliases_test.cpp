// Tests of aliases: what they lead to, what they may not be, and other processes.
#include "catalog/aliases.h"

#include <gtest/gtest.h>

#include "catalog/alias_catalog.h"
#include "catalog/gguf_builder.h"
#include "catalog/local_catalog.h"
#include "catalog/test_folder.h"

namespace selvedge::catalog {
namespace {

class AliasesTest : public testing::Test {
 protected:
  AliasesTest() : plain_(open_local()), aliases_(*Aliases::open(home_ / "catalog.db")) {
    catalog_ = std::make_unique<AliasCatalog>(open_local(), aliases_);
    write_file(file_, small_gguf("llama", 64));
    const std::vector<std::string> ids = {"@cf/t/one", "me/own"};
    EXPECT_TRUE(plain_->import(file_, ids, {}).ok());
  }
  std::unique_ptr<Catalog> open_local() {
    auto table = ModelTable::parse(
        R"({"models": [{"id": "@cf/t/one", "description": "d", "task": "Text Generation",
                        "neurons": {"per_m_input_tokens": 5}},
                       {"id": "@cf/t/two", "description": "d", "task": "Text Generation"}]})",
        R"({"artifacts": []})");
    return *LocalCatalog::open(home_.path(), Profile::auto_, *table);
  }
  Code refused(const Alias& alias, bool replace = false) {
    const Status added = aliases_->add(alias, *plain_, replace);
    return added.ok() ? Code::internal : added.error().code;
  }

  TestFolder home_;
  std::filesystem::path file_ = home_ / "m.gguf";
  std::unique_ptr<Catalog> plain_;
  std::shared_ptr<Aliases> aliases_;
  std::unique_ptr<Catalog> catalog_;
};

TEST_F(AliasesTest, ACallForAnAliasIsAnsweredAsItsModels) {
  ASSERT_TRUE(aliases_->add({"gpt-4o-mini", "@cf/t/one"}, *plain_, false).ok());
  const auto entry = catalog_->find("gpt-4o-mini");
  ASSERT_TRUE(entry.ok());
  EXPECT_EQ((*entry)->id, "@cf/t/one");
  const auto resolved = catalog_->resolve("gpt-4o-mini");
  ASSERT_TRUE(resolved.ok());
  EXPECT_EQ(resolved->requested, "gpt-4o-mini");
  EXPECT_EQ(resolved->entry->id, "@cf/t/one");
  EXPECT_EQ(resolved->answered_by, "m");
  EXPECT_EQ(catalog_->resolve("@cf/t/one")->requested, "@cf/t/one");
  const auto all = catalog_->all_entries();
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all.back()->id, "gpt-4o-mini");
  EXPECT_EQ(all.back()->prices.per_m_input_tokens, 5);
  EXPECT_EQ(catalog_->all_entries().back(), all.back());
}

TEST_F(AliasesTest, AModelHasTheNameUntilReplaceIsSaid) {
  EXPECT_EQ(refused({"@cf/t/two", "me/own"}), Code::already_exists);
  EXPECT_EQ(refused({"me/own", "@cf/t/one"}), Code::already_exists);
  ASSERT_TRUE(aliases_->add({"@cf/t/two", "me/own"}, *plain_, true).ok());
  EXPECT_EQ(catalog_->resolve("@cf/t/two")->entry->id, "me/own");
  std::size_t rows = 0;
  for (const ModelEntry* entry : catalog_->all_entries()) rows += entry->id == "@cf/t/two" ? 1 : 0;
  EXPECT_EQ(rows, 1u);
  ASSERT_TRUE(aliases_->remove("@cf/t/two").ok());
  EXPECT_EQ((*catalog_->find("@cf/t/two"))->id, "@cf/t/two");
  ASSERT_TRUE(aliases_->add({"a", "me/own"}, *plain_, false).ok());
  EXPECT_TRUE(aliases_->add({"a", "me/own"}, *plain_, false).ok());
  EXPECT_EQ(refused({"a", "@cf/t/one"}), Code::already_exists);
  EXPECT_TRUE(aliases_->add({"a", "@cf/t/one"}, *plain_, true).ok());
}

TEST_F(AliasesTest, NoStepLeadsFromAliasToAlias) {
  ASSERT_TRUE(aliases_->add({"a", "me/own"}, *plain_, false).ok());
  EXPECT_EQ(refused({"a", "a"}), Code::invalid_input);
  EXPECT_EQ(refused({"b", "a"}), Code::invalid_input);
  EXPECT_EQ(refused({"me/own", "@cf/t/one"}, true), Code::invalid_input);
  EXPECT_EQ(refused({"c", "none"}), Code::model_not_found);
  EXPECT_EQ(refused({"c d", "me/own"}), Code::invalid_input);
  EXPECT_EQ(aliases_->remove("b").error().code, Code::not_found);
}

TEST_F(AliasesTest, AnAliasCannotBeBoundRemovedOrUnbound) {
  ASSERT_TRUE(aliases_->add({"a", "me/own"}, *plain_, false).ok());
  const std::vector<std::string> ids = {"a"};
  EXPECT_EQ(catalog_->import(file_, ids, {}).error().code, Code::invalid_input);
  EXPECT_EQ(catalog_->remove("a").error().code, Code::invalid_input);
  EXPECT_EQ(catalog_->unbind("a").error().code, Code::invalid_input);
  EXPECT_TRUE(catalog_->resolve("me/own").ok());
}

TEST_F(AliasesTest, WhatAnotherProcessAddsAndRemovesIsSeen) {
  const auto other = *Aliases::open(home_ / "catalog.db");
  EXPECT_EQ(catalog_->find("a").error().code, Code::model_not_found);
  ASSERT_TRUE(other->add({"a", "me/own"}, *plain_, false).ok());
  EXPECT_TRUE(catalog_->find("a").ok());
  ASSERT_TRUE(plain_->unbind("me/own").ok());
  EXPECT_EQ(catalog_->resolve("a").error().code, Code::model_not_found);
  EXPECT_EQ(catalog_->all_entries().size(), 2u);
  ASSERT_TRUE(other->remove("a").ok());
  EXPECT_TRUE((*aliases_->list())->empty());
}

}  // namespace
}  // namespace selvedge::catalog
