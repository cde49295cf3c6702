// DelayedIndex: an index whose writes are seen later than it says by itself.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "vectors/stored_index.h"

namespace selvedge::vectors {

// Everything but the delay of its writes is the index's own.
class DelayedIndex final : public Index {
 public:
  DelayedIndex(std::shared_ptr<StoredIndex> index, Delay delay)
      : index_(std::move(index)), delay_(delay) {}

  const IndexDescription& description() const override { return index_->description(); }
  Result<MutationNumber> insert(const VectorBatch& batch) override {
    return index_->insert(batch, delay_);
  }
  Result<MutationNumber> upsert(const VectorBatch& batch) override {
    return index_->upsert(batch, delay_);
  }
  Result<MutationNumber> erase(std::span<const std::string> ids) override {
    return index_->erase(ids, delay_);
  }
  Result<std::vector<StoredVector>> get(std::span<const std::string> ids) const override {
    return index_->get(ids);
  }
  Result<std::vector<Match>> query(std::span<const float> vector,
                                   const QueryOptions& options) const override {
    return index_->query(vector, options);
  }
  Result<IdPage> list(std::string_view after, std::size_t count) const override {
    return index_->list(after, count);
  }
  Result<ListPage> list_page(std::size_t count, std::string_view cursor) const override {
    return index_->list_page(count, cursor);
  }
  Result<MutationNumber> create_metadata_index(std::string_view property, PropertyType type,
                                               bool with_written, std::size_t count_max) override {
    return index_->create_metadata_index(property, type, with_written, count_max, delay_);
  }
  Result<MutationNumber> delete_metadata_index(std::string_view property) override {
    return index_->delete_metadata_index(property, delay_);
  }
  std::vector<MetadataIndex> metadata_indexes() const override {
    return index_->metadata_indexes();
  }
  IndexStats stats() const override { return index_->stats(); }
  Internals internals() const override { return index_->internals(); }
  std::vector<RecallPoint> calibration() const override { return index_->calibration(); }
  float recall() const override { return index_->recall(); }
  Status set_recall(float recall) override { return index_->set_recall(recall); }
  void settle() override { index_->settle(); }
  std::size_t partitions_with(std::span<const std::optional<std::string>> added,
                              std::size_t most) const override {
    return index_->partitions_with(added, most);
  }
  std::shared_ptr<Index> delayed(std::chrono::microseconds delay) override {
    return index_->delayed(delay);
  }

 private:
  std::shared_ptr<StoredIndex> index_;
  Delay delay_;
};

}  // namespace selvedge::vectors
