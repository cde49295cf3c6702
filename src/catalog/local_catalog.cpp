// Local catalogue: answers from the model table and from what lies in models/.
#include "catalog/local_catalog.h"

#include <algorithm>
#include <limits>
#include <system_error>
#include <utility>

#include "catalog/task_names.h"

namespace selvedge::catalog {

namespace fs = std::filesystem;

namespace {

void add_once(std::vector<std::string>& ids, const std::string& id) {
  if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
}

}  // namespace

Result<std::unique_ptr<Catalog>> Catalog::open(const fs::path& home, Profile profile) {
  SEL_TRY(table, ModelTable::built_in());
  return LocalCatalog::open(home, profile, table);
}

Result<std::unique_ptr<Catalog>> LocalCatalog::open(const fs::path& home, Profile profile,
                                                    std::shared_ptr<const ModelTable> table) {
  const fs::path models_folder = home / "models";
  std::error_code problem;
  fs::create_directories(models_folder, problem);
  if (problem) {
    return Error{Code::io,
                 "cannot create \"" + models_folder.string() + "\": " + problem.message()};
  }
  SEL_TRY(files, InstalledFiles::open(home / "catalog.db"));
  return std::unique_ptr<Catalog>(
      std::make_unique<LocalCatalog>(models_folder, profile, std::move(table), std::move(files)));
}

LocalCatalog::LocalCatalog(fs::path models_folder, Profile profile,
                           std::shared_ptr<const ModelTable> table,
                           std::unique_ptr<InstalledFiles> files)
    : models_folder_(std::move(models_folder)),
      profile_(profile),
      table_(std::move(table)),
      files_(std::move(files)),
      resolver_(table_, models_folder_) {}

Result<const ModelEntry*> LocalCatalog::find(std::string_view id) const {
  const ModelEntry* entry = table_->find(id);
  if (entry != nullptr) return entry;
  SEL_TRY(files, files_->list());
  entry = own_entry(*files, id);
  if (entry == nullptr) return unknown_model(id);
  return entry;
}

Result<Resolved> LocalCatalog::resolve(std::string_view id) const {
  SEL_TRY(files, files_->list());
  const ModelEntry* entry = table_->find(id);
  if (entry == nullptr) entry = own_entry(*files, id);
  if (entry == nullptr) return unknown_model(id);
  return resolver_.resolve(*files, *entry, profile_);
}

std::vector<const ModelEntry*> LocalCatalog::all_entries() const {
  std::vector<const ModelEntry*> all = Catalog::all_entries();
  const auto files = files_->list();
  if (!files.ok()) return all;  // Whoever asks for a model is told why.
  for (const InstalledFile& file : **files) {
    for (const OwnModel& model : file.own_models) {
      if (table_->find(model.id) == nullptr) all.push_back(entry_of(model, file.dimensions));
    }
  }
  return all;
}

const ModelEntry* LocalCatalog::own_entry(const FileList& files, std::string_view id) const {
  for (const InstalledFile& file : files) {
    for (const OwnModel& model : file.own_models) {
      if (model.id == id) return entry_of(model, file.dimensions);
    }
  }
  return nullptr;
}

// An entry lives on after its id was bound to something else: calls under way point to it.
const ModelEntry* LocalCatalog::entry_of(const OwnModel& model, std::int32_t dimensions) const {
  const std::int32_t width = model.task == Task::text_embeddings ? dimensions : 0;
  const std::lock_guard lock(own_entries_mutex_);
  for (const ModelEntry& known : own_entries_) {
    const bool same = known.id == model.id && known.task == model.task &&
                      known.schema == model.schema && known.output_dimensions == width &&
                      known.context_tokens == model.context_tokens &&
                      known.inputs_like == model.inputs_like;
    if (same) return &known;
  }
  ModelEntry entry;
  entry.id = model.id;
  entry.uuid = uuid_of_id(model.id);
  entry.task = model.task;
  entry.task_name = task_name(model.task);
  for (const ModelEntry& other : table_->entries()) {
    if (other.task_name == entry.task_name) entry.task_id = other.task_id;
  }
  entry.description = "Own model, brought in on this machine";
  entry.schema = model.schema;
  entry.context_tokens = static_cast<std::int32_t>(
      std::clamp<std::int64_t>(model.context_tokens, 0, std::numeric_limits<std::int32_t>::max()));
  entry.output_dimensions = width;
  entry.lora = entry.function_calling = model.task == Task::text_generation;
  entry.listed = true;
  entry.own = true;
  entry.inputs_like = model.inputs_like;
  return &own_entries_.emplace_back(std::move(entry));
}

Installed LocalCatalog::describe(const InstalledFile& file, const FileList& files) const {
  Installed installed;
  installed.name = file.name;
  installed.path = models_folder_ / file.file;
  installed.sha256 = file.sha256;
  installed.bytes = file.bytes;
  for (const FurtherFile& further : file.further) installed.bytes += further.bytes;
  installed.source = file.source;
  installed.task = file.task;
  installed.models = file.bound_ids;
  for (const BoundPart& bound : file.bound_parts) {
    installed.part = bound.part;
    add_once(installed.models, bound.id);
  }
  const Artifact* artifact = resolver_.artifact_of(file);
  if (artifact == nullptr) return installed;
  installed.stand_in = artifact->stand_in;
  if (!artifact->part.empty()) {
    installed.part = artifact->part;
    for (const std::string& id : artifact->models) add_once(installed.models, id);
    return installed;
  }
  for (const std::string& id : artifact->models) {
    const InstalledFile* exact = resolver_.exact_file(files, id);
    if (exact == &file) add_once(installed.models, id);
  }
  return installed;
}

Result<Installed> LocalCatalog::described(std::string_view name) const {
  SEL_TRY(files, files_->list());
  for (const InstalledFile& file : *files) {
    if (file.name == name) return describe(file, *files);
  }
  return Error{Code::not_found, "no installed file is called \"" + std::string(name) + "\""};
}

Result<std::vector<Installed>> LocalCatalog::installed() const {
  SEL_TRY(files, files_->list());
  std::vector<Installed> all;
  for (const InstalledFile& file : *files) {
    if (resolver_.is_there(file)) all.push_back(describe(file, *files));
  }
  return all;
}

Status LocalCatalog::remove(std::string_view name_or_id) {
  SEL_TRY(files, files_->list());
  const InstalledFile* found = nullptr;
  for (const InstalledFile& file : *files) {
    if (file.name == name_or_id) found = &file;
  }
  if (found == nullptr) found = resolver_.exact_file(*files, name_or_id);
  if (found == nullptr) {
    return Error{Code::not_found, "nothing is installed under \"" + std::string(name_or_id) + "\""};
  }
  // The file first: what a crash leaves is a row whose file is gone, which counts as not installed
  // and can be removed again.
  std::vector<std::string> names{found->file};
  for (const FurtherFile& further : found->further) names.push_back(further.file);
  for (const std::string& file : names) {
    std::error_code problem;
    fs::remove(models_folder_ / file, problem);
    if (problem) {
      return Error{Code::io, "cannot remove \"" + file + "\": " + problem.message()};
    }
  }
  return files_->remove(found->name);
}

Status LocalCatalog::unbind(std::string_view id) { return files_->unbind(id); }

}  // namespace selvedge::catalog
