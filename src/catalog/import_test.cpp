// Tests of imports under ids of the user's own: told by weights, of several files, from a hub.
#include <cstdlib>
#include <map>
#include <memory>

#include <gtest/gtest.h>

#include "base/sha256.h"
#include "catalog/gguf_builder.h"
#include "catalog/local_catalog.h"
#include "catalog/test_folder.h"
#include "http/testing.h"

namespace selvedge::catalog {
namespace {

namespace fs = std::filesystem;

std::string sha256_of(std::string_view bytes) {
  Sha256 hash;
  hash.add(bytes);
  return hash.hex();
}

// A model whose pooling or head says what it is for.
std::string special_gguf(std::string_view architecture, std::uint32_t pooling,
                         std::uint64_t outputs) {
  GgufBuilder builder;
  builder.text("general.architecture", architecture)
      .uint32(std::string(architecture) + ".embedding_length", 384)
      .uint32(std::string(architecture) + ".context_length", 512);
  if (pooling != 0) builder.uint32(std::string(architecture) + ".pooling_type", pooling);
  if (outputs == 0)
    return builder.tensor({"token_embd.weight", {32}, 0, 0}).data_bytes(128).bytes();
  return builder.tensor({"cls.weight", {8, 8}, 0, 0})
      .tensor({"cls.output.weight", {8, outputs}, 0, 256})
      .data_bytes(256 + 32 * outputs)
      .bytes();
}

// File `at` of `count`; the first has the keys, and `salt` makes it another one.
std::string split_gguf(std::uint32_t at, std::uint32_t count, std::string_view salt = "") {
  GgufBuilder builder;
  if (at == 0) {
    builder.text("general.architecture", "llama")
        .text("general.name", salt)
        .uint32("llama.context_length", 4'096);
  }
  builder.raw("split.no", 2, std::string{static_cast<char>(at), 0})
      .raw("split.count", 2, std::string{static_cast<char>(count), 0})
      .raw("split.tensors.count", 5, std::string{static_cast<char>(count - 1), 0, 0, 0});
  // The first has no tensors at all, as a tool of llama.cpp makes it.
  if (at != 0) builder.tensor({"t" + std::to_string(at), {32}, 0, 0}).data_bytes(128);
  return builder.bytes();
}

class ImportTest : public testing::Test {
 protected:
  ImportTest() : catalog_(open()) {}

  std::unique_ptr<Catalog> open(Profile profile = Profile::auto_) {
    const auto model = [](const std::string& id, const std::string& task) {
      return R"({"id": ")" + id + R"(", "description": "d", "task_id": "t-)" + task +
             R"(", "neurons": {"per_m_input_tokens": 5}, "task": ")" + task + R"("})";
    };
    auto table = ModelTable::parse(
        R"({"models": [)" + model("@cf/t/big", "Text Generation") + "," +
            model("@cf/t/flux", "Text-to-Image") + "]}",
        R"({"artifacts": [{"name": "tiny", "file": "tiny.gguf", "licence": "MIT", "models": [],
            "stand_in": true, "task": "Text Generation", "sha256": ")" +
            sha256_of(small_gguf("llama", 64, "tiny")) + R"("}]})");
    EXPECT_TRUE(table.ok()) << table.error().message;
    return *LocalCatalog::open(home_.path(), profile, *table);
  }

  ImportRequest request(const std::string& file, const std::string& bytes,
                        const std::string& id) const {
    write_file(files_ / file, bytes);
    ImportRequest wanted;
    wanted.source = files_ / file;
    wanted.ids = {id};
    return wanted;
  }
  Result<Installed> import(const std::string& file, const std::string& bytes,
                           const std::string& id) {
    return catalog_->take_in(request(file, bytes, id), {});
  }
  std::vector<std::string> files_left() const {
    std::vector<std::string> names;
    for (const auto& each : fs::directory_iterator(home_ / "models")) {
      names.push_back(each.path().filename());
    }
    std::ranges::sort(names);
    return names;
  }

  TestFolder home_;
  TestFolder files_;
  std::unique_ptr<Catalog> catalog_;
};

