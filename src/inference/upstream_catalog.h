// Upstream catalog: a catalogue in which ids that have an upstream resolve to it.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "catalog/catalog_wrapper.h"
#include "inference/upstream.h"

namespace selvedge::inference {

// Whether a server of OpenAI's texts and embeddings can do it, be it by an emulation. What it
// cannot stays with the weights that are here.
bool upstream_can(catalog::Task task);

// An id that the inner catalogue lacks becomes a model of the OpenAI generation while an upstream
// answers for it; its entry lives as long as this. Everything else is the inner catalogue's own.
class UpstreamCatalog final : public catalog::CatalogWrapper {
 public:
  UpstreamCatalog(std::unique_ptr<catalog::Catalog> inner,
                  std::shared_ptr<const Upstreams> upstreams)
      : CatalogWrapper(std::move(inner)), upstreams_(std::move(upstreams)) {}

  std::vector<const catalog::ModelEntry*> all_entries() const override;
  Result<const catalog::ModelEntry*> find(std::string_view id) const override;
  Result<catalog::Resolved> resolve(std::string_view id) const override;

 private:
  const catalog::ModelEntry* own_entry(const Upstream& upstream) const;

  const std::shared_ptr<const Upstreams> upstreams_;
  mutable std::mutex mutex_;                         // Guards what follows.
  mutable std::deque<catalog::ModelEntry> entries_;  // Of ids that the inner one lacks.
};

}  // namespace selvedge::inference
