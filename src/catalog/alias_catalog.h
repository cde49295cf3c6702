// Alias catalog: a catalogue in which aliases name models.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "catalog/aliases.h"
#include "catalog/catalog_wrapper.h"

namespace selvedge::catalog {

// A call for an alias is answered as its model's, and Resolved::requested tells the alias. In
// all_entries() an alias has a row of its own, in place of a model of this name. Outermost of
// all catalogues, so that whatever another one knows has aliases.
class AliasCatalog final : public CatalogWrapper {
 public:
  AliasCatalog(std::unique_ptr<Catalog> inner, std::shared_ptr<Aliases> aliases)
      : CatalogWrapper(std::move(inner)), aliases_(std::move(aliases)) {}

  std::vector<const ModelEntry*> all_entries() const override;
  Result<const ModelEntry*> find(std::string_view id) const override {
    return inner().find(aliases_->target_of(id));
  }
  Result<Resolved> resolve(std::string_view id) const override;
  // Errors also: invalid_input (one of the ids is an alias).
  Result<Installed> take_in(const ImportRequest& request, const Progress& progress) override;
  Result<Installed> pull(std::string_view id_or_name, const Progress& progress) override {
    return CatalogWrapper::pull(aliases_->target_of(id_or_name), progress);
  }
  // Errors also, of both: invalid_input (it is an alias).
  Status remove(std::string_view name_or_id) override;
  Status unbind(std::string_view id) override;

 private:
  struct Row {
    const ModelEntry* target;
    ModelEntry entry;
  };
  Status check_is_none(std::string_view id) const;
  const ModelEntry* row_of(const Alias& alias, const ModelEntry* target) const;

  const std::shared_ptr<Aliases> aliases_;
  mutable std::mutex rows_mutex_;  // Guards what follows.
  mutable std::deque<Row> rows_;
};

}  // namespace selvedge::catalog
