// Tests of the catalogue: import, choice by profile, other processes, vanished files, removal.
#include "catalog/catalog.h"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "base/sha256.h"
#include "catalog/gguf_builder.h"
#include "catalog/local_catalog.h"
#include "catalog/test_folder.h"

namespace selvedge::catalog {
namespace {

namespace fs = std::filesystem;
using Ids = std::vector<std::string>;

std::string sha256_of(std::string_view bytes) {
  Sha256 hash;
  hash.add(bytes);
  return hash.hex();
}

// A catalogue of little models: what the real table has, with sums of files that tests can write.
class CatalogTest : public testing::Test {
 protected:
  CatalogTest() {
    const std::string tg = "Text Generation";
    const std::string te = "Text Embeddings";
    artifacts_ =
        artifact("tiny", tiny_, tg, R"("stand_in": true, "reader": false, "models": [])") + "," +
        artifact("reader", reader_, tg, R"("stand_in": true, "models": ["@cf/t/small"])") + "," +
        artifact("exact", exact_, tg, R"("models": ["@cf/t/big", "@hf/t/big"])") + "," +
        artifact("e384", e384_, te,
                 R"("stand_in": true, "query_prefix": "query: ", "models": [])") +
        "," + artifact("e1024", e1024_, te, R"("stand_in": true, "models": [])");
  }

  static std::string artifact(const std::string& name, const std::string& bytes,
                              const std::string& task, const std::string& rest) {
    return R"({"name": ")" + name + R"(", "file": ")" + name + R"(.gguf", "licence": "MIT", )" +
           R"("url": "https://h/)" + name + R"(", "bytes_about": 4900000000, "task": ")" + task +
           R"(", "sha256": ")" + sha256_of(bytes) + "\", " + rest + "}";
  }

  std::unique_ptr<Catalog> open(Profile profile = Profile::auto_) {
    const auto model = [](const std::string& id, const std::string& task, int dimensions) {
      return R"({"id": ")" + id + R"(", "description": "d", "task": ")" + task +
             R"(", "output_dimensions": )" + std::to_string(dimensions) + "}";
    };
    auto table =
        ModelTable::parse(R"({"models": [)" + model("@cf/t/big", "Text Generation", 0) + "," +
                              model("@hf/t/big", "Text Generation", 0) + "," +
                              model("@cf/t/small", "Text Generation", 0) + "," +
                              model("@cf/t/lone", "Text Generation", 0) + "," +
                              model("@cf/t/embed", "Text Embeddings", 768) + "," +
                              model("@cf/t/labels", "Text Classification", 0) + "," +
                              model("@cf/t/reranker", "Text Classification", 0) + "," +
                              model("@cf/t/speech", "Automatic Speech Recognition", 0) + "]}",
                          R"({"artifacts": [)" + artifacts_ + "]}");
    EXPECT_TRUE(table.ok()) << table.error().message;
    auto catalog = LocalCatalog::open(home_.path(), profile, *table);
    EXPECT_TRUE(catalog.ok()) << catalog.error().message;
    return *std::move(catalog);
  }

  Result<Installed> import(Catalog& catalog, const std::string& bytes, const Ids& ids = {},
                           const std::string& name = "my model.gguf") {
    write_file(files_ / name, bytes);
    return catalog.import(files_ / name, ids, {});
  }

  TestFolder home_;
  TestFolder files_;
  std::string tiny_ = small_gguf("llama", 64, "tiny");
  std::string reader_ = small_gguf("llama", 64, "reader, of more bytes");
  std::string exact_ = small_gguf("llama", 64, "exact");
  std::string e384_ = small_gguf("bert", 384, "e384, of more bytes than the other one");
  std::string e1024_ = small_gguf("bert", 1024, "e1024");
  std::string own_ = small_gguf("llama", 64, "own");
  std::string artifacts_;
};