TEST_F(ImportTest, AnIdOfTheUsersOwnIsFoundResolvedAndListedAndCostsNothing) {
  const auto installed = import("m.gguf", small_gguf("llama", 64), "my-org/my-model");
  ASSERT_TRUE(installed.ok()) << installed.error().message;
  EXPECT_EQ(installed->models, std::vector<std::string>{"my-org/my-model"});
  const auto entry = catalog_->find("my-org/my-model");
  ASSERT_TRUE(entry.ok());
  EXPECT_TRUE((*entry)->own);
  EXPECT_EQ((*entry)->task, Task::text_generation);
  EXPECT_EQ((*entry)->task_id, "t-Text Generation");
  EXPECT_EQ((*entry)->schema, Schema::openai);
  EXPECT_EQ((*entry)->context_tokens, 512);
  EXPECT_TRUE((*entry)->prices.units.empty());
  EXPECT_EQ(catalog_->all_entries().size(), 3u);
  EXPECT_EQ(catalog_->all_entries().back(), *entry);
  EXPECT_EQ(catalog_->entries().size(), 2u);
  for (const Profile profile : {Profile::exact, Profile::small, Profile::auto_}) {
    const auto other = open(profile);  // As another process sees it.
    const auto resolved = other->resolve("my-org/my-model");
    ASSERT_TRUE(resolved.ok()) << resolved.error().message;
    EXPECT_EQ(resolved->answered_by, "m");
    EXPECT_FALSE(resolved->stand_in);
    EXPECT_EQ(resolved->entry->uuid, (*entry)->uuid);
  }
}

TEST_F(ImportTest, WhatTheModelIsForIsToldByItsWeights) {
  struct Case {
    const char* id;
    std::string bytes;
    Task task;
    bool reranker;
    std::int32_t dimensions;
  };
  const Case cases[] = {
      {"me/text", special_gguf("llama", 0, 0), Task::text_generation, false, 0},
      {"me/bert", special_gguf("bert", 1, 0), Task::text_embeddings, false, 384},
      {"me/last", special_gguf("qwen3", 3, 0), Task::text_embeddings, false, 384},
      {"me/pairs", special_gguf("bert", 4, 1), Task::text_classification, true, 0},
      {"me/reranker-not", special_gguf("bert", 0, 3), Task::text_classification, false, 0}};
  for (const Case& each : cases) {
    const auto installed = import("m.gguf", each.bytes, each.id);
    ASSERT_TRUE(installed.ok()) << each.id << ": " << installed.error().message;
    const ModelEntry* entry = *catalog_->find(each.id);
    EXPECT_EQ(entry->task, each.task) << each.id;
    EXPECT_EQ(is_reranker(*entry), each.reranker) << each.id;
    EXPECT_EQ(entry->output_dimensions, each.dimensions) << each.id;
  }
}

TEST_F(ImportTest, TheTaskAndTheFormMayBeSaid) {
  ImportRequest embeds = request("m.gguf", special_gguf("llama", 0, 0), "me/embeds");
  embeds.task = Task::text_embeddings;
  ASSERT_TRUE(catalog_->take_in(embeds, {}).ok());
  EXPECT_EQ((*catalog_->find("me/embeds"))->output_dimensions, 384);
  ImportRequest legacy = request("m.gguf", special_gguf("llama", 0, 0), "me/legacy");
  legacy.schema = Schema::legacy;
  ASSERT_TRUE(catalog_->take_in(legacy, {}).ok());
  EXPECT_EQ((*catalog_->find("me/legacy"))->schema, Schema::legacy);
  EXPECT_EQ(catalog_->resolve("me/embeds")->answered_by,
            catalog_->resolve("me/legacy")->answered_by);

  ImportRequest wrong = request("b.gguf", special_gguf("bert", 1, 0), "me/wrong");
  wrong.task = Task::text_generation;
  EXPECT_EQ(catalog_->take_in(wrong, {}).error().code, Code::file_invalid);
  wrong.task = Task::text_to_speech;
  EXPECT_EQ(catalog_->take_in(wrong, {}).error().code, Code::invalid_input);
  ImportRequest theirs = request("m.gguf", small_gguf("llama", 64), "@cf/t/big");
  theirs.task = Task::text_generation;
  EXPECT_EQ(catalog_->take_in(theirs, {}).error().code, Code::invalid_input);
}

TEST_F(ImportTest, NamesThatCannotBeAreRefusedBeforeAnythingIsCopied) {
  for (const char* id : {"", "a b", "../x", "cf/me/x", "proxy", "tiny"}) {
    EXPECT_EQ(import("m.gguf", small_gguf("llama", 64), id).error().code, Code::invalid_input)
        << id;
  }
  ImportRequest part = request("m.gguf", small_gguf("clip", 64), "me/none");
  part.part = "vae";
  EXPECT_EQ(catalog_->take_in(part, {}).error().code, Code::model_not_found);
  EXPECT_TRUE(files_left().empty());
}

