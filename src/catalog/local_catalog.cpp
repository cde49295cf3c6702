// Local catalogue: answers from the model table and from what lies in models/.
#include "catalog/local_catalog.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/sha256.h"
#include "base/utf8.h"
#include "catalog/task_names.h"
#include "catalog/weights_check.h"

namespace selvedge::catalog {

namespace fs = std::filesystem;

namespace {

// What a file whose header says `guess` can do. Text models also embed; nothing else crosses.
bool can_answer(Task guess, const ModelEntry& entry) {
  const Task asked = entry.task;
  if (guess == asked) return true;
  if (guess != Task::text_generation || is_reranker(entry)) return false;
  return asked == Task::text_embeddings || asked == Task::text_classification ||
         asked == Task::translation || asked == Task::summarization ||
         task_is_about_pictures(asked);
}

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
  if (entry == nullptr) return unknown_model(id);
  return entry;
}

Result<Resolved> LocalCatalog::resolve(std::string_view id) const {
  SEL_TRY(files, files_->list());
  return resolver_.resolve(*files, id, profile_);
}

Installed LocalCatalog::describe(const InstalledFile& file, const FileList& files) const {
  Installed installed;
  installed.name = file.name;
  installed.path = models_folder_ / file.file;
  installed.sha256 = file.sha256;
  installed.bytes = file.bytes;
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

void LocalCatalog::Binding::add_to(InstalledFile& file) const {
  file.bound_ids.clear();
  file.bound_parts.clear();
  for (const std::string& id : ids) {
    if (part.empty()) file.bound_ids.push_back(id);
    if (!part.empty()) file.bound_parts.push_back({id, part});
  }
}

Status LocalCatalog::check_ids(const Binding& binding, const GgufSummary& summary,
                               const std::string& file) const {
  for (const std::string& id : binding.ids) {
    SEL_TRY(entry, find(id));
    if (!binding.part.empty()) {
      if (binding.part == kProjectorPart && !summary.projects_pictures) {
        return Error{Code::file_invalid,
                     "\"" + file + "\" (" + summary.architecture +
                         ") is no projector that reads pictures (mmproj in GGUF)"};
      }
      if (task_has_part(entry->task, binding.part)) continue;
      return Error{Code::invalid_input, "\"" + id + "\" (" + entry->task_name + ") has no part \"" +
                                            binding.part + "\""};
    }
    if (!can_answer(summary.task, *entry)) {
      return Error{Code::file_invalid, "\"" + file + "\" (" + summary.architecture + ", " +
                                           std::string(task_name(summary.task)) +
                                           ") cannot answer for \"" + id + "\" (" +
                                           entry->task_name + ")"};
    }
    const bool too_wide = entry->task == Task::text_embeddings && entry->output_dimensions > 0 &&
                          summary.dimensions > entry->output_dimensions;
    if (too_wide) {
      return Error{Code::file_invalid, "\"" + file + "\" makes vectors of " +
                                           std::to_string(summary.dimensions) + " values, and \"" +
                                           id + "\" promises " +
                                           std::to_string(entry->output_dimensions)};
    }
  }
  return ok_status();
}

Result<std::optional<Installed>> LocalCatalog::reuse(const std::string& sha256,
                                                     const Binding& binding) {
  SEL_TRY(files, files_->list());
  for (const InstalledFile& file : *files) {
    if (file.sha256 != sha256 || !resolver_.is_there(file)) continue;
    InstalledFile row = file;
    binding.add_to(row);
    SEL_CHECK_OK(files_->add(row));
    SEL_TRY(installed, described(row.name));
    return std::optional<Installed>(std::move(installed));
  }
  return std::optional<Installed>();
}

Result<InstalledFile> LocalCatalog::row_for(const fs::path& source, const std::string& sha256,
                                            const GgufSummary& summary) const {
  InstalledFile row;
  row.sha256 = sha256;
  row.task = summary.task;
  row.architecture = summary.architecture;
  row.dimensions = summary.dimensions;
  row.parameters = summary.parameters;
  row.source = "import";
  if (const Artifact* artifact = table_->artifact_by_sha256(sha256); artifact != nullptr) {
    row.name = artifact->name;
    row.file = artifact->file;
    row.artifact = artifact->name;
    row.task = artifact->task;
    return row;
  }
  row.file = utf8::repaired(source.filename().string());
  // Hidden files in models/ are not ours, and names of artifacts belong to their bytes.
  row.file.erase(0, std::min(row.file.find_first_not_of('.'), row.file.size()));
  row.name = fs::path(row.file).stem().string();
  SEL_TRY(files, files_->list());
  const auto taken = [&](const InstalledFile& other) {
    return (other.name == row.name || other.file == row.file) && other.sha256 != sha256;
  };
  const bool is_artifacts = std::any_of(
      table_->artifacts().begin(), table_->artifacts().end(), [&](const Artifact& artifact) {
        return artifact.name == row.name || artifact.file == row.file;
      });
  if (row.name.empty() || is_artifacts || std::any_of(files->begin(), files->end(), taken)) {
    row.name += (row.name.empty() ? "" : "-") + sha256.substr(0, 8);
    row.file = row.name + (summary.architecture == "whisper" ? ".bin"
                           : summary.version == 0            ? ".safetensors"
                                                             : ".gguf");
  }
  return row;
}

Result<Installed> LocalCatalog::import(const fs::path& file, std::span<const std::string> as_ids,
                                       const Progress& progress) {
  return take_in(file, {"", as_ids}, progress);
}

Result<Installed> LocalCatalog::import_part(const fs::path& file, std::string_view part,
                                            std::span<const std::string> as_ids,
                                            const Progress& progress) {
  if (as_ids.empty()) {
    return Error{Code::invalid_input, "say with --as ID of which model it is the part"};
  }
  return take_in(file, {std::string(part), as_ids}, progress);
}

Result<Installed> LocalCatalog::take_in(const fs::path& file, const Binding& binding,
                                        const Progress& progress) {
  const std::string shown = file.filename().string();
  SEL_TRY(first_look, check_weights(file));
  SEL_CHECK_OK(check_ids(binding, first_look, shown));
  std::error_code problem;
  const std::uint64_t bytes = fs::file_size(file, problem);
  if (problem) return Error{Code::io, "cannot read \"" + shown + "\": " + problem.message()};
  const auto tell = [&](std::string_view doing) {
    return [&progress, bytes, doing](std::uint64_t done) {
      if (progress) progress(done, bytes, doing);
    };
  };
  if (binding.ids.empty()) {
    SEL_TRY(sha256, sha256_of_file(file, tell("checking")));
    if (table_->artifact_by_sha256(sha256) == nullptr) {
      return Error{Code::file_invalid, "\"" + shown +
                                           "\" is no file of the catalogue: say what it answers "
                                           "for with --as ID"};
    }
    SEL_TRY(same, reuse(sha256, binding));
    if (same.has_value()) return *std::move(same);
  }
  SEL_CHECK_OK(check_room(models_folder_, bytes, shown));
  SEL_TRY(intake, Intake::begin(models_folder_, ".import-" + shown));
  SEL_TRY(sha256, intake.copy(file, tell("copying")));
  SEL_TRY(same, reuse(sha256, binding));
  if (same.has_value()) {
    intake.discard();
    return *std::move(same);
  }
  return install(intake, sha256, file, binding);
}

// Checks the copy, whatever the original has become meanwhile, and gives it its name.
Result<Installed> LocalCatalog::install(Intake& intake, const std::string& sha256,
                                        const fs::path& source, const Binding& binding) {
  const auto settle = [&]() -> Result<std::string> {
    SEL_TRY(summary, check_weights(intake.partial()));
    SEL_CHECK_OK(check_ids(binding, summary, source.filename().string()));
    SEL_TRY(row, row_for(source, sha256, summary));
    std::error_code problem;
    row.bytes = fs::file_size(intake.partial(), problem);
    if (problem) return Error{Code::io, "cannot read \"" + row.file + "\": " + problem.message()};
    binding.add_to(row);
    SEL_CHECK_OK(intake.settle(row.file));
    SEL_CHECK_OK(files_->add(row));
    return row.name;
  };
  const auto name = settle();
  if (!name.ok()) {
    intake.discard();
    return name.error();
  }
  return described(*name);
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
  std::error_code problem;
  fs::remove(models_folder_ / found->file, problem);
  if (problem) {
    return Error{Code::io, "cannot remove \"" + found->file + "\": " + problem.message()};
  }
  return files_->remove(found->name);
}

}  // namespace selvedge::catalog