TEST_F(CatalogTest, UnknownUnservedAndMissingModelsSayWhatToDo) {
  const auto catalog = open();
  EXPECT_EQ(catalog->resolve("@cf/x").error().code, Code::model_not_found);
  EXPECT_EQ(catalog->resolve("@cf/x").error().message, "no model is called \"@cf/x\"");
  EXPECT_EQ(catalog->find("@cf/x").error().code, Code::model_not_found);
  EXPECT_EQ(catalog->resolve("@cf/t/speech").error().code, Code::model_unsupported);
  const auto missing = catalog->resolve("@cf/t/big");
  EXPECT_EQ(missing.error().code, Code::model_not_installed);
  EXPECT_EQ(missing.error().message,
            "model \"@cf/t/big\" is not on this machine: fetch it with \"selvedge pull @cf/t/big\" "
            "(4.9 GB), or bind any GGUF with \"selvedge import FILE --as @cf/t/big\"");
  EXPECT_EQ(
      catalog->resolve("@cf/t/lone").error().message,
      "model \"@cf/t/lone\" is not on this machine: bind any GGUF with \"selvedge import FILE "
      "--as @cf/t/lone\"");
}

TEST_F(CatalogTest, ATextModelMayEmulateAClassifierAndNeverAReranker) {
  const auto catalog = open();
  ASSERT_TRUE(import(*catalog, tiny_).ok());
  const auto emulated = catalog->resolve("@cf/t/labels");
  ASSERT_TRUE(emulated.ok()) << emulated.error().message;
  EXPECT_TRUE(emulated->stand_in);
  EXPECT_EQ(emulated->weights_task, Task::text_generation);
  EXPECT_EQ(catalog->resolve("@cf/t/reranker").error().code, Code::model_not_installed);
  EXPECT_EQ(open(Profile::exact)->resolve("@cf/t/labels").error().code, Code::model_not_installed);
  EXPECT_EQ(import(*catalog, own_, {"@cf/t/reranker"}).error().code, Code::file_invalid);
  const std::string classifier = GgufBuilder()
                                     .text("general.architecture", "bert")
                                     .tensor({"cls.weight", {32}, 0, 0})
                                     .data_bytes(128)
                                     .bytes();
  ASSERT_TRUE(import(*catalog, classifier, {"@cf/t/labels", "@cf/t/reranker"}).ok());
  for (const char* id : {"@cf/t/labels", "@cf/t/reranker"}) {
    const auto exact = catalog->resolve(id);
    ASSERT_TRUE(exact.ok()) << exact.error().message;
    EXPECT_FALSE(exact->stand_in);
    EXPECT_EQ(exact->weights_task, Task::text_classification);
  }
}

TEST_F(CatalogTest, AKnownFileBecomesItsArtifactAndAnswersForAllItsIds) {
  const auto catalog = open();
  const auto installed = import(*catalog, exact_);
  ASSERT_TRUE(installed.ok()) << installed.error().message;
  EXPECT_EQ(installed->name, "exact");
  EXPECT_EQ(installed->path, home_.path() / "models" / "exact.gguf");
  EXPECT_EQ(installed->sha256, sha256_of(exact_));
  EXPECT_EQ(installed->models, (Ids{"@cf/t/big", "@hf/t/big"}));
  for (const char* id : {"@cf/t/big", "@hf/t/big"}) {
    const auto resolved = catalog->resolve(id);
    ASSERT_TRUE(resolved.ok());
    EXPECT_EQ(resolved->answered_by, "exact");
    EXPECT_EQ(resolved->requested, id);
    EXPECT_EQ(resolved->entry->id, id);
    EXPECT_FALSE(resolved->stand_in);
  }
  EXPECT_FALSE(fs::exists(home_ / "models/.import-my model.gguf.partial"));
}

TEST_F(CatalogTest, AnUnknownFileNeedsAnId) {
  const auto catalog = open();
  const auto refused = import(*catalog, own_);
  EXPECT_EQ(refused.error().code, Code::file_invalid);
  EXPECT_NE(refused.error().message.find("--as ID"), std::string::npos);
  EXPECT_EQ(import(*catalog, own_, {"@cf/no no"}).error().code, Code::invalid_input);
  const auto installed = import(*catalog, own_, {"@cf/t/big"});
  ASSERT_TRUE(installed.ok()) << installed.error().message;
  EXPECT_EQ(installed->name, "my model");
  EXPECT_EQ(installed->source, "import");
  EXPECT_EQ(catalog->resolve("@cf/t/big")->answered_by, "my model");
  EXPECT_FALSE(catalog->resolve("@cf/t/big")->stand_in);
  EXPECT_FALSE(catalog->resolve("@cf/t/big")->reader);  // 101 parameters.
}