TEST_F(ImportTest, UnboundItIsGoneAndTheFileStaysRemovedBothAreGone) {
  ASSERT_TRUE(import("m.gguf", small_gguf("llama", 64), "me/one").ok());
  ASSERT_TRUE(import("m.gguf", small_gguf("llama", 64), "me/two").ok());
  ASSERT_TRUE(catalog_->unbind("me/one").ok());
  EXPECT_EQ(catalog_->find("me/one").error().code, Code::model_not_found);
  EXPECT_EQ(catalog_->unbind("me/one").error().code, Code::not_found);
  EXPECT_EQ(catalog_->resolve("me/two")->answered_by, "m");
  ASSERT_TRUE(catalog_->remove("me/two").ok());
  EXPECT_EQ(catalog_->find("me/two").error().code, Code::model_not_found);
  EXPECT_TRUE(files_left().empty());
}

TEST_F(ImportTest, AnIdThatIsBoundAnewChangesItsTaskAndOldEntriesStayReadable) {
  ASSERT_TRUE(import("m.gguf", small_gguf("llama", 64), "me/x").ok());
  const ModelEntry* before = *catalog_->find("me/x");
  ASSERT_TRUE(import("b.gguf", special_gguf("bert", 1, 0), "me/x").ok());
  EXPECT_EQ((*catalog_->find("me/x"))->task, Task::text_embeddings);
  EXPECT_EQ(catalog_->resolve("me/x")->answered_by, "b");
  EXPECT_EQ(before->task, Task::text_generation);
}

TEST_F(ImportTest, AModelOfTheUsersOwnWhoseFileVanishedHasNoStandIn) {
  ASSERT_TRUE(import("tiny.gguf", small_gguf("llama", 64, "tiny"), "@cf/t/big").ok());
  ASSERT_TRUE(import("m.gguf", small_gguf("llama", 64), "me/x").ok());
  fs::remove(home_ / "models/m.gguf");
  EXPECT_EQ(catalog_->resolve("me/x").error().code, Code::model_not_installed);
}

TEST_F(ImportTest, ASplitModelComesWholeFromItsFirstFileOrItsFolder) {
  for (std::uint32_t at = 0; at < 3; ++at) {
    write_file(files_ / split_file_name("big", at + 1, 3), split_gguf(at, 3));
  }
  ImportRequest folder;
  folder.source = files_.path();
  folder.ids = {"me/big"};
  const auto installed = catalog_->take_in(folder, {});
  ASSERT_TRUE(installed.ok()) << installed.error().message;
  EXPECT_EQ(installed->name, "big");
  EXPECT_EQ(files_left(),
            (std::vector<std::string>{"big-00001-of-00003.gguf", "big-00002-of-00003.gguf",
                                      "big-00003-of-00003.gguf"}));
  const auto resolved = catalog_->resolve("me/big");
  ASSERT_TRUE(resolved.ok()) << resolved.error().message;
  EXPECT_EQ(resolved->path.filename(), "big-00001-of-00003.gguf");
  ASSERT_EQ(resolved->parts.size(), 2u);
  EXPECT_EQ(resolved->parts[1].path.filename(), "big-00003-of-00003.gguf");
  EXPECT_GT(installed->bytes, fs::file_size(home_ / "models/big-00003-of-00003.gguf"));

  ImportRequest again;
  again.source = files_ / "big-00002-of-00003.gguf";
  again.ids = {"me/too"};
  ASSERT_TRUE(catalog_->take_in(again, {}).ok());
  EXPECT_EQ(files_left().size(), 3u);
  fs::remove(home_ / "models/big-00002-of-00003.gguf");
  EXPECT_EQ(catalog_->resolve("me/too").error().code, Code::model_not_installed);
  ASSERT_TRUE(catalog_->remove("me/too").ok());
  EXPECT_TRUE(files_left().empty());
}

