// Fakes: a catalogue, an inference and a store without disk or runners, for the tests of this
// layer.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "catalog/catalog.h"
#include "inference/inference.h"
#include "vectors/store.h"

namespace selvedge::api::fakes {

namespace asio = boost::asio;

// Two models: "@cf/text" and "@cf/embed" (a stand-in); "@cf/absent" is not installed, "@cf/image"
// not served.
class FakeCatalog final : public catalog::Catalog {
 public:
  FakeCatalog() {
    add("@cf/text", catalog::Task::text_generation);
    add("@cf/embed", catalog::Task::text_embeddings);
    add("@cf/absent", catalog::Task::text_generation);
    add("@cf/image", catalog::Task::object_detection);
  }
  std::span<const catalog::ModelEntry> entries() const override { return entries_; }
  std::span<const catalog::Artifact> artifacts() const override { return {}; }
  Result<const catalog::ModelEntry*> find(std::string_view id) const override {
    for (const auto& entry : entries_) {
      if (entry.id == id) return &entry;
    }
    return Error{Code::model_not_found, "no such model"};
  }
  Result<catalog::Resolved> resolve(std::string_view id) const override {
    SEL_TRY(entry, find(id));
    if (id == "@cf/absent") return Error{Code::model_not_installed, "selvedge pull @cf/absent"};
    catalog::Resolved resolved;
    resolved.entry = entry;
    resolved.requested = entry->id;
    resolved.answered_by = "weights";
    resolved.stand_in = id == "@cf/embed";
    return resolved;
  }
  Result<std::vector<catalog::Installed>> installed() const override {
    return std::vector<catalog::Installed>();
  }
  Result<catalog::Installed> take_in(const catalog::ImportRequest&,
                                     const catalog::Progress&) override {
    return Error{Code::io, "fake"};
  }
  Result<catalog::Installed> pull(std::string_view, const catalog::Progress&) override {
    return Error{Code::io, "fake"};
  }
  Status remove(std::string_view) override { return Error{Code::io, "fake"}; }
  Status unbind(std::string_view) override { return Error{Code::io, "fake"}; }

 private:
  void add(std::string id, catalog::Task task) {
    catalog::ModelEntry entry;
    entry.uuid = "uuid of " + id;
    entry.id = std::move(id);
    entry.task = task;
    entry.task_name = task == catalog::Task::text_generation   ? "Text Generation"
                      : task == catalog::Task::text_embeddings ? "Text Embeddings"
                                                               : "Other";
    entries_.push_back(std::move(entry));
  }
  std::vector<catalog::ModelEntry> entries_;
};

// Gives its pieces in order, then its error, if it has one.
class FakeStream final : public inference::TokenStream {
 public:
  FakeStream(std::vector<inference::Piece> pieces, std::optional<Error> error, int* alive)
      : pieces_(std::move(pieces)), error_(std::move(error)), alive_(alive) {
    if (alive_ != nullptr) ++*alive_;
  }
  FakeStream(const FakeStream&) = delete;
  FakeStream& operator=(const FakeStream&) = delete;
  ~FakeStream() override {
    if (alive_ != nullptr) --*alive_;
  }
  asio::awaitable<Result<inference::Piece>> next() override {
    if (at_ < pieces_.size()) co_return pieces_[at_++];
    co_return error_.value_or(Error{Code::internal, "read past the end"});
  }