TEST_F(CatalogTest, TheUsersBindingWinsOverTheExactWeightsUnderEveryProfile) {
  ASSERT_TRUE(import(*open(), exact_).ok());
  ASSERT_TRUE(import(*open(), reader_).ok());
  ASSERT_TRUE(import(*open(), own_, {"@cf/t/big"}).ok());
  for (const Profile profile : {Profile::exact, Profile::small, Profile::auto_}) {
    EXPECT_EQ(open(profile)->resolve("@cf/t/big")->answered_by, "my model");
  }
  EXPECT_EQ(open(Profile::auto_)->resolve("@hf/t/big")->answered_by, "exact");
  const auto installed = open()->installed();
  for (const Installed& file : *installed) {
    if (file.name == "exact") {
      EXPECT_EQ(file.models, (Ids{"@hf/t/big"}));
    }
  }
}

TEST_F(CatalogTest, ProfilesDecideBetweenExactWeightsAndStandIns) {
  const auto catalog = open();
  ASSERT_TRUE(import(*catalog, tiny_).ok());
  EXPECT_EQ(open(Profile::exact)->resolve("@cf/t/big").error().code, Code::model_not_installed);
  EXPECT_EQ(catalog->resolve("@cf/t/big")->answered_by, "tiny");
  EXPECT_TRUE(catalog->resolve("@cf/t/big")->stand_in);
  EXPECT_FALSE(catalog->resolve("@cf/t/big")->reader);
  ASSERT_TRUE(import(*catalog, exact_).ok());
  EXPECT_EQ(catalog->resolve("@cf/t/big")->answered_by, "exact");
  EXPECT_EQ(open(Profile::small)->resolve("@cf/t/big")->answered_by, "tiny");
  EXPECT_EQ(open(Profile::exact)->resolve("@cf/t/big")->answered_by, "exact");
}

TEST_F(CatalogTest, StandInsThatReadComeFirstAndAreNoneForTheirOwnId) {
  const auto catalog = open();
  ASSERT_TRUE(import(*catalog, tiny_).ok());
  ASSERT_TRUE(import(*catalog, reader_).ok());
  EXPECT_EQ(catalog->resolve("@cf/t/lone")->answered_by, "reader");
  EXPECT_TRUE(catalog->resolve("@cf/t/lone")->stand_in);
  EXPECT_TRUE(catalog->resolve("@cf/t/lone")->reader);
  EXPECT_FALSE(catalog->resolve("@cf/t/small")->stand_in);
  EXPECT_FALSE(open(Profile::small)->resolve("@cf/t/small")->stand_in);
}

TEST_F(CatalogTest, EmbeddingStandInsMustNotBeWiderThanTheIdPromises) {
  const auto catalog = open();
  ASSERT_TRUE(import(*catalog, e1024_).ok());
  EXPECT_EQ(catalog->resolve("@cf/t/embed").error().code, Code::model_not_installed);
  ASSERT_TRUE(import(*catalog, e384_).ok());
  EXPECT_EQ(catalog->resolve("@cf/t/embed")->answered_by, "e384");
  EXPECT_EQ(catalog->resolve("@cf/t/embed")->query_prefix, "query: ");
  const auto too_wide = import(*catalog, small_gguf("bert", 1024, "w"), {"@cf/t/embed"});
  EXPECT_EQ(too_wide.error().code, Code::file_invalid);
  EXPECT_NE(too_wide.error().message.find("1024"), std::string::npos);
}