TEST_F(ImportTest, AnotherSplitModelOfTheSameNameGetsNamesThatStillFitTogether) {
  for (const char* salt : {"one", "two"}) {
    for (std::uint32_t at = 0; at < 2; ++at) {
      write_file(files_ / split_file_name("big", at + 1, 2), split_gguf(at, 2, salt));
    }
    ImportRequest wanted;
    wanted.source = files_.path();
    wanted.ids = {std::string("me/") + salt};
    ASSERT_TRUE(catalog_->take_in(wanted, {}).ok());
  }
  const auto second = catalog_->resolve("me/two");
  ASSERT_TRUE(second.ok()) << second.error().message;
  const SplitName name = split_name(second->path.filename().string());
  EXPECT_EQ(name.prefix, "big-" + second->sha256.substr(0, 8));
  EXPECT_EQ(second->parts[0].path.filename(), split_file_name(name.prefix, 2, 2));
}

TEST_F(ImportTest, FilesThatAreNotOfOneModelAreRefused) {
  const auto refused = [&](std::vector<std::pair<std::string, std::string>> files) {
    TestFolder folder;
    for (const auto& [name, bytes] : files) write_file(folder / name, bytes);
    ImportRequest wanted;
    wanted.source = folder / files.front().first;
    wanted.ids = {"me/x"};
    return catalog_->take_in(wanted, {}).error().code;
  };
  EXPECT_EQ(refused({{"a-00001-of-00002.gguf", split_gguf(0, 2)}}), Code::file_invalid);
  EXPECT_EQ(refused({{"a.gguf", split_gguf(0, 2)}}), Code::file_invalid);
  EXPECT_EQ(refused({{"a.gguf", split_gguf(1, 2)}}), Code::file_invalid);
  EXPECT_EQ(refused({{"a-00001-of-00002.gguf", split_gguf(0, 2)},
                     {"a-00002-of-00002.gguf", split_gguf(0, 2)}}),
            Code::file_invalid);
  EXPECT_EQ(refused({{"a-00001-of-00002.gguf", split_gguf(1, 2)},
                     {"a-00002-of-00002.gguf", split_gguf(0, 2)}}),
            Code::file_invalid);
  EXPECT_EQ(refused({{"a-00001-of-00002.gguf", small_gguf("llama", 64)},
                     {"a-00002-of-00002.gguf", split_gguf(1, 2)}}),
            Code::file_invalid);
  EXPECT_TRUE(files_left().empty());
}

TEST_F(ImportTest, AFolderWithSeveralModelsAsksWhichOne) {
  write_file(files_ / "a.gguf", small_gguf("llama", 64, "a"));
  write_file(files_ / "b-Q4_K_M.gguf", small_gguf("llama", 64, "b"));
  ImportRequest wanted;
  wanted.source = files_.path();
  wanted.ids = {"me/x"};
  EXPECT_EQ(catalog_->take_in(wanted, {}).error().code, Code::invalid_input);
  wanted.pick = "q4";
  EXPECT_EQ(catalog_->take_in(wanted, {})->name, "b-Q4_K_M");
}

// The hub's API over a map of files.
class HubImportTest : public ImportTest {
 protected:
  HubImportTest() {
    http::ServerOptions options;
    options.handler = [this](http::Request request) { return answer(std::move(request)); };
    server_ = std::make_unique<http::testing::ServerThread>(std::move(options));
    ::setenv("HF_ENDPOINT", server_->url("").c_str(), 1);
    ::unsetenv("HF_TOKEN");
  }
  ~HubImportTest() override { ::unsetenv("HF_ENDPOINT"); }

  boost::asio::awaitable<http::Response> answer(http::Request request) {
    http::Response response;
    last_token_ = request.headers.get("authorization");
    if (request.path == "/api/models/o/r/tree/main") {
      response.headers.set("content-type", "application/json");
      response.body = "[{\"type\":\"directory\",\"path\":\"q8\"}";
      for (const auto& [path, bytes] : hub_) {
        response.body += R"(,{"type":"file","path":")" + path + R"(","size":)" +
                         std::to_string(bytes.size()) + R"(,"lfs":{"oid":")" +
                         (lies_ ? std::string(64, 'b') : sha256_of(bytes)) + R"("}})";
      }
      response.body += "]";
      co_return response;
    }
    const std::string place = "/o/r/resolve/main/";
    const auto found =
        request.path.starts_with(place) ? hub_.find(request.path.substr(place.size())) : hub_.end();
    if (found == hub_.end()) {
      response.status = 404;
      co_return response;
    }
    ++fetched_;
    response.body = found->second;
    co_return response;
  }

  ImportRequest from(const std::string& source, const std::string& pick = "") const {
    ImportRequest wanted;
    wanted.source = source;
    wanted.pick = pick;
    wanted.ids = {"me/x"};
    return wanted;
  }

  std::map<std::string, std::string> hub_;
  bool lies_ = false;
  std::atomic<int> fetched_ = 0;
  std::string last_token_;
  std::unique_ptr<http::testing::ServerThread> server_;
};

