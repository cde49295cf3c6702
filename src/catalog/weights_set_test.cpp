// Tests of weights sets, of names that users give, and of what a hub lists.
#include "catalog/weights_set.h"

#include <gtest/gtest.h>

#include "catalog/hub.h"
#include "catalog/own_id.h"

namespace selvedge::catalog {
namespace {

std::vector<WeightsSet> sets() {
  return weights_sets({{"README.md", 10},
                       {"q8/big-00002-of-00002.gguf", 30'000'000'000},
                       {"model-Q4_K_M.gguf", 4'900'000'000},
                       {"model-Q8_0.gguf", 8'500'000'000},
                       {"mmproj-F16.gguf", 800'000'000},
                       {"model.imatrix.gguf", 5'000},
                       {"q8/big-00001-of-00002.gguf", 40'000'000'000},
                       {"part-00001-of-00003.gguf", 1}});
}

TEST(WeightsSet, TheFilesOfASplitAreOneModelInTheirOrder) {
  const auto all = sets();
  ASSERT_EQ(all.size(), 4u);
  const auto big = pick_weights(all, "q8/big-00002-of-00002.gguf", "x");
  ASSERT_TRUE(big.ok()) << big.error().message;
  ASSERT_EQ(big->files.size(), 2u);
  EXPECT_EQ(big->name(), "q8/big-00001-of-00002.gguf");
  EXPECT_EQ(big->bytes(), 70'000'000'000u);
}

TEST(WeightsSet, WhatIsNamedInFullIsTakenWhateverItIs) {
  const std::vector<WeightsFile> files = {
      {"model.gguf", 1}, {"mmproj-F16.gguf", 2}, {"vae/ae.safetensors", 3}, {"ggml-base.bin", 4}};
  for (const char* named :
       {"mmproj-F16.gguf", "vae/ae.safetensors", "ae.safetensors", "ggml-base.bin"}) {
    const auto one = pick_weights(weights_sets(files, named), named, "x");
    ASSERT_TRUE(one.ok()) << named << ": " << one.error().message;
    EXPECT_TRUE(one->name().ends_with(named));
  }
  EXPECT_EQ(pick_weights(weights_sets(files), "", "x")->name(), "model.gguf");
  EXPECT_FALSE(pick_weights(weights_sets(files, "base"), "base", "x").ok());
}

TEST(WeightsSet, SeveralModelsAreListedWithTheirSizesAndOneIsPickedByAPartOfItsName) {
  const auto unclear = pick_weights(sets(), "", "\"o/r\"");
  EXPECT_EQ(unclear.error().code, Code::invalid_input);
  EXPECT_EQ(unclear.error().message,
            "\"o/r\" holds 4 models; say with --file NAME (or a part of it) which one:\n"
            "  model-Q4_K_M.gguf (4.9 GB)\n"
            "  model-Q8_0.gguf (8.5 GB)\n"
            "  part-00001-of-00003.gguf (1 B)\n"
            "  q8/big-00001-of-00002.gguf (70 GB in 2 files)");
  EXPECT_EQ(pick_weights(sets(), "q4_k_m", "x")->name(), "model-Q4_K_M.gguf");
  EXPECT_EQ(pick_weights(sets(), "model-Q8_0.gguf", "x")->bytes(), 8'500'000'000u);
  EXPECT_EQ(pick_weights(sets(), "model", "x").error().code, Code::invalid_input);
  EXPECT_EQ(pick_weights(sets(), "q5", "x").error().code, Code::not_found);
  EXPECT_NE(pick_weights(sets(), "q5", "x").error().message.find("model-Q8_0"), std::string::npos);
  EXPECT_EQ(pick_weights({}, "", "x").error().code, Code::not_found);
}

TEST(WeightsSet, ASplitOfWhichFilesLackIsRefused) {
  const auto lacking = pick_weights(sets(), "part", "x");
  EXPECT_EQ(lacking.error().code, Code::file_invalid);
  EXPECT_EQ(lacking.error().message, "of the 3 files of \"part\" only 1 are there");
}

TEST(WeightsSet, OnlyNamesOfTheWholeFormAreOfASplit) {
  EXPECT_EQ(split_name("a-00002-of-00012.gguf").prefix, "a");
  EXPECT_EQ(split_name("a-00002-of-00012.gguf").at, 2u);
  EXPECT_EQ(split_name("a-00002-of-00012.gguf").count, 12u);
  for (const char* name : {"a.gguf", "-00001-of-00002.gguf", "a-00000-of-00002.gguf",
                           "a-00003-of-00002.gguf", "a-0001-of-00002.gguf", "a-00001_of-00002.gguf",
                           "a-0000x-of-00002.gguf", "a-00001-of-00002.bin"}) {
    EXPECT_EQ(split_name(name).count, 0u) << name;
  }
  EXPECT_EQ(split_file_name("a", 2, 12), "a-00002-of-00012.gguf");
}

TEST(OwnId, TakesWhatPeopleCallTheirModelsAndSaysWhyNot) {
  Artifact artifact;
  artifact.name = "smollm2";
  const std::vector<Artifact> artifacts = {artifact};
  for (const char* id : {"my-org/my-model", "@cf/me/x", "llama3", "llama3:8b", "gpt-4o-mini",
                         "text-embedding-3-small", "a/b/c/d", "@hf/me/Q4_K_M.v2"}) {
    EXPECT_TRUE(check_own_id(artifacts, id).ok()) << id;
  }
  const std::string long_id(101, 'a');
  for (const char* id : {"",          "@",
                         "a/",        "/a",
                         "a//b",      "../a",
                         "a/..",      "a b",
                         "a\n",       "ä",
                         "a?b",       "a#b",
                         "a%2fb",     "-a",
                         "@@a",       "a@b",
                         "a/b/c/d/e", long_id.c_str(),
                         "cf/a/b",    "workers-ai/@cf/a",
                         "proxy",     "smollm2"}) {
    EXPECT_EQ(check_own_id(artifacts, id).error().code, Code::invalid_input) << id;
  }
}

TEST(HubReference, IsAnOwnerARepositoryAndMaybeAFile) {
  EXPECT_FALSE(parse_hub_reference("model.gguf")->has_value());
  const auto whole = parse_hub_reference("hf:bartowski/Llama-3.2-1B-Instruct-GGUF");
  ASSERT_TRUE(whole.ok() && whole->has_value());
  EXPECT_EQ((*whole)->repository, "bartowski/Llama-3.2-1B-Instruct-GGUF");
  EXPECT_EQ((*whole)->file, "");
  EXPECT_EQ((*parse_hub_reference("hf:o/r/q8/x.gguf"))->file, "q8/x.gguf");
  for (const char* text : {"hf:", "hf:o", "hf:o/", "hf:/r", "hf:o/..", "hf:o o/r", "hf:o/r?x/f"}) {
    EXPECT_EQ(parse_hub_reference(text).error().code, Code::invalid_input) << text;
  }
}

TEST(HubListing, HasFilesWithSizesAndSumsAndLeavesOutTheRest) {
  const std::string sum(64, 'a');
  const auto files = parse_hub_listing(
      R"([{"type":"directory","path":"q8"},{"type":"file","path":"a.gguf","size":7,"oid":"git",
          "lfs":{"oid":")" +
      sum + R"(","size":7}},{"type":"file","path":"b","size":-1,"lfs":{"oid":5}},
          {"type":"file","path":"../c"},{"type":"file","path":"/d"},7,{"type":"file"}])");
  ASSERT_TRUE(files.ok());
  ASSERT_EQ(files->size(), 2u);
  EXPECT_EQ(files->front().path, "a.gguf");
  EXPECT_EQ(files->front().bytes, 7u);
  EXPECT_EQ(files->front().sha256, sum);
  EXPECT_EQ(files->back().sha256, "");
  for (const char* text : {"", "{}", "[", "null"}) {
    EXPECT_EQ(parse_hub_listing(text).error().code, Code::download_failed) << text;
  }
}

}  // namespace
}  // namespace selvedge::catalog