TEST_F(CatalogTest, AFileThatCannotDoTheTaskIsRefused) {
  const auto catalog = open();
  const auto refused = import(*catalog, small_gguf("bert", 64), {"@cf/t/big"});
  EXPECT_EQ(refused.error().code, Code::file_invalid);
  EXPECT_NE(refused.error().message.find("cannot answer"), std::string::npos);
  EXPECT_TRUE(import(*catalog, own_, {"@cf/t/embed"}).ok());  // Text models embed, too.
}

TEST_F(CatalogTest, BrokenFilesLeaveNothingBehind) {
  const auto catalog = open();
  EXPECT_EQ(import(*catalog, own_.substr(0, own_.size() - 1), {"@cf/t/big"}).error().code,
            Code::file_invalid);
  EXPECT_EQ(import(*catalog, "not a model at all", {"@cf/t/big"}).error().code, Code::file_invalid);
  EXPECT_EQ(catalog->import(files_ / "none", {}, {}).error().code, Code::not_found);
  EXPECT_TRUE(fs::is_empty(home_ / "models"));
  EXPECT_TRUE(catalog->installed()->empty());
}

TEST_F(CatalogTest, TheSameBytesAreInstalledOnceAndBoundTwice) {
  const auto catalog = open();
  ASSERT_TRUE(import(*catalog, own_, {"@cf/t/big"}, "one.gguf").ok());
  const auto again = import(*catalog, own_, {"@cf/t/lone"}, "two.gguf");
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->name, "one");
  EXPECT_EQ(again->models, (Ids{"@cf/t/big", "@cf/t/lone"}));
  EXPECT_EQ(catalog->installed()->size(), 1u);
}

TEST_F(CatalogTest, OtherBytesUnderATakenNameGetANameOfTheirOwn) {
  const auto catalog = open();
  ASSERT_TRUE(import(*catalog, own_, {"@cf/t/big"}).ok());
  const std::string other = small_gguf("llama", 64, "other");
  const auto second = import(*catalog, other, {"@cf/t/lone"});
  EXPECT_EQ(second->name, "my model-" + sha256_of(other).substr(0, 8));
  const std::string fake = small_gguf("llama", 64, "fake");
  const auto posing = import(*catalog, fake, {"@cf/t/small"}, "exact.gguf");
  EXPECT_EQ(posing->name, "exact-" + sha256_of(fake).substr(0, 8));
  EXPECT_EQ(catalog->resolve("@cf/t/big")->answered_by, "my model");
  EXPECT_EQ(catalog->resolve("@cf/t/lone")->answered_by, second->name);
}

TEST_F(CatalogTest, WhatAnotherProcessInstallsOrRemovesIsSeenAtOnce) {
  const auto server = open();
  EXPECT_FALSE(server->resolve("@cf/t/big").ok());
  const auto command_line = open();
  ASSERT_TRUE(import(*command_line, exact_).ok());
  EXPECT_EQ(server->resolve("@cf/t/big")->answered_by, "exact");
  ASSERT_TRUE(command_line->remove("@cf/t/big").ok());
  EXPECT_EQ(server->resolve("@cf/t/big").error().code, Code::model_not_installed);
}

TEST_F(CatalogTest, AFileThatVanishedOrChangedCountsAsNotInstalled) {
  const auto catalog = open();
  const auto installed = import(*catalog, exact_);
  fs::resize_file(installed->path, 100);
  EXPECT_NE(catalog->resolve("@cf/t/big").error().message.find("vanished or changed"),
            std::string::npos);
  fs::remove(installed->path);
  EXPECT_NE(catalog->resolve("@cf/t/big").error().message.find("\"exact.gguf\" has vanished"),
            std::string::npos);
  EXPECT_TRUE(catalog->installed()->empty());
  ASSERT_TRUE(import(*catalog, exact_).ok());
  EXPECT_TRUE(catalog->resolve("@cf/t/big").ok());
}

TEST_F(CatalogTest, RemoveTakesTheFileAndItsBindings) {
  const auto catalog = open();
  EXPECT_EQ(catalog->remove("nothing").error().code, Code::not_found);
  const auto installed = import(*catalog, own_, {"@cf/t/big"});
  ASSERT_TRUE(catalog->remove("my model").ok());
  EXPECT_FALSE(fs::exists(installed->path));
  EXPECT_EQ(catalog->resolve("@cf/t/big").error().code, Code::model_not_installed);
  EXPECT_EQ(catalog->remove("my model").error().code, Code::not_found);
}