 private:
  std::vector<inference::Piece> pieces_;
  std::optional<Error> error_;
  int* alive_;
  std::size_t at_ = 0;
};

inline inference::Piece piece(std::string text, bool last = false) {
  inference::Piece one;
  one.text = std::move(text);
  one.last = last;
  one.usage.prompt_tokens = 3;
  one.usage.completion_tokens = 2;
  return one;
}

// "Hello." in a second and a half, of which one is told first.
class FakeTranscribeStream final : public inference::TranscribeStream {
 public:
  asio::awaitable<Result<inference::WorkEvent<wire::Transcript>>> next() override {
    inference::WorkEvent<wire::Transcript> event{1, 2};
    if (!std::exchange(told_, true)) co_return std::move(event);
    wire::Transcript transcript;
    transcript.language = "en";
    transcript.duration_s = 1.5;
    transcript.segments.push_back({0, 1.5, " Hello.", 0, -0.5, 1, 0.25, {{" Hello.", 0, 1.5}}});
    event.outcome = std::move(transcript);
    co_return std::move(event);
  }

 private:
  bool told_ = false;
};

class FakeInference final : public inference::Inference {
 public:
  std::vector<inference::Piece> pieces = {piece("Hello"), piece(" 1"), piece("", true)};
  std::optional<Error> stream_error;  // After the pieces.
  std::optional<Error> refuse;        // Of generate and embed.
  inference::GenerateTask generated;  // The last one.
  int streams_alive = 0;

