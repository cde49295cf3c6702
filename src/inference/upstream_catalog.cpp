// Upstream catalog: entries for ids that nobody knew.
#include "inference/upstream_catalog.h"

#include <algorithm>

#include "catalog/model_table.h"
#include "catalog/task_names.h"

namespace selvedge::inference {

const catalog::ModelEntry* UpstreamCatalog::own_entry(const Upstream& upstream) const {
  const std::lock_guard lock(mutex_);
  const auto same = [&](const catalog::ModelEntry& entry) {
    return entry.id == upstream.id && entry.task == upstream.task &&
           entry.output_dimensions == upstream.dimensions;
  };
  const auto known = std::find_if(entries_.begin(), entries_.end(), same);
  if (known != entries_.end()) return &*known;
  catalog::ModelEntry entry;
  entry.id = upstream.id;
  entry.uuid = catalog::uuid_of_id(upstream.id);
  entry.task = upstream.task;
  entry.task_name = catalog::task_name(upstream.task);
  entry.description = "Answered by " + upstream.name();
  entry.schema = catalog::Schema::openai;
  entry.output_dimensions = upstream.dimensions;
  entry.listed = true;
  entry.own = true;
  return &entries_.emplace_back(std::move(entry));
}

bool upstream_can(catalog::Task task) {
  return task != catalog::Task::automatic_speech_recognition &&
         task != catalog::Task::text_to_image && task != catalog::Task::text_to_speech;
}

std::vector<const catalog::ModelEntry*> UpstreamCatalog::all_entries() const {
  std::vector<const catalog::ModelEntry*> all = inner().all_entries();
  for (const auto& upstream : upstreams_->all()) {
    if (!inner().find(upstream->id).ok()) all.push_back(own_entry(*upstream));
  }
  return all;
}

Result<const catalog::ModelEntry*> UpstreamCatalog::find(std::string_view id) const {
  auto known = inner().find(id);
  if (known.ok() || known.error().code != Code::model_not_found) return known;
  const auto upstream = upstreams_->find(id);
  if (upstream == nullptr) return known;
  return own_entry(*upstream);
}

Result<catalog::Resolved> UpstreamCatalog::resolve(std::string_view id) const {
  const auto upstream = upstreams_->find(id);
  if (upstream == nullptr) return inner().resolve(id);
  SEL_TRY(entry, find(id));
  if (!upstream_can(entry->task)) return inner().resolve(id);
  catalog::Resolved resolved;
  resolved.entry = entry;
  resolved.requested = std::string(id);
  resolved.answered_by = upstream->name() + "; upstream";
  // What the emulation of a classifier needs, an upstream does not tell.
  const bool classifies = entry->task == catalog::Task::text_classification;
  if (!classifies) resolved.weights_task = upstream->task;
  return resolved;
}

}  // namespace selvedge::inference