TEST_F(CatalogTest, TheOriginalIsLeftAloneAndItsLaterChangesDoNotReachTheCopy) {
  const auto catalog = open();
  const auto installed = import(*catalog, own_, {"@cf/t/big"});
  write_file(files_ / "my model.gguf", "something else");
  EXPECT_EQ(*sha256_of_file(installed->path), sha256_of(own_));
}

TEST_F(CatalogTest, AnInterruptedImportIsTakenOverByTheNext) {
  const auto catalog = open();
  write_file(home_ / "models/.import-my model.gguf.partial", "half");
  write_file(home_ / "models/.import-my model.gguf.partial.lock", "");
  ASSERT_TRUE(import(*catalog, own_, {"@cf/t/big"}).ok());
  EXPECT_EQ(std::distance(fs::directory_iterator(home_ / "models"), fs::directory_iterator()), 1);
}

TEST_F(CatalogTest, ProgressReachesTheFilesLength) {
  const auto catalog = open();
  write_file(files_ / "x.gguf", exact_);
  std::uint64_t last = 0;
  Ids steps;
  const auto installed = catalog->import(
      files_ / "x.gguf", {}, [&](std::uint64_t done, std::uint64_t total, std::string_view doing) {
        EXPECT_EQ(total, exact_.size());
        last = done;
        if (steps.empty() || steps.back() != doing) steps.emplace_back(doing);
      });
  EXPECT_TRUE(installed.ok());
  EXPECT_EQ(last, exact_.size());
  EXPECT_EQ(steps, (Ids{"checking", "copying"}));
}

