// Tests of the model table: every id is there, the rows hold what was published, and a wrong table
// is refused.
#include "catalog/model_table.h"

#include <fstream>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "catalog/task_names.h"

namespace selvedge::catalog {
namespace {

std::shared_ptr<const ModelTable> built_in() {
  auto table = ModelTable::built_in();
  EXPECT_TRUE(table.ok()) << table.error().message;
  return *table;
}

std::map<std::string, std::string> expected_ids() {
  std::map<std::string, std::string> tasks;
  std::ifstream file(SELVEDGE_CATALOG_TEST_DATA "/model_ids.txt");
  for (std::string line; std::getline(file, line);) {
    const std::size_t bar = line.find(" | ");
    if (!line.starts_with('#') && bar != std::string::npos) {
      tasks[line.substr(0, bar)] = line.substr(bar + 3);
    }
  }
  return tasks;
}

TEST(ModelTable, HoldsEveryIdWithItsTaskAndNoOther) {
  const auto table = built_in();
  const auto expected = expected_ids();
  EXPECT_EQ(expected.size(), 111u);
  EXPECT_EQ(table->entries().size(), expected.size());
  for (const auto& [id, task] : expected) {
    const ModelEntry* entry = table->find(id);
    ASSERT_NE(entry, nullptr) << id;
    EXPECT_EQ(entry->task_name, task) << id;
  }
}

TEST(ModelTable, NoIdOrUuidStandsTwiceAndEveryRowIsFilled) {
  const auto table = built_in();
  std::set<std::string> ids;
  std::set<std::string> uuids;
  for (const ModelEntry& entry : table->entries()) {
    EXPECT_TRUE(ids.insert(entry.id).second) << entry.id;
    EXPECT_TRUE(uuids.insert(entry.uuid).second) << entry.id;
    EXPECT_EQ(entry.uuid.size(), 36u) << entry.id;
    EXPECT_FALSE(entry.description.empty()) << entry.id;
    EXPECT_EQ(entry.deprecated, !entry.deprecated_on.empty()) << entry.id;
    for (const UnitPrice& price : entry.prices.units) EXPECT_GE(price.neurons, 0) << entry.id;
  }
}

TEST(ModelTable, TheTextModelsRowIsAsPublished) {
  const ModelEntry entry = *built_in()->find("@cf/meta/llama-3-8b-instruct");
  EXPECT_EQ(entry.uuid, "e11d8f45-7b08-499a-9eeb-71d4d3c8cbf9");
  EXPECT_EQ(entry.task, Task::text_generation);
  EXPECT_EQ(entry.task_id, "c329a1f9-323d-4e91-b2aa-582dd4188d34");
  EXPECT_EQ(entry.schema, Schema::legacy);
  EXPECT_EQ(entry.context_tokens, 7968);
  EXPECT_TRUE(entry.deprecated);
  EXPECT_EQ(entry.deprecated_on, "2026-05-30");
  EXPECT_FALSE(entry.lora);
  EXPECT_EQ(entry.prices.per_m_input_tokens, 25608);
  EXPECT_EQ(entry.prices.per_m_output_tokens, 75147);
  EXPECT_EQ(entry.prices.per_m_cached_input_tokens, 0);
}

TEST(ModelTable, OtherRowsAreAsPublished) {
  const auto table = built_in();
  const ModelEntry& embeddings = *table->find("@cf/baai/bge-base-en-v1.5");
  EXPECT_EQ(embeddings.uuid, "429b9e8b-d99e-44de-91ad-706cf8183658");
  EXPECT_EQ(embeddings.prices.per_m_input_tokens, 6058);
  EXPECT_EQ(embeddings.context_tokens, 512);
  const ModelEntry& kimi = *table->find("@cf/moonshotai/kimi-k2.6");
  EXPECT_EQ(kimi.schema, Schema::openai);
  EXPECT_EQ(kimi.prices.per_m_cached_input_tokens, 14545);
  EXPECT_TRUE(kimi.function_calling);
  EXPECT_TRUE(kimi.listed);
  const ModelEntry& whisper = *table->find("@cf/openai/whisper");
  EXPECT_EQ(whisper.task, Task::automatic_speech_recognition);
  EXPECT_DOUBLE_EQ(whisper.prices.per_audio_minute, 41.14);
  const ModelEntry& flux = *table->find("@cf/black-forest-labs/flux-1-schnell");
  ASSERT_EQ(flux.prices.units.size(), 2u);
  EXPECT_DOUBLE_EQ(flux.prices.units[0].neurons, 4.8);  // per_512_tile
  EXPECT_EQ(table->find("@cf/meta/m2m100-1.2b")->prices.per_m_output_tokens, 31050);
  EXPECT_TRUE(table->find("@cf/mistral/mistral-7b-instruct-v0.2-lora")->lora);
  EXPECT_EQ(table->find("@cf/nobody/nothing"), nullptr);
}

TEST(ModelTable, EmbeddingIdsPromiseTheirDimensions) {
  const auto table = built_in();
  const std::map<std::string, int> expected = {
      {"@cf/baai/bge-small-en-v1.5", 384},      {"@cf/baai/bge-base-en-v1.5", 768},
      {"@cf/baai/bge-large-en-v1.5", 1024},     {"@cf/baai/bge-m3", 1024},
      {"@cf/google/embeddinggemma-300m", 768},  {"@cf/qwen/qwen3-embedding-0.6b", 1024},
      {"@cf/qwen/qwen3-vl-embedding-2b", 1024}, {"@cf/pfnet/plamo-embedding-1b", 2048}};
  for (const ModelEntry& entry : table->entries()) {
    if (entry.task != Task::text_embeddings) continue;
    ASSERT_TRUE(expected.contains(entry.id)) << entry.id;
    EXPECT_EQ(entry.output_dimensions, expected.at(entry.id)) << entry.id;
  }
}

TEST(ModelTable, ArtifactsOfTheMainJobAreKnownByTheirSums) {
  const auto table = built_in();
  const Artifact* text =
      table->artifact_by_sha256("b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53");
  ASSERT_NE(text, nullptr);
  EXPECT_EQ(text->name, "smollm2-135m-instruct-q4_1");
  EXPECT_EQ(text->bytes, 98'362'432u);
  EXPECT_TRUE(text->stand_in);
  EXPECT_FALSE(text->reader);
  const Artifact* embeddings = table->artifact("multilingual-e5-small-q4_0");
  ASSERT_NE(embeddings, nullptr);
  EXPECT_EQ(embeddings->task, Task::text_embeddings);
  EXPECT_EQ(embeddings->query_prefix, "query: ");
  EXPECT_EQ(embeddings->passage_prefix, "passage: ");
  EXPECT_DOUBLE_EQ(embeddings->refuse_below_latin, 0.82);
  EXPECT_DOUBLE_EQ(embeddings->refuse_below_cjk, 0.86);
}

TEST(ModelTable, AliasesShareOneArtifactAndPartsAreNoWeights) {
  const auto table = built_in();
  const Artifact* artifact = table->exact_artifact("@cf/meta/llama-3-8b-instruct");
  ASSERT_NE(artifact, nullptr);
  EXPECT_EQ(table->exact_artifact("@hf/meta-llama/meta-llama-3-8b-instruct"), artifact);
  EXPECT_EQ(artifact->url,
            "https://huggingface.co/QuantFactory/Meta-Llama-3-8B-Instruct-GGUF/resolve/main/"
            "Meta-Llama-3-8B-Instruct.Q4_K_M.gguf");
  EXPECT_EQ(table->exact_artifact("@cf/google/gemma-3-12b-it")->part, "");
  EXPECT_EQ(table->exact_artifact("@cf/cloudflare/clef"), nullptr);
}

std::string problem_of(const std::string& model, const std::string& artifact) {
  const auto table =
      ModelTable::parse(R"({"models": [)" + model + "]}", R"({"artifacts": [)" + artifact + "]}");
  if (table.ok()) return "none";
  EXPECT_EQ(table.error().code, Code::corrupt_data);
  return table.error().message;
}

TEST(ModelTable, AWrongTableIsRefused) {
  const std::string model = R"({"id": "@cf/a", "task": "Text Generation", "description": "d"})";
  const std::string tail = R"(, "licence": "MIT", "task": "Text Generation", "models": ["@cf/a"]})";
  const std::string good = R"({"name": "n", "file": "f", "url": "https://x/y")" + tail;
  EXPECT_EQ(problem_of(model, good), "none");
  EXPECT_NE(problem_of(model + "," + model, "").find("twice"), std::string::npos);
  EXPECT_NE(problem_of("", good).find("no model"), std::string::npos);
  EXPECT_NE(problem_of(model, good + "," + good).find("two artifacts"), std::string::npos);
  EXPECT_NE(problem_of(model, R"({"name": "n", "file": "../f", "url": "u")" + tail), "none");
  EXPECT_NE(problem_of(model, R"({"name": "n", "file": "f", "sha256": "12")" + tail), "none");
  EXPECT_NE(problem_of(model, R"({"name": "n", "file": "f")" + tail), "none");
  const std::string priced = R"({"id": "@cf/a", "task": "t", "description": "d",
                                 "neurons": {"per_step": -1}})";
  EXPECT_NE(problem_of(priced, "").find("price"), std::string::npos);
  EXPECT_NE(problem_of("{", ""), "none");
  EXPECT_NE(problem_of(R"({"id": 5})", ""), "none");
}

TEST(TaskNames, AreReadInAnySpelling) {
  EXPECT_EQ(task_from_name("Text Generation"), Task::text_generation);
  EXPECT_EQ(task_from_name("text-embeddings"), Task::text_embeddings);
  EXPECT_EQ(task_from_name("TEXT_TO_IMAGE"), Task::text_to_image);
  EXPECT_EQ(task_from_name("dumb pipe"), std::nullopt);
  EXPECT_EQ(task_name(Task::text_to_speech), "Text-to-Speech");
}

TEST(ReadableBytes, AreRoundedLikeDownloadPages) {
  EXPECT_EQ(readable_bytes(4'900'000'000), "4.9 GB");
  EXPECT_EQ(readable_bytes(98'362'432), "98 MB");
  EXPECT_EQ(readable_bytes(1'060'000'000), "1.1 GB");
  EXPECT_EQ(readable_bytes(2'000'000), "2 MB");
  EXPECT_EQ(readable_bytes(999), "999 B");
}

}  // namespace
}  // namespace selvedge::catalog
