// Catalog wrapper: a catalogue that is another one, but for what its heirs say otherwise.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "catalog/catalog.h"

namespace selvedge::catalog {

class CatalogWrapper : public Catalog {
 public:
  explicit CatalogWrapper(std::unique_ptr<Catalog> inner) : inner_(std::move(inner)) {}

  std::span<const ModelEntry> entries() const override { return inner_->entries(); }
  std::vector<const ModelEntry*> all_entries() const override { return inner_->all_entries(); }
  std::span<const Artifact> artifacts() const override { return inner_->artifacts(); }
  Result<const ModelEntry*> find(std::string_view id) const override { return inner_->find(id); }
  Result<Resolved> resolve(std::string_view id) const override { return inner_->resolve(id); }
  Result<std::vector<Installed>> installed() const override { return inner_->installed(); }
  Result<Installed> take_in(const ImportRequest& request, const Progress& progress) override {
    return inner_->take_in(request, progress);
  }
  Result<Installed> pull(std::string_view id_or_name, const Progress& progress) override {
    return inner_->pull(id_or_name, progress);
  }
  Status remove(std::string_view name_or_id) override { return inner_->remove(name_or_id); }
  Status unbind(std::string_view id) override { return inner_->unbind(id); }

 protected:
  const Catalog& inner() const { return *inner_; }

 private:
  const std::unique_ptr<Catalog> inner_;
};

}  // namespace selvedge::catalog