TEST_F(CatalogTest, ADamagedDatabaseIsAnErrorThatNamesIt) {
  write_file(home_ / "catalog.db", std::string(5'000, 'x'));
  const auto catalog = Catalog::open(home_.path(), Profile::auto_);
  ASSERT_FALSE(catalog.ok());
  EXPECT_EQ(catalog.error().code, Code::corrupt_data);
  EXPECT_NE(catalog.error().message.find("catalog.db"), std::string::npos);
}

TEST_F(CatalogTest, ManyThreadsResolveWhileFilesComeAndGo) {
  const auto catalog = open();
  ASSERT_TRUE(import(*catalog, tiny_).ok());
  std::vector<std::thread> readers;
  std::atomic<bool> done = false;
  std::atomic<int> wrong = 0;
  for (int at = 0; at < 3; ++at) {
    readers.emplace_back([&] {
      while (!done) {
        const auto resolved = catalog->resolve("@cf/t/big");
        if (!resolved.ok() || resolved->entry == nullptr) ++wrong;
      }
    });
  }
  for (int round = 0; round < 10; ++round) {
    EXPECT_TRUE(import(*catalog, exact_).ok());
    EXPECT_TRUE(catalog->remove("exact").ok());
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(CatalogTest, TwoProcessesMayCreateTheFolderAtOnce) {
  std::vector<std::thread> openers;
  std::atomic<int> opened = 0;
  for (int at = 0; at < 4; ++at) {
    openers.emplace_back([&] {
      if (Catalog::open(home_ / "new", Profile::auto_).ok()) ++opened;
    });
  }
  for (std::thread& opener : openers) opener.join();
  EXPECT_EQ(opened, 4);
}

// A model of several files, and others that draw.
class PartsTest : public CatalogTest {
 protected:
  PartsTest() {
    const std::string ti = "Text-to-Image";
    artifacts_ =
        artifact("picture", picture_, ti, R"("models": ["@cf/t/flux"], "steps": 4)") + "," +
        artifact("clip", clip_, ti, R"("part": "clip_l", "models": ["@cf/t/flux"])") + "," +
        artifact("extra", extra_, ti,
                 R"("part": "vae", "optional": true, "models": ["@cf/t/flux"])");
    const auto model = [](const std::string& id, const std::string& task) {
      return R"({"id": ")" + id + R"(", "description": "d", "task": ")" + task + "\"}";
    };
    auto table = ModelTable::parse(R"({"models": [)" + model("@cf/t/flux", ti) + "," +
                                       model("@cf/t/other", ti) + "," +
                                       model("@cf/t/text", "Text Generation") + "]}",
                                   R"({"artifacts": [)" + artifacts_ + "]}");
    EXPECT_TRUE(table.ok()) << table.error().message;
    catalog_ = LocalCatalog::open(home_.path(), Profile::auto_, *table).value();
  }

  static std::string safetensors(const std::string& name) {
    const std::string header =
        "{\"" + name + R"(":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
    const std::uint64_t bytes = header.size();
    return std::string(reinterpret_cast<const char*>(&bytes), sizeof bytes) + header +
           std::string(8, '\1');
  }

  std::string picture_ = small_gguf("flux", 64, "picture");
  std::string clip_ = safetensors("text_model.x");
  std::string extra_ = safetensors("decoder.x");
  std::string own_picture_ = safetensors("model.diffusion_model.x");
  std::unique_ptr<Catalog> catalog_;
};

TEST_F(PartsTest, WeightsWithoutAPartThatTheyNeedAreNotInstalled) {
  ASSERT_TRUE(import(*catalog_, picture_).ok());
  const auto missing = catalog_->resolve("@cf/t/flux");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, Code::model_not_installed);
  EXPECT_EQ(missing.error().message,
            "model \"@cf/t/flux\" lacks its part clip_l (\"clip.gguf\"): fetch it with \"selvedge "
            "pull @cf/t/flux\" (4.9 GB)");
  const auto part = import(*catalog_, clip_, {}, "clip.safetensors");
  ASSERT_TRUE(part.ok()) << part.error().message;
  EXPECT_EQ(part->part, "clip_l");
  const auto whole = catalog_->resolve("@cf/t/flux");
  ASSERT_TRUE(whole.ok()) << whole.error().message;
  ASSERT_EQ(whole->parts.size(), 1u);
  EXPECT_EQ(whole->parts[0].role, "clip_l");
  EXPECT_EQ(whole->drawing.steps, 4);
  ASSERT_TRUE(import(*catalog_, extra_, {}, "extra.safetensors").ok());
  EXPECT_EQ(catalog_->resolve("@cf/t/flux")->parts.size(), 2u);
}

TEST_F(PartsTest, OnesOwnWeightsHaveOnesOwnParts) {
  const auto weights = import(*catalog_, own_picture_, {"@cf/t/other"}, "own.safetensors");
  ASSERT_TRUE(weights.ok()) << weights.error().message;
  EXPECT_EQ(weights->task, Task::text_to_image);
  EXPECT_TRUE(catalog_->resolve("@cf/t/other")->parts.empty());
  write_file(files_ / "enc.safetensors", safetensors("text_model.own"));
  const Ids ids = {"@cf/t/other"};
  const auto part = catalog_->import_part(files_ / "enc.safetensors", "clip_l", ids, {});
  ASSERT_TRUE(part.ok()) << part.error().message;
  EXPECT_EQ(part->models, ids);
  const auto resolved = catalog_->resolve("@cf/t/other");
  ASSERT_TRUE(resolved.ok());
  ASSERT_EQ(resolved->parts.size(), 1u);
  EXPECT_EQ(resolved->parts[0].role, "clip_l");
  // A second program sees it, and another file takes its place.
  write_file(files_ / "new.safetensors", safetensors("text_model.y"));
  ASSERT_TRUE(catalog_->import_part(files_ / "new.safetensors", "clip_l", ids, {}).ok());
  EXPECT_EQ(catalog_->resolve("@cf/t/other")->parts.size(), 1u);
  EXPECT_EQ(catalog_->resolve("@cf/t/other")->parts[0].path.filename(), "new.safetensors");
}

TEST_F(PartsTest, PartsThatATaskHasNotAreRefused) {
  write_file(files_ / "enc.safetensors", clip_);
  const auto refused = [&](const std::string& part, const Ids& ids) {
    const auto taken = catalog_->import_part(files_ / "enc.safetensors", part, ids, {});
    return taken.ok() ? Code::internal : taken.error().code;
  };
  EXPECT_EQ(refused("nose", {"@cf/t/other"}), Code::invalid_input);
  EXPECT_EQ(refused("clip_l", {"@cf/t/text"}), Code::invalid_input);
  EXPECT_EQ(refused("clip_l", {}), Code::invalid_input);
  EXPECT_EQ(refused("clip_l", {"@cf/t/none"}), Code::model_not_found);
}

TEST_F(PartsTest, APartAloneAnswersForNothingAndAWeightsFileThatIsNoneIsRefused) {
  const auto part = import(*catalog_, clip_, {"@cf/t/other"}, "clip.safetensors");
  ASSERT_FALSE(part.ok());
  EXPECT_EQ(part.error().code, Code::file_invalid);
  std::string cut = own_picture_;
  cut.pop_back();
  EXPECT_EQ(import(*catalog_, cut, {"@cf/t/other"}, "own.safetensors").error().code,
            Code::file_invalid);
  EXPECT_EQ(
      import(*catalog_, std::string("PK\x03\x04zip"), {"@cf/t/other"}, "own.ckpt").error().code,
      Code::file_invalid);
}

// Models that read pictures, by a projector, and tasks that they do for others.
class ProjectorTest : public CatalogTest {
 protected:
  ProjectorTest() {
    const std::string itt = "Image-to-Text";
    artifacts_ =
        artifact("moon", moon_, itt, R"("stand_in": true, "models": [])") + "," +
        artifact("moon-eye", moon_eye_, itt, R"("part": "projector", "of": "moon", "models": [])") +
        "," +
        artifact("gem-eye", gem_eye_, "Text Generation",
                 R"("part": "projector", "optional": true, "models": ["@cf/t/gem"])") +
        "," + artifact("small", small_, "Text Generation", R"("stand_in": true, "models": [])");
    const auto model = [](const std::string& id, const std::string& task) {
      return R"({"id": ")" + id + R"(", "description": "d", "task": ")" + task + "\"}";
    };
    auto table = ModelTable::parse(R"({"models": [)" + model("@cf/t/gem", "Text Generation") + "," +
                                       model("@cf/t/eyes", "Text Generation") + "," +
                                       model("@cf/t/caption", itt) + "," +
                                       model("@cf/t/label", "Image Classification") + "]}",
                                   R"({"artifacts": [)" + artifacts_ + "]}");
    EXPECT_TRUE(table.ok()) << table.error().message;
    catalog_ = LocalCatalog::open(home_.path(), Profile::auto_, *table).value();
  }
  static std::string projector(const std::string& name) {
    return GgufBuilder()
        .text("general.architecture", "clip")
        .text("general.name", name)
        .raw("clip.has_vision_encoder", 7, std::string(1, '\1'))
        .tensor({"t", {32}, 0, 0})
        .data_bytes(128)
        .bytes();
  }
  Result<Installed> bind(const std::string& bytes, const std::string& id) {
    write_file(files_ / "eye.gguf", bytes);
    const Ids ids = {id};
    return catalog_->import_part(files_ / "eye.gguf", "projector", ids, {});
  }

  std::string moon_ = small_gguf("llama", 64, "moon");
  std::string small_ = small_gguf("llama", 64, "small");
  std::string moon_eye_ = projector("moon-eye");
  std::string gem_eye_ = projector("gem-eye");
  std::unique_ptr<Catalog> catalog_;
};

TEST_F(ProjectorTest, WeightsWithoutOneSayWhatToBring) {
  ASSERT_TRUE(import(*catalog_, small_gguf("llama", 64, "own"), {"@cf/t/gem", "@cf/t/eyes"}).ok());
  EXPECT_EQ(catalog_->resolve("@cf/t/eyes")->blind_because,
            "model @cf/t/eyes reads no pictures without a projector, which is not on this machine: "
            "bind the one of its weights with \"selvedge import MMPROJ.gguf --part projector --as "
            "@cf/t/eyes\"");
  EXPECT_NE(catalog_->resolve("@cf/t/gem")->blind_because.find("\"selvedge pull gem-eye\""),
            std::string::npos);
  ASSERT_TRUE(bind(projector("x"), "@cf/t/eyes").ok());
  const auto sees = catalog_->resolve("@cf/t/eyes");
  EXPECT_EQ(sees->blind_because, "");
  ASSERT_EQ(sees->parts.size(), 1u);
  EXPECT_EQ(sees->parts[0].role, "projector");
}

TEST_F(ProjectorTest, AStandInForTextsGetsNoProjectorOfTheModelItStandsInFor) {
  ASSERT_TRUE(import(*catalog_, small_).ok());
  ASSERT_TRUE(import(*catalog_, gem_eye_, {}, "gem-eye.gguf").ok());
  ASSERT_TRUE(bind(projector("x"), "@cf/t/gem").ok());
  const auto resolved = catalog_->resolve("@cf/t/gem");
  ASSERT_TRUE(resolved.ok()) << resolved.error().message;
  EXPECT_TRUE(resolved->stand_in);
  EXPECT_TRUE(resolved->parts.empty());
  EXPECT_NE(resolved->blind_because.find("stand-in small"), std::string::npos);
}

TEST_F(ProjectorTest, AFileThatIsNoProjectorIsRefusedAsOne) {
  const auto refused = bind(small_gguf("llama", 64, "own"), "@cf/t/eyes");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::file_invalid);
  EXPECT_NE(refused.error().message.find("is no projector that reads pictures"), std::string::npos);
}

