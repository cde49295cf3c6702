// Bot doubles: for tests: a catalogue of two models, an inference of word counts, a store of maps.
#pragma once

#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio.hpp>

#include "catalog/catalog.h"
#include "inference/inference.h"
#include "rag/characters.h"
#include "rag/word_overlap.h"
#include "vectors/store.h"

namespace selvedge::rag {

// Resolves every id to `text` or `embedding`; a model that is not there is not installed.
class DoubleCatalog final : public catalog::Catalog {
 public:
  DoubleCatalog() {
    text_entry.id = "text";
    text_entry.context_tokens = 8'192;
    embedding_entry.id = "embedding";
    embedding_entry.output_dimensions = 64;
    text.emplace();
    text->entry = &text_entry;
    text->answered_by = "tiny-text";
    text->stand_in = true;
    text->reader = false;
    embedding.emplace();
    embedding->entry = &embedding_entry;
    embedding->answered_by = "tiny-embedding";
    embedding->stand_in = true;
    embedding->refuse_below_latin = 0.2;
    embedding->refuse_below_cjk = 0.2;
  }

  std::span<const catalog::ModelEntry> entries() const override { return {}; }
  std::span<const catalog::Artifact> artifacts() const override { return {}; }
  Result<const catalog::ModelEntry*> find(std::string_view id) const override {
    return id == "text" ? &text_entry : &embedding_entry;
  }
  Result<catalog::Resolved> resolve(std::string_view id) const override {
    const auto& model = id == "text" ? text : embedding;
    if (!model) return Error{Code::model_not_installed, std::string(id) + ": run selvedge pull"};
    return *model;
  }
  Result<std::vector<catalog::Installed>> installed() const override {
    return std::vector<catalog::Installed>();
  }
  Result<catalog::Installed> take_in(const catalog::ImportRequest&,
                                     const catalog::Progress&) override {
    return Error{Code::unavailable, "double"};
  }
  Result<catalog::Installed> pull(std::string_view, const catalog::Progress&) override {
    return Error{Code::unavailable, "double"};
  }
  Status remove(std::string_view) override { return Error{Code::unavailable, "double"}; }
  Status unbind(std::string_view) override { return Error{Code::unavailable, "double"}; }

  catalog::ModelEntry text_entry;
  catalog::ModelEntry embedding_entry;
  std::optional<catalog::Resolved> text;
  std::optional<catalog::Resolved> embedding;
};

// Embeds the terms of a text into 64 numbers by hash: texts that share words are near. Generates
// "Answer: ", then the user's message, then ends.
class DoubleInference final : public inference::Inference {
 public:
  class Stream final : public inference::TokenStream {
   public:
    Stream(DoubleInference& owner, std::string text) : owner_(owner), text_(std::move(text)) {
      ++owner_.streams_open;
    }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    ~Stream() override { --owner_.streams_open; }
    asio::awaitable<Result<inference::Piece>> next() override {
      inference::Piece piece;
      ++step_;
      if (step_ == 1) piece.text = "Answer: ";
      if (step_ == 2) piece.text = text_;
      if (step_ == 2 && owner_.stream_error) co_return *owner_.stream_error;
      piece.last = step_ == 3;
      piece.usage = {7, 0, 2};
      co_return std::move(piece);
    }

   private:
    DoubleInference& owner_;
    std::string text_;
    int step_ = 0;
  };

  asio::awaitable<Result<std::unique_ptr<inference::TokenStream>>> generate(
      const catalog::Resolved&, inference::GenerateTask task) override {
    if (error) co_return *error;
    last_task = task;
    std::unique_ptr<inference::TokenStream> stream =
        std::make_unique<Stream>(*this, task.messages.back().content);
    co_return std::move(stream);
  }

