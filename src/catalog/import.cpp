// Import: files of the user's and of repositories become models, under ids of Workers AI or others.
#include <algorithm>
#include <system_error>
#include <utility>

#include "base/sha256.h"
#include "base/utf8.h"
#include "catalog/local_catalog.h"
#include "catalog/own_id.h"
#include "catalog/task_names.h"

namespace selvedge::catalog {

namespace fs = std::filesystem;

struct LocalCatalog::Incoming {
  std::string name;    // Of the first file, where it comes from.
  std::string source;  // A URL, or "import".
  std::vector<Intake> intakes;
  std::vector<std::string> sums;
  std::string sha256;  // Of the whole.
  GgufSummary summary;

  std::vector<fs::path> partials() const {
    std::vector<fs::path> paths;
    for (const Intake& intake : intakes) paths.push_back(intake.partial());
    return paths;
  }
  void discard() {
    for (Intake& intake : intakes) intake.discard();
  }
};

namespace {

constexpr std::string_view kImported = "import";

// What a file whose header says `guess` can do. Text models also embed; nothing else crosses.
bool can_answer(Task guess, const ModelEntry& entry) {
  const Task asked = entry.task;
  if (guess == asked) return true;
  if (guess != Task::text_generation || is_reranker(entry)) return false;
  return asked == Task::text_embeddings || asked == Task::text_classification ||
         asked == Task::translation || asked == Task::summarization ||
         task_is_about_pictures(asked);
}

// Those whose inputs follow from the task alone.
bool may_be_own(Task task) {
  return task == Task::text_generation || task == Task::text_embeddings ||
         task == Task::text_classification || task == Task::text_to_image ||
         task == Task::translation || task == Task::summarization;
}

// Of one file its own sum; of several a sum of theirs.
std::string whole_sum(const std::vector<std::string>& sums) {
  if (sums.size() == 1) return sums.front();
  Sha256 hash;
  for (const std::string& sum : sums) hash.add(sum + "\n");
  return hash.hex();
}

Error not_whole(const fs::path& first, const std::string& reason) {
  return Error{Code::file_invalid, "\"" + first.filename().string() +
                                       "\" is one of several files of a model: " + reason};
}

// Checks each file and that they belong together. The first says what the model is.
Result<GgufSummary> check_files(const std::vector<fs::path>& files, const fs::path& shown) {
  SEL_TRY(summary, check_weights(files.front()));
  if (summary.split_count != files.size()) {
    return not_whole(shown, "it says that they are " + std::to_string(summary.split_count) +
                                ", and here " + std::to_string(files.size()) + " came; their " +
                                "names have to end in -00001-of-00002.gguf, and so on");
  }
  if (summary.split_at != 0) return not_whole(shown, "it is not the first of them");
  for (std::size_t at = 1; at < files.size(); ++at) {
    SEL_TRY(further, check_weights(files[at]));
    if (further.split_at != at || further.split_count != files.size() ||
        further.split_tensors != summary.split_tensors) {
      return not_whole(shown, "number " + std::to_string(at + 1) + " belongs to other ones");
    }
    summary.parameters += further.parameters;
    summary.tensor_count += further.tensor_count;
    if (further.classifier_outputs == 0) continue;
    summary.classifier_outputs = further.classifier_outputs;
    summary.task = Task::text_classification;
  }
  if (summary.split_tensors != 0 && summary.split_tensors != summary.tensor_count) {
    return not_whole(shown, "tensors lack in them");
  }
  return summary;
}

Result<WeightsSet> files_in_folder(const fs::path& folder, std::string_view pick) {
  std::vector<WeightsFile> files;
  std::error_code problem;
  for (const auto& each : fs::directory_iterator(folder, problem)) {
    std::error_code ignored;
    if (!each.is_regular_file(ignored)) continue;
    files.push_back({each.path().filename().string(), each.file_size(ignored)});
  }
  if (problem) {
    return Error{Code::io, "cannot read \"" + folder.string() + "\": " + problem.message()};
  }
  return pick_weights(weights_sets(std::move(files), pick), pick, "\"" + folder.string() + "\"");
}

// All files of the model that `source` is, or is of, or that lies in it.
Result<std::vector<fs::path>> files_of(const fs::path& source, std::string_view pick) {
  std::error_code ignored;
  const bool is_folder = fs::is_directory(source, ignored);
  const fs::path folder = is_folder ? source : source.parent_path();
  const SplitName name = is_folder ? SplitName() : split_name(source.filename().string());
  if (!is_folder && name.count == 0) return std::vector{source};
  std::vector<fs::path> files;
  if (is_folder) {
    SEL_TRY(set, files_in_folder(source, pick));
    for (const WeightsFile& file : set.files) files.push_back(folder / file.path);
    return files;
  }
  for (std::uint32_t at = 1; at <= name.count; ++at) {
    files.push_back(folder / split_file_name(name.prefix, at, name.count));
    if (!fs::exists(files.back(), ignored)) {
      return not_whole(source, "\"" + files.back().filename().string() + "\" is not there");
    }
  }
  return files;
}

}  // namespace

std::vector<OwnModel> LocalCatalog::own_models(const ImportRequest& request,
                                               const GgufSummary& summary) const {
  std::vector<OwnModel> models;
  if (!request.part.empty()) return models;
  for (const std::string& id : request.ids) {
    if (table_->find(id) != nullptr) continue;
    OwnModel model;
    model.id = id;
    model.task = request.task.value_or(summary.task);
    // Only text models have inputs of two generations.
    model.schema = model.task == Task::text_generation ? request.schema : Schema::legacy;
    model.context_tokens = summary.context_tokens;
    if (summary.task == Task::text_classification && summary.classifier_outputs <= 1) {
      model.inputs_like = "@cf/baai/bge-reranker-base";
    }
    models.push_back(std::move(model));
  }
  return models;
}

void LocalCatalog::bind(InstalledFile& row, const ImportRequest& request,
                        const GgufSummary& summary) const {
  row.bound_ids.clear();
  row.bound_parts.clear();
  for (const std::string& id : request.ids) {
    if (request.part.empty()) row.bound_ids.push_back(id);
    if (!request.part.empty()) row.bound_parts.push_back({id, request.part});
  }
  row.own_models = own_models(request, summary);
}

Status LocalCatalog::check_names(const ImportRequest& request) const {
  if (!request.part.empty() && request.ids.empty()) {
    return Error{Code::invalid_input, "say with --as ID of which model it is the part"};
  }
  SEL_TRY(files, files_->list());
  bool any_own = false;
  for (const std::string& id : request.ids) {
    if (table_->find(id) != nullptr) continue;
    any_own = true;
    SEL_CHECK_OK(check_own_id(table_->artifacts(), id));
    if (request.part.empty() || own_entry(*files, id) != nullptr) continue;
    return unknown_model(id);
  }
  if (request.task && !any_own) {
    return Error{Code::invalid_input,
                 "--task is for ids of your own: those of Workers AI have one"};
  }
  if (request.task && !may_be_own(*request.task)) {
    return Error{Code::invalid_input, "no id of your own can do " +
                                          std::string(task_name(*request.task)) +
                                          ": give the weights an id of Workers AI that does"};
  }
  return ok_status();
}

Status LocalCatalog::check_ids(const ImportRequest& request, const GgufSummary& summary,
                               const std::string& file) const {
  SEL_TRY(files, files_->list());
  const std::vector<OwnModel> own = own_models(request, summary);
  for (const std::string& id : request.ids) {
    const ModelEntry* entry = table_->find(id);
    for (const OwnModel& model : own) {
      if (model.id == id) entry = entry_of(model, summary.dimensions);
    }
    if (entry == nullptr) entry = own_entry(*files, id);
    if (entry == nullptr) return unknown_model(id);
    if (!request.part.empty()) {
      if (request.part == kProjectorPart && !summary.projects_pictures) {
        return Error{Code::file_invalid,
                     "\"" + file + "\" (" + summary.architecture +
                         ") is no projector that reads pictures (mmproj in GGUF)"};
      }
      if (task_has_part(entry->task, request.part)) continue;
      return Error{Code::invalid_input, "\"" + id + "\" (" + entry->task_name + ") has no part \"" +
                                            request.part + "\""};
    }
    if (!can_answer(summary.task, *entry) || (entry->own && !may_be_own(entry->task))) {
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
                                                     const ImportRequest& request,
                                                     const GgufSummary& summary) {
  SEL_TRY(files, files_->list());
  for (const InstalledFile& file : *files) {
    if (file.sha256 != sha256 || !resolver_.is_there(file)) continue;
    InstalledFile row = file;
    bind(row, request, summary);
    SEL_CHECK_OK(files_->add(row));
    SEL_TRY(installed, described(row.name));
    return std::optional<Installed>(std::move(installed));
  }
  return std::optional<Installed>();
}

Result<InstalledFile> LocalCatalog::row_for(const Incoming& incoming) const {
  const GgufSummary& summary = incoming.summary;
  InstalledFile row;
  row.sha256 = incoming.sha256;
  row.task = summary.task;
  row.architecture = summary.architecture;
  row.dimensions = summary.dimensions;
  row.parameters = summary.parameters;
  row.source = incoming.source;
  if (const Artifact* artifact = table_->artifact_by_sha256(row.sha256); artifact != nullptr) {
    row.name = artifact->name;
    row.file = artifact->file;
    row.artifact = artifact->name;
    row.task = artifact->task;
    return row;
  }
  const auto count = static_cast<std::uint32_t>(incoming.intakes.size());
  row.file = utf8::repaired(incoming.name);
  // Hidden files in models/ are not ours, and names of artifacts belong to their bytes.
  row.file.erase(0, std::min(row.file.find_first_not_of('.'), row.file.size()));
  row.name = fs::path(row.file).stem().string();
  if (count > 1) row.name = split_name(row.file).prefix;
  SEL_TRY(files, files_->list());
  const auto taken = [&](const InstalledFile& other) {
    return (other.name == row.name || other.file == row.file) && other.sha256 != row.sha256;
  };
  const bool is_artifacts = std::any_of(
      table_->artifacts().begin(), table_->artifacts().end(), [&](const Artifact& artifact) {
        return artifact.name == row.name || artifact.file == row.file;
      });
  if (row.name.empty() || is_artifacts || std::any_of(files->begin(), files->end(), taken)) {
    row.name += (row.name.empty() ? "" : "-") + row.sha256.substr(0, 8);
    row.file = row.name + (summary.architecture == "whisper" ? ".bin"
                           : summary.version == 0            ? ".safetensors"
                                                             : ".gguf");
    if (count > 1) row.file = split_file_name(row.name, 1, count);
  }
  for (std::uint32_t at = 2; at <= count; ++at) {
    row.further.push_back({split_file_name(split_name(row.file).prefix, at, count)});
  }
  return row;
}

Result<Installed> LocalCatalog::take_in(const ImportRequest& request, const Progress& progress) {
  SEL_CHECK_OK(check_names(request));
  SEL_TRY(from, parse_hub_reference(request.source));
  if (from.has_value()) return take_in_from_hub(request, *from, progress);
  return take_in_files(request, request.source, progress);
}

Result<Installed> LocalCatalog::take_in_files(const ImportRequest& request, const fs::path& source,
                                              const Progress& progress) {
  SEL_TRY(files, files_of(source, request.pick));
  Incoming incoming;
  incoming.name = files.front().filename().string();
  incoming.source = kImported;
  SEL_TRY(first_look, check_files(files, files.front()));
  SEL_CHECK_OK(check_ids(request, first_look, incoming.name));
  std::uint64_t bytes = 0;
  for (const fs::path& file : files) {
    std::error_code problem;
    bytes += fs::file_size(file, problem);
    if (problem) {
      return Error{Code::io, "cannot read \"" + file.string() + "\": " + problem.message()};
    }
  }
  std::uint64_t before = 0;
  const auto tell = [&](std::string_view doing) {
    return [&progress, &before, bytes, doing](std::uint64_t done) {
      if (progress) progress(before + done, bytes, doing);
    };
  };
  if (request.ids.empty()) {
    SEL_TRY(sha256, sha256_of_file(files.front(), tell("checking")));
    if (files.size() > 1 || table_->artifact_by_sha256(sha256) == nullptr) {
      return Error{Code::file_invalid, "\"" + incoming.name +
                                           "\" is no file of the catalogue: say what it answers "
                                           "for with --as ID"};
    }
    SEL_TRY(same, reuse(sha256, request, first_look));
    if (same.has_value()) return *std::move(same);
  }
  SEL_CHECK_OK(check_room(models_folder_, bytes, incoming.name));
  for (const fs::path& file : files) {
    auto intake = Intake::begin(models_folder_, ".import-" + file.filename().string());
    auto sum =
        intake.ok() ? intake->copy(file, tell("copying")) : Result<std::string>(intake.error());
    if (!sum.ok()) {
      incoming.discard();
      return sum.error();
    }
    std::error_code ignored;
    before += fs::file_size(file, ignored);
    incoming.sums.push_back(*std::move(sum));
    incoming.intakes.push_back(*std::move(intake));
  }
  return install(incoming, request);
}

Result<std::string> LocalCatalog::fetch_into(Incoming& incoming, const Hub& hub,
                                             const std::string& repository, const WeightsFile& file,
                                             const Progress& progress) const {
  Artifact artifact;
  artifact.file = fs::path(file.path).filename().string();
  artifact.url = hub.url_of(repository, file.path);
  artifact.bytes = artifact.bytes_about = file.bytes;
  artifact.sha256 = file.sha256;
  artifact.licence = "as its page says";
  // The same file of the same repository, when it is asked for again, and no other one.
  Sha256 place;
  place.add(artifact.url);
  SEL_TRY(intake, Intake::begin(models_folder_, ".fetch-" + place.hex().substr(0, 16)));
  SEL_TRY(sha256, fetch(artifact, intake, progress, hub.token()));
  if (!file.sha256.empty() && sha256 != file.sha256) {
    intake.discard();
    return Error{Code::checksum_mismatch, "\"" + artifact.file + "\" has SHA-256 " + sha256 +
                                              ", expected " + file.sha256 +
                                              ": what came was thrown away"};
  }
  incoming.intakes.push_back(std::move(intake));
  return sha256;
}

// Weights with the sums that the repository tells may be here already.
Result<std::optional<Installed>> LocalCatalog::bind_if_there(const ImportRequest& request,
                                                             const WeightsSet& set) {
  std::vector<std::string> sums;
  for (const WeightsFile& file : set.files) sums.push_back(file.sha256);
  const std::string sha256 = whole_sum(sums);
  SEL_TRY(files, files_->list());
  for (const InstalledFile& file : *files) {
    if (file.sha256 != sha256 || !resolver_.is_there(file)) continue;
    std::vector<fs::path> paths{models_folder_ / file.file};
    for (const FurtherFile& further : file.further) paths.push_back(models_folder_ / further.file);
    SEL_TRY(summary, check_files(paths, file.file));
    SEL_CHECK_OK(check_ids(request, summary, file.file));
    return reuse(sha256, request, summary);
  }
  return std::optional<Installed>();
}

Result<Installed> LocalCatalog::take_in_from_hub(const ImportRequest& request,
                                                 const HubReference& from,
                                                 const Progress& progress) {
  const Hub hub = Hub::from_environment();
  SEL_TRY(listed, hub.list(from.repository));
  const std::string& pick = from.file.empty() ? request.pick : from.file;
  SEL_TRY(set,
          pick_weights(weights_sets(std::move(listed), pick), pick, "\"" + from.repository + "\""));
  if (request.ids.empty()) {
    return Error{Code::invalid_input, "say with --as ID what \"" + set.name() + "\" answers for"};
  }
  SEL_TRY(there, bind_if_there(request, set));
  if (there.has_value()) return *std::move(there);
  SEL_CHECK_OK(check_room(models_folder_, set.bytes(), set.name()));
  Incoming incoming;
  incoming.name = fs::path(set.name()).filename().string();
  incoming.source = hub.url_of(from.repository, set.name());
  std::uint64_t before = 0;
  const auto tell = [&](std::uint64_t done, std::uint64_t, std::string_view doing) {
    if (progress) progress(before + done, set.bytes(), doing);
  };
  for (const WeightsFile& file : set.files) {
    SEL_TRY(sum, fetch_into(incoming, hub, from.repository, file, tell));
    incoming.sums.push_back(std::move(sum));
    before += file.bytes;
  }
  return install(incoming, request);
}

// Checks the copies, whatever the originals have become meanwhile, and gives them their names.
Result<Installed> LocalCatalog::install(Incoming& incoming, const ImportRequest& request) {
  incoming.sha256 = whole_sum(incoming.sums);
  std::vector<std::string> settled;
  const auto settle = [&]() -> Result<std::string> {
    const std::vector<fs::path> partials = incoming.partials();
    SEL_TRY(summary, check_files(partials, incoming.name));
    SEL_CHECK_OK(check_ids(request, summary, incoming.name));
    SEL_TRY(same, reuse(incoming.sha256, request, summary));
    if (same.has_value()) {
      incoming.discard();
      return same->name;
    }
    incoming.summary = summary;
    SEL_TRY(row, row_for(incoming));
    bind(row, request, summary);
    for (std::size_t at = 0; at < partials.size(); ++at) {
      const std::string& file = at == 0 ? row.file : row.further[at - 1].file;
      std::error_code problem;
      const std::uint64_t bytes = fs::file_size(partials[at], problem);
      if (problem) return Error{Code::io, "cannot read \"" + file + "\": " + problem.message()};
      (at == 0 ? row.bytes : row.further[at - 1].bytes) = bytes;
      SEL_CHECK_OK(incoming.intakes[at].settle(file));
      settled.push_back(file);
    }
    SEL_CHECK_OK(files_->add(row));
    return row.name;
  };
  const auto name = settle();
  if (!name.ok()) {
    incoming.discard();
    std::error_code ignored;
    for (const std::string& file : settled) fs::remove(models_folder_ / file, ignored);
    return name.error();
  }
  return described(*name);
}

}  // namespace selvedge::catalog