TEST_F(ProjectorTest, CaptionsAndLabelsComeFromAModelThatReadsPictures) {
  const auto none = catalog_->resolve("@cf/t/caption");
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code, Code::model_not_installed);
  EXPECT_NE(none.error().message.find("\"selvedge pull moon\""), std::string::npos);
  ASSERT_TRUE(import(*catalog_, small_).ok());  // A text model that reads none.
  EXPECT_FALSE(catalog_->resolve("@cf/t/caption").ok());
  ASSERT_TRUE(import(*catalog_, small_gguf("llama", 64, "own"), {"@cf/t/eyes"}, "own.gguf").ok());
  ASSERT_TRUE(bind(projector("x"), "@cf/t/eyes").ok());
  for (const char* id : {"@cf/t/caption", "@cf/t/label"}) {
    const auto resolved = catalog_->resolve(id);
    ASSERT_TRUE(resolved.ok()) << resolved.error().message;
    EXPECT_EQ(resolved->entry->id, id);
    EXPECT_EQ(resolved->answered_by, "own");
    EXPECT_TRUE(resolved->stand_in);
    ASSERT_EQ(resolved->parts.size(), 1u);
    EXPECT_EQ(resolved->blind_because, "");
  }
}

TEST_F(ProjectorTest, OneMadeForCaptionsGoesFirstAndNeedsItsOwnProjector) {
  ASSERT_TRUE(import(*catalog_, small_gguf("llama", 64, "own"), {"@cf/t/eyes"}, "own.gguf").ok());
  ASSERT_TRUE(bind(projector("x"), "@cf/t/eyes").ok());
  ASSERT_TRUE(import(*catalog_, moon_, {}, "moon.gguf").ok());
  const auto lacks = catalog_->resolve("@cf/t/caption");
  ASSERT_FALSE(lacks.ok());
  EXPECT_NE(lacks.error().message.find("\"selvedge pull moon\""), std::string::npos);
  ASSERT_TRUE(import(*catalog_, moon_eye_, {}, "moon-eye.gguf").ok());
  EXPECT_EQ(catalog_->resolve("@cf/t/caption")->answered_by, "moon");
  EXPECT_EQ(catalog_->resolve("@cf/t/caption")->parts.size(), 1u);
  // Its own weights go before any other's.
  ASSERT_TRUE(
      import(*catalog_, small_gguf("llama", 64, "llava"), {"@cf/t/caption"}, "l.gguf").ok());
  EXPECT_FALSE(catalog_->resolve("@cf/t/caption")->stand_in);
}

}  // namespace
}  // namespace selvedge::catalog