  asio::awaitable<Result<inference::Embeddings>> embed(const catalog::Resolved& model,
                                                       inference::EmbedTask task) override {
    if (error) co_return *error;
    const auto dimensions = static_cast<std::size_t>(model.entry->output_dimensions);
    inference::Embeddings embeddings;
    embeddings.dimensions = model.entry->output_dimensions;
    embeddings.usage.prompt_tokens = static_cast<std::int32_t>(task.texts.size());
    for (const std::string& text : task.texts) {
      embedded.emplace_back(task.role, text);
      std::vector<float> row(dimensions, 0.0F);
      for (const std::string& term : terms(text)) row[hash(term) % dimensions] += 1.0F;
      float square = 0;
      for (const float value : row) square += value * value;
      for (float& value : row) value /= std::sqrt(std::max(square, 1e-9F));
      embeddings.values.insert(embeddings.values.end(), row.begin(), row.end());
    }
    co_return std::move(embeddings);
  }

  asio::awaitable<Result<inference::TokenSpans>> tokenize(const catalog::Resolved&,
                                                          std::string text) override {
    if (error) co_return *error;
    inference::TokenSpans tokens;
    for (std::size_t at = 0; at < text.size(); ++at) {
      if (at + 1 < text.size() && text[at + 1] != ' ') continue;
      tokens.ids.push_back(1);
      tokens.ends.push_back(static_cast<std::uint32_t>(at + 1));
    }
    co_return std::move(tokens);
  }

  asio::awaitable<Result<inference::Ranks>> rank(const catalog::Resolved&,
                                                 inference::RankTask) override {
    co_return Error{Code::unavailable, "double"};
  }
  asio::awaitable<Result<std::unique_ptr<inference::TranscribeStream>>> transcribe(
      const catalog::Resolved&, inference::TranscribeTask) override {
    co_return Error{Code::unavailable, "double"};
  }
  asio::awaitable<Result<std::unique_ptr<inference::DrawStream>>> draw(
      const catalog::Resolved&, inference::DrawTask) override {
    co_return Error{Code::unavailable, "double"};
  }

  std::vector<inference::RunnerStatus> status() const override { return {}; }
  asio::awaitable<void> shut_down() override { co_return; }

  std::size_t embedded_count(inference::EmbedRole role) const {
    std::size_t count = 0;
    for (const auto& one : embedded) count += one.first == role ? 1 : 0;
    return count;
  }

  std::optional<Error> error;         // Every call fails with it.
  std::optional<Error> stream_error;  // The second piece is this.
  inference::GenerateTask last_task;
  std::vector<std::pair<inference::EmbedRole, std::string>> embedded;
  int streams_open = 0;

 private:
  static std::size_t hash(std::string_view term) {
    std::uint64_t value = 1469598103934665603ULL;
    for (const char c : term) value = (value ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    return static_cast<std::size_t>(value >> 7);
  }
};

class DoubleIndex final : public vectors::Index {
 public:
  explicit DoubleIndex(vectors::IndexDescription description)
      : description_(std::move(description)) {}

  const vectors::IndexDescription& description() const override { return description_; }
  Result<vectors::MutationNumber> insert(const vectors::VectorBatch& batch) override {
    return upsert(batch);
  }
  Result<vectors::MutationNumber> upsert(const vectors::VectorBatch& batch) override {
    if (batch.dimensions != description_.config.dimensions) {
      return Error{Code::dimension_mismatch, "index: wrong length"};
    }
    ++writes;
    for (std::size_t at = 0; at < batch.ids.size(); ++at) {
      const auto begin = batch.values.begin() + static_cast<std::ptrdiff_t>(at * batch.dimensions);
      vectors[batch.ids[at]] = {batch.ids[at],
                                std::nullopt,
                                batch.metadata[at],
                                {begin, begin + static_cast<std::ptrdiff_t>(batch.dimensions)}};
    }
    return ++mutation_;
  }
  Result<vectors::MutationNumber> erase(std::span<const std::string> ids) override {
    for (const std::string& id : ids) vectors.erase(id);
    return ++mutation_;
  }
  Result<std::vector<vectors::StoredVector>> get(std::span<const std::string> ids) const override {
    std::vector<vectors::StoredVector> found;
    for (const std::string& id : ids) {
      if (const auto at = vectors.find(id); at != vectors.end()) found.push_back(at->second);
    }
    return found;
  }
  Result<std::vector<vectors::Match>> query(std::span<const float> vector,
                                            const vectors::QueryOptions& options) const override {
    std::vector<vectors::Match> matches;
    for (const auto& [id, stored] : vectors) {
      float score = 0;
      for (std::size_t at = 0; at < vector.size(); ++at) score += vector[at] * stored.values[at];
      matches.push_back({id, score, std::nullopt, stored.metadata, {}});
    }
    std::stable_sort(matches.begin(), matches.end(),
                     [](const auto& a, const auto& b) { return a.score > b.score; });
    if (matches.size() > options.top_k) matches.resize(options.top_k);
    return matches;
  }
  Result<vectors::IdPage> list(std::string_view after, std::size_t count) const override {
    vectors::IdPage page;
    page.total_count = vectors.size();
    for (auto at = vectors.upper_bound(std::string(after)); at != vectors.end(); ++at) {
      page.truncated = page.ids.size() == count;
      if (page.truncated) break;
      page.ids.push_back(at->first);
    }
    return page;
  }
  vectors::IndexStats stats() const override { return {vectors.size(), mutation_, 0}; }
  vectors::Internals internals() const override { return {}; }
  void settle() override {}
  std::size_t partitions_with(std::span<const std::optional<std::string>>,
                              std::size_t) const override {
    return 0;
  }