  asio::awaitable<Result<std::unique_ptr<inference::TokenStream>>> generate(
      const catalog::Resolved&, inference::GenerateTask task) override {
    if (refuse) co_return *refuse;
    generated = std::move(task);
    std::unique_ptr<inference::TokenStream> stream =
        std::make_unique<FakeStream>(pieces, stream_error, &streams_alive);
    co_return std::move(stream);
  }
  asio::awaitable<Result<inference::Embeddings>> embed(const catalog::Resolved&,
                                                       inference::EmbedTask task) override {
    if (refuse) co_return *refuse;
    inference::Embeddings embeddings;
    embeddings.dimensions = 2;
    for (std::size_t at = 0; at < task.texts.size(); ++at) {
      embeddings.values.push_back(0.6F);
      embeddings.values.push_back(0.8F);
    }
    co_return std::move(embeddings);
  }
  asio::awaitable<Result<inference::TokenSpans>> tokenize(const catalog::Resolved&,
                                                          std::string) override {
    co_return inference::TokenSpans();
  }
  asio::awaitable<Result<inference::Ranks>> rank(const catalog::Resolved&,
                                                 inference::RankTask task) override {
    if (refuse) co_return *refuse;
    inference::Ranks ranks;
    // The longer, the better.
    for (const auto& text : task.texts) ranks.scores.push_back(static_cast<float>(text.size()));
    co_return std::move(ranks);
  }
  asio::awaitable<Result<std::unique_ptr<inference::TranscribeStream>>> transcribe(
      const catalog::Resolved&, inference::TranscribeTask) override {
    if (refuse) co_return *refuse;
    std::unique_ptr<inference::TranscribeStream> stream = std::make_unique<FakeTranscribeStream>();
    co_return std::move(stream);
  }
  asio::awaitable<Result<std::unique_ptr<inference::DrawStream>>> draw(
      const catalog::Resolved&, inference::DrawTask) override {
    co_return refuse.value_or(Error{Code::not_served, "the fake draws nothing"});
  }
  std::vector<inference::RunnerStatus> status() const override {
    inference::RunnerStatus runner;
    runner.model = "weights";
    return {runner};
  }
  asio::awaitable<void> shut_down() override { co_return; }
};

// Vectors in a map; a query returns all of them with score 1.
class FakeIndex final : public vectors::Index, public std::enable_shared_from_this<FakeIndex> {
 public:
  explicit FakeIndex(vectors::IndexDescription description)
      : description_(std::move(description)) {}
  const vectors::IndexDescription& description() const override { return description_; }
  Result<vectors::MutationNumber> insert(const vectors::VectorBatch& batch) override {
    return write(batch, false);
  }
  Result<vectors::MutationNumber> upsert(const vectors::VectorBatch& batch) override {
    return write(batch, true);
  }
  Result<vectors::MutationNumber> erase(std::span<const std::string> ids) override {
    for (const std::string& id : ids) vectors_.erase(id);
    return ++mutation_;
  }
  Result<std::vector<vectors::StoredVector>> get(std::span<const std::string> ids) const override {
    std::vector<vectors::StoredVector> found;
    for (const std::string& id : ids) {
      const auto at = vectors_.find(id);
      if (at != vectors_.end()) found.push_back(at->second);
    }
    return found;
  }
  Result<std::vector<vectors::Match>> query(std::span<const float>,
                                            const vectors::QueryOptions& options) const override {
    std::vector<vectors::Match> matches;
    for (const auto& [id, vector] : vectors_) {
      if (options.partition && options.partition != vector.partition) continue;
      if (matches.size() == options.top_k) break;
      if (options.filter && !all_indexed(*options.filter)) break;
      vectors::Match match;
      match.id = id;
      match.score = 1;
      match.partition = vector.partition;
      if (options.with_values) match.values = vector.values;
      if (options.with_metadata) match.metadata = vector.metadata;
      matches.push_back(std::move(match));
    }
    return matches;
  }
  Result<vectors::IdPage> list(std::string_view, std::size_t) const override {
    return vectors::IdPage();
  }
  // A cursor is the last id of the page before.
  Result<vectors::ListPage> list_page(std::size_t count, std::string_view cursor) const override {
    vectors::ListPage page;
    page.total_count = vectors_.size();
    for (auto at = vectors_.upper_bound(std::string(cursor)); at != vectors_.end(); ++at) {
      if (page.ids.size() == count) page.next_cursor = page.ids.back();
      if (page.ids.size() == count) break;
      page.ids.push_back(at->first);
    }
    page.expires_us = 1'720'702'938'002'680;
    return page;
  }
  Result<vectors::MutationNumber> create_metadata_index(std::string_view property,
                                                        vectors::PropertyType type, bool,
                                                        std::size_t count_max) override {
    std::erase_if(metadata_indexes_, [&](const auto& each) { return each.property == property; });
    if (metadata_indexes_.size() == count_max) {
      return Error{Code::too_many_metadata_indexes, "too many"};
    }
    metadata_indexes_.push_back({std::string(property), type, 0});
    return ++mutation_;
  }
  Result<vectors::MutationNumber> delete_metadata_index(std::string_view property) override {
    if (std::erase_if(metadata_indexes_,
                      [&](const auto& each) { return each.property == property; }) == 0) {
      return Error{Code::metadata_index_not_found, "none"};
    }
    return ++mutation_;
  }
  std::vector<vectors::MetadataIndex> metadata_indexes() const override {
    return metadata_indexes_;
  }
  vectors::Internals internals() const override { return {}; }
  // Of two widths, as if it had been measured.
  std::vector<vectors::RecallPoint> calibration() const override {
    return {{10, 0.5F, 20}, {20, 0.75F, 32.5F}};
  }
  float recall() const override { return recall_; }
  Status set_recall(float recall) override {
    recall_ = recall;
    return ok_status();
  }
  void settle() override {}
  vectors::IndexStats stats() const override {
    return {vectors_.size(), mutation_, mutation_ == 0 ? 0 : 1'720'702'938'002'680};
  }
  std::size_t partitions_with(std::span<const std::optional<std::string>> added,
                              std::size_t) const override {
    std::set<std::string> names;
    for (const auto& [id, vector] : vectors_) {
      if (vector.partition) names.insert(*vector.partition);
    }
    for (const auto& partition : added) {
      if (partition) names.insert(*partition);
    }
    return names.size();
  }
  std::shared_ptr<vectors::Index> delayed(std::chrono::microseconds) override {
    return shared_from_this();
  }

 private:
  bool all_indexed(const vectors::Filter& filter) const {
    const auto conditions = vectors::conditions_of(filter);
    return std::all_of(conditions.begin(), conditions.end(), [&](const auto* each) {
      return std::any_of(metadata_indexes_.begin(), metadata_indexes_.end(),
                         [&](const auto& index) { return index.property == each->property; });
    });
  }
  Result<vectors::MutationNumber> write(const vectors::VectorBatch& batch, bool replace) {
    for (std::size_t at = 0; at < batch.ids.size(); ++at) {
      if (!replace && vectors_.contains(batch.ids[at])) continue;
      const float* row = batch.values.data() + at * batch.dimensions;
      vectors_[batch.ids[at]] = {batch.ids[at], batch.partitions[at], batch.metadata[at],
                                 std::vector<float>(row, row + batch.dimensions)};
    }
    return ++mutation_;
  }
  vectors::IndexDescription description_;
  float recall_ = vectors::kRecallDefault;
  std::map<std::string, vectors::StoredVector> vectors_;
  vectors::MutationNumber mutation_ = 0;
  std::vector<vectors::MetadataIndex> metadata_indexes_;
};

class FakeStore final : public vectors::Store {
 public:
  std::set<std::string> deleted;  // "account/name": what find() and drop() say index_deleted of.
  int asked_before_ready = 0;     // How often an index is still being opened.
  bool found_too_soon = false;