TEST_F(HubImportTest, TheOnlyModelOfARepositoryIsFetchedAndChecked) {
  hub_ = {{"README.md", "# r"}, {"model-Q4_K_M.gguf", small_gguf("llama", 64, "hub")}};
  std::string doing;
  const auto installed = catalog_->take_in(
      from("hf:o/r"), [&](std::uint64_t done, std::uint64_t total, std::string_view what) {
        EXPECT_LE(done, total);
        doing = what;
      });
  ASSERT_TRUE(installed.ok()) << installed.error().message;
  EXPECT_EQ(installed->name, "model-Q4_K_M");
  EXPECT_EQ(installed->source, server_->url("/o/r/resolve/main/model-Q4_K_M.gguf"));
  EXPECT_EQ(installed->sha256, sha256_of(hub_.at("model-Q4_K_M.gguf")));
  EXPECT_EQ(doing, "checking");
  EXPECT_EQ(catalog_->resolve("me/x")->answered_by, "model-Q4_K_M");
  EXPECT_EQ(files_left(), std::vector<std::string>{"model-Q4_K_M.gguf"});

  ImportRequest second = from("hf:o/r/model-Q4_K_M.gguf");
  second.ids = {"me/y"};
  ASSERT_TRUE(catalog_->take_in(second, {}).ok());
  EXPECT_EQ(fetched_, 1);  // Its sum says that it is here.
  EXPECT_TRUE(catalog_->resolve("me/y").ok());
}

TEST_F(HubImportTest, OfSeveralModelsOneIsPickedAndASplitComesWhole) {
  hub_ = {{"model-Q4_K_M.gguf", small_gguf("llama", 64, "hub")},
          {"q8/big-00001-of-00002.gguf", split_gguf(0, 2)},
          {"q8/big-00002-of-00002.gguf", split_gguf(1, 2)}};
  const auto unclear = catalog_->take_in(from("hf:o/r"), {});
  EXPECT_EQ(unclear.error().code, Code::invalid_input);
  EXPECT_NE(unclear.error().message.find("in 2 files"), std::string::npos);
  EXPECT_EQ(fetched_, 0);
  const auto installed = catalog_->take_in(from("hf:o/r", "big"), {});
  ASSERT_TRUE(installed.ok()) << installed.error().message;
  EXPECT_EQ(fetched_, 2);
  EXPECT_EQ(files_left().size(), 2u);
  EXPECT_EQ(catalog_->resolve("me/x")->parts.size(), 1u);
}

TEST_F(HubImportTest, WhatIsNotThereOrNotWhatWasPromisedIsRefused) {
  EXPECT_EQ(catalog_->take_in(from("hf:o/none"), {}).error().code, Code::not_found);
  EXPECT_EQ(catalog_->take_in(from("hf:o"), {}).error().code, Code::invalid_input);
  hub_ = {{"README.md", "# r"}};
  EXPECT_EQ(catalog_->take_in(from("hf:o/r"), {}).error().code, Code::not_found);
  hub_ = {{"a.gguf", "<html>"}};
  EXPECT_EQ(catalog_->take_in(from("hf:o/r"), {}).error().code, Code::file_invalid);
  hub_ = {{"a.gguf", small_gguf("llama", 64)}};
  lies_ = true;
  EXPECT_EQ(catalog_->take_in(from("hf:o/r"), {}).error().code, Code::checksum_mismatch);
  EXPECT_TRUE(files_left().empty());
}

TEST_F(HubImportTest, TheTokenOfTheEnvironmentIsSent) {
  ::setenv("HF_TOKEN", "hf_secret", 1);
  hub_ = {{"a.gguf", small_gguf("llama", 64)}};
  ASSERT_TRUE(catalog_->take_in(from("hf:o/r"), {}).ok());
  EXPECT_EQ(last_token_, "Bearer hf_secret");
  ::unsetenv("HF_TOKEN");
}

}  // namespace
}  // namespace selvedge::catalog