  // What the bot does not ask for.
  Result<vectors::ListPage> list_page(std::size_t, std::string_view) const override {
    return Error{Code::not_served, "double"};
  }
  Result<vectors::MutationNumber> create_metadata_index(std::string_view, vectors::PropertyType,
                                                        bool, std::size_t) override {
    return Error{Code::not_served, "double"};
  }
  Result<vectors::MutationNumber> delete_metadata_index(std::string_view) override {
    return Error{Code::not_served, "double"};
  }
  std::vector<vectors::MetadataIndex> metadata_indexes() const override { return {}; }
  std::vector<vectors::RecallPoint> calibration() const override { return {}; }
  float recall() const override { return vectors::kRecallDefault; }
  Status set_recall(float) override { return Error{Code::not_served, "double"}; }
  std::shared_ptr<vectors::Index> delayed(std::chrono::microseconds) override { return nullptr; }

  std::map<std::string, vectors::StoredVector> vectors;
  int writes = 0;

 private:
  vectors::IndexDescription description_;
  vectors::MutationNumber mutation_ = 0;
};

class DoubleStore final : public vectors::Store {
 public:
  Result<vectors::IndexDescription> create(std::string_view, std::string_view name,
                                           std::string_view description,
                                           const vectors::IndexConfig& config) override {
    vectors::IndexDescription made;
    made.name = name;
    made.description = description;
    made.config = config;
    index = std::make_shared<DoubleIndex>(made);
    return made;
  }
  Result<std::shared_ptr<vectors::Index>> find(std::string_view, std::string_view) override {
    if (!index) return Error{Code::index_not_found, "index: not there"};
    return std::shared_ptr<vectors::Index>(index);
  }
  std::vector<vectors::IndexDescription> list(std::string_view) const override { return {}; }
  Status drop(std::string_view, std::string_view) override {
    index.reset();
    return ok_status();
  }

  Result<vectors::IndexDescription> describe(std::string_view, std::string_view,
                                             std::string_view) override {
    return Error{Code::not_served, "double"};
  }

  std::shared_ptr<DoubleIndex> index;
};

// A bot on all of them, and a way to wait for its coroutines.
struct DoubleParts {
  DoubleCatalog catalog;
  DoubleInference inference;
  DoubleStore store;
  asio::io_context io;
  asio::thread_pool pool{2};

  // Runs the coroutine to its end.
  template <class T>
  T wait(asio::awaitable<T> work) {
    std::optional<T> result;
    auto keep = [](asio::awaitable<T> inner, std::optional<T>* kept) -> asio::awaitable<void> {
      auto value = co_await std::move(inner);
      kept->emplace(std::move(value));
    };
    asio::co_spawn(io, keep(std::move(work), &result), asio::detached);
    io.restart();
    io.run();
    SEL_CHECK(result.has_value());
    return std::move(*result);
  }
};

}  // namespace selvedge::rag