  bool ready(std::string_view, std::string_view) override {
    if (asked_before_ready == 0) return true;
    --asked_before_ready;
    return false;
  }

  Result<vectors::IndexDescription> create(std::string_view account, std::string_view name,
                                           std::string_view description,
                                           const vectors::IndexConfig& config) override {
    const std::string key = std::string(account) + "/" + std::string(name);
    if (indexes_.contains(key)) return Error{Code::index_already_exists, "taken"};
    vectors::IndexDescription made;
    made.name = name;
    made.description = description;
    made.config = config;
    made.serial = ++serial_;
    made.created_us = made.modified_us = 1'720'702'938'002'680;
    indexes_[key] = std::make_shared<FakeIndex>(made);
    return made;
  }
  Result<std::shared_ptr<vectors::Index>> find(std::string_view account,
                                               std::string_view name) override {
    found_too_soon = found_too_soon || asked_before_ready > 0;
    const auto at = indexes_.find(std::string(account) + "/" + std::string(name));
    if (at == indexes_.end()) return missing(account, name);
    return std::shared_ptr<vectors::Index>(at->second);
  }
  Result<vectors::IndexStatus> status(std::string_view account, std::string_view name) override {
    const auto at = indexes_.find(std::string(account) + "/" + std::string(name));
    if (at == indexes_.end()) return missing(account, name);
    vectors::IndexStatus status;
    status.description = at->second->description();
    status.stats = at->second->stats();
    status.loaded = asked_before_ready == 0;
    status.internals = at->second->internals();
    return status;
  }
  std::vector<vectors::IndexDescription> list(std::string_view account) const override {
    std::vector<vectors::IndexDescription> all;
    for (const auto& [key, index] : indexes_) {
      if (key.starts_with(std::string(account) + "/")) all.push_back(index->description());
    }
    return all;
  }
  Status drop(std::string_view account, std::string_view name) override {
    const auto erased = indexes_.erase(std::string(account) + "/" + std::string(name));
    if (erased == 0) return missing(account, name);
    return ok_status();
  }
  Result<vectors::IndexDescription> describe(std::string_view account, std::string_view name,
                                             std::string_view description) override {
    const auto at = indexes_.find(std::string(account) + "/" + std::string(name));
    if (at == indexes_.end()) return missing(account, name);
    vectors::IndexDescription described = at->second->description();
    described.description = description;
    return described;
  }

 private:
  Error missing(std::string_view account, std::string_view name) const {
    const bool was = deleted.contains(std::string(account) + "/" + std::string(name));
    return Error{was ? Code::index_deleted : Code::index_not_found, "none"};
  }

  std::map<std::string, std::shared_ptr<FakeIndex>> indexes_;
  std::uint64_t serial_ = 0;
};

}  // namespace selvedge::api::fakes
