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
  std::span<const Artifact> artifacts() const override { return inner_->artifacts(); }
  Result<const ModelEntry*> find(std::string_view id) const override { return inner_->find(id); }
  Result<Resolved> resolve(std::string_view id) const override { return inner_->resolve(id); }
  Result<std::vector<Installed>> installed() const override { return inner_->installed(); }
  Result<Installed> import(const std::filesystem::path& file, std::span<const std::string> as_ids,
                           const Progress& progress) override {
    return inner_->import(file, as_ids, progress);
  }
  Result<Installed> import_part(const std::filesystem::path& file, std::string_view part,
                                std::span<const std::string> as_ids,
                                const Progress& progress) override {
    return inner_->import_part(file, part, as_ids, progress);
  }
  Result<Installed> pull(std::string_view id_or_name, const Progress& progress) override {
    return inner_->pull(id_or_name, progress);
  }
  Status remove(std::string_view name_or_id) override { return inner_->remove(name_or_id); }

 protected:
  const Catalog& inner() const { return *inner_; }

 private:
  const std::unique_ptr<Catalog> inner_;
};

}  // namespace selvedge::catalog
