// Upstream catalog: a catalogue in which ids that have an upstream resolve to it.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "catalog/catalog.h"
#include "inference/upstream.h"

namespace selvedge::inference {

// An id that the inner catalogue lacks becomes a model of the OpenAI generation while an upstream
// answers for it; its entry lives as long as this. Everything else is the inner catalogue's own.
class UpstreamCatalog final : public catalog::Catalog {
 public:
  UpstreamCatalog(std::unique_ptr<catalog::Catalog> inner,
                  std::shared_ptr<const Upstreams> upstreams)
      : inner_(std::move(inner)), upstreams_(std::move(upstreams)) {}

  std::span<const catalog::ModelEntry> entries() const override { return inner_->entries(); }
  std::span<const catalog::Artifact> artifacts() const override { return inner_->artifacts(); }
  Result<const catalog::ModelEntry*> find(std::string_view id) const override;
  Result<catalog::Resolved> resolve(std::string_view id) const override;
  Result<std::vector<catalog::Installed>> installed() const override { return inner_->installed(); }
  Result<catalog::Installed> import(const std::filesystem::path& file,
                                    std::span<const std::string> as_ids,
                                    const catalog::Progress& progress) override {
    return inner_->import(file, as_ids, progress);
  }
  Result<catalog::Installed> import_part(const std::filesystem::path& file, std::string_view part,
                                         std::span<const std::string> as_ids,
                                         const catalog::Progress& progress) override {
    return inner_->import_part(file, part, as_ids, progress);
  }
  Result<catalog::Installed> pull(std::string_view id_or_name,
                                  const catalog::Progress& progress) override {
    return inner_->pull(id_or_name, progress);
  }
  Status remove(std::string_view name_or_id) override { return inner_->remove(name_or_id); }

 private:
  const catalog::ModelEntry* own_entry(const Upstream& upstream) const;

  const std::unique_ptr<catalog::Catalog> inner_;
  const std::shared_ptr<const Upstreams> upstreams_;
  mutable std::mutex mutex_;                         // Guards what follows.
  mutable std::deque<catalog::ModelEntry> entries_;  // Of ids that the inner one lacks.
};

}  // namespace selvedge::inference
