// Alias catalog: names on the way in, rows on the way out.
#include "catalog/alias_catalog.h"

#include <algorithm>

#include "catalog/model_table.h"

namespace selvedge::catalog {

const ModelEntry* AliasCatalog::row_of(const Alias& alias, const ModelEntry* target) const {
  const std::lock_guard lock(rows_mutex_);
  for (const Row& row : rows_) {
    if (row.target == target && row.entry.id == alias.name) return &row.entry;
  }
  Row row{target, *target};
  row.entry.id = alias.name;
  row.entry.uuid = uuid_of_id(alias.name);
  row.entry.description = "Alias of " + alias.id;
  return &rows_.emplace_back(std::move(row)).entry;
}

std::vector<const ModelEntry*> AliasCatalog::all_entries() const {
  std::vector<const ModelEntry*> all = inner().all_entries();
  const auto known = aliases_->list();
  if (!known.ok()) return all;  // Whoever asks for a model is told why.
  for (const Alias& alias : **known) {
    const auto target = inner().find(alias.id);
    if (!target.ok()) continue;
    std::erase_if(all, [&](const ModelEntry* entry) { return entry->id == alias.name; });
    all.push_back(row_of(alias, *target));
  }
  return all;
}

Result<Resolved> AliasCatalog::resolve(std::string_view id) const {
  const std::string target = aliases_->target_of(id);
  SEL_TRY(resolved, inner().resolve(target));
  if (target != id) resolved.requested = id;
  return resolved;
}

Status AliasCatalog::check_is_none(std::string_view id) const {
  const std::string target = aliases_->target_of(id);
  if (target == id) return ok_status();
  return Error{Code::invalid_input, "\"" + std::string(id) + "\" is an alias of \"" + target +
                                        "\": name that, or end it with \"selvedge alias remove " +
                                        std::string(id) + "\""};
}

Result<Installed> AliasCatalog::take_in(const ImportRequest& request, const Progress& progress) {
  for (const std::string& id : request.ids) SEL_CHECK_OK(check_is_none(id));
  return CatalogWrapper::take_in(request, progress);
}

Status AliasCatalog::remove(std::string_view name_or_id) {
  SEL_CHECK_OK(check_is_none(name_or_id));
  return CatalogWrapper::remove(name_or_id);
}

Status AliasCatalog::unbind(std::string_view id) {
  SEL_CHECK_OK(check_is_none(id));
  return CatalogWrapper::unbind(id);
}

}  // namespace selvedge::catalog
