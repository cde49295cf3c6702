// Resolver: the order of choice, and the words when there is none.
#include "catalog/resolver.h"

#include <algorithm>
#include <optional>
#include <system_error>
#include <utility>

#include "base/utf8.h"
#include "catalog/task_names.h"

namespace selvedge::catalog {

namespace {

// Below this, models answer from what they remember and not from the passages: measured for 135
// million parameters, assumed up to here.
constexpr std::uint64_t kReaderParametersMin = 800'000'000;

bool names(const std::vector<std::string>& ids, std::string_view id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

bool may_stand_in(const Artifact& artifact, const ModelEntry& entry) {
  if (artifact.task == entry.task) return true;
  return artifact.task == Task::text_generation && may_be_emulated(entry);
}

bool has_length(const std::filesystem::path& file, std::uint64_t wanted) {
  std::error_code problem;
  const std::uintmax_t bytes = std::filesystem::file_size(file, problem);
  return !problem && bytes == wanted;
}

std::string size_note(const Artifact& artifact) {
  if (artifact.bytes_about == 0) return {};
  return " (" + readable_bytes(artifact.bytes_about) + ")";
}

}  // namespace

Error unknown_model(std::string_view id) {
  constexpr std::size_t kShownBytesMax = 128;
  const std::string_view shown = id.substr(0, utf8::floor_boundary(id, kShownBytesMax));
  return Error{Code::model_not_found, "no model is called \"" + std::string(shown) + "\""};
}

Resolver::Resolver(std::shared_ptr<const ModelTable> table, std::filesystem::path models_folder)
    : table_(std::move(table)), models_folder_(std::move(models_folder)) {}

const Artifact* Resolver::artifact_of(const InstalledFile& file) const {
  return table_->artifact(file.artifact);
}

const InstalledFile* Resolver::file_of(const FileList& files, const Artifact& artifact) const {
  for (const InstalledFile& file : files) {
    if (file.artifact == artifact.name && is_there(file)) return &file;
  }
  return nullptr;
}

bool Resolver::is_there(const InstalledFile& file) const {
  return has_length(models_folder_ / file.file, file.bytes) &&
         std::ranges::all_of(file.further, [this](const FurtherFile& further) {
           return has_length(models_folder_ / further.file, further.bytes);
         });
}

const InstalledFile* Resolver::bound_file(const FileList& files, std::string_view id) const {
  for (const InstalledFile& file : files) {
    if (names(file.bound_ids, id)) return &file;
  }
  return nullptr;
}

const InstalledFile* Resolver::exact_weights(const FileList& files, std::string_view id) const {
  const InstalledFile* best = nullptr;
  for (const InstalledFile& file : files) {
    const Artifact* artifact = artifact_of(file);
    if (artifact == nullptr || !artifact->part.empty() || !names(artifact->models, id)) continue;
    if (best == nullptr || !is_there(*best)) best = &file;
  }
  return best;
}

const InstalledFile* Resolver::exact_file(const FileList& files, std::string_view id) const {
  const InstalledFile* bound = bound_file(files, id);
  return bound != nullptr ? bound : exact_weights(files, id);
}

const InstalledFile* Resolver::stand_in(const FileList& files, const ModelEntry& entry) const {
  const InstalledFile* best = nullptr;
  bool best_reads = false;
  for (const InstalledFile& file : files) {
    const Artifact* artifact = artifact_of(file);
    if (artifact == nullptr || !artifact->stand_in || !may_stand_in(*artifact, entry)) continue;
    const bool too_wide = entry.task == Task::text_embeddings &&
                          (file.dimensions == 0 || (entry.output_dimensions > 0 &&
                                                    file.dimensions > entry.output_dimensions));
    if (too_wide || !is_there(file)) continue;
    const bool better = best == nullptr || (artifact->reader && !best_reads) ||
                        (artifact->reader == best_reads && file.bytes > best->bytes);
    if (!better) continue;
    best = &file;
    best_reads = artifact->reader;
  }
  return best;
}

Result<std::vector<ResolvedPart>> Resolver::parts(const FileList& files, const InstalledFile& file,
                                                  const ModelEntry& entry, bool stand_in) const {
  std::vector<ResolvedPart> parts;
  for (const FurtherFile& further : file.further) {
    parts.push_back({"split", models_folder_ / further.file});
  }
  // A projector speaks to the weights it was trained with, and to no others.
  const auto fits = [stand_in](std::string_view role) {
    return !stand_in || role != kProjectorPart;
  };
  for (const InstalledFile& other : files) {
    for (const BoundPart& bound : other.bound_parts) {
      if (bound.id == entry.id && is_there(other) && fits(bound.part)) {
        parts.push_back({bound.part, models_folder_ / other.file});
      }
    }
  }
  const Artifact* artifact = artifact_of(file);
  for (const Artifact* part :
       artifact == nullptr ? std::vector<const Artifact*>() : table_->parts_of(*artifact)) {
    const bool bound = std::any_of(parts.begin(), parts.end(), [part](const ResolvedPart& other) {
      return other.role == part->part;
    });
    if (bound) continue;
    const InstalledFile* there = file_of(files, *part);
    if (there != nullptr) {
      parts.push_back({part->part, models_folder_ / there->file});
    } else if (!part->optional) {
      return Error{Code::model_not_installed,
                   "model \"" + entry.id + "\" lacks its part " + part->part + " (\"" + part->file +
                       "\"): fetch it with \"selvedge pull " +
                       (part->of.empty() ? entry.id : part->of) + "\"" + size_note(*part)};
    }
  }
  // Those of the model asked for, whichever weights answer for it.
  for (const InstalledFile& other : files) {
    const Artifact* part = artifact_of(other);
    const bool ours = !entry.own && part != nullptr && !part->part.empty() &&
                      names(part->models, entry.id) && is_there(other) && fits(part->part);
    const auto same_role = [&](const ResolvedPart& each) { return each.role == part->part; };
    if (!ours || std::ranges::any_of(parts, same_role)) continue;
    parts.push_back({part->part, models_folder_ / other.file});
  }
  return parts;
}

Result<Resolved> Resolver::answer(const FileList& files, const InstalledFile& file,
                                  const ModelEntry& entry, bool stand_in) const {
  SEL_TRY(further, parts(files, file, entry, stand_in));
  Resolved resolved;
  resolved.parts = std::move(further);
  resolved.entry = &entry;
  resolved.requested = entry.id;
  resolved.answered_by = file.name;
  resolved.path = models_folder_ / file.file;
  resolved.sha256 = file.sha256;
  resolved.stand_in = stand_in;
  resolved.weights_task = file.task;
  resolved.blind_because = blind_because(resolved);
  const Artifact* artifact = artifact_of(file);
  if (artifact == nullptr) {
    resolved.reader = file.parameters >= kReaderParametersMin;
    return resolved;
  }
  resolved.reader = artifact->reader;
  resolved.query_prefix = artifact->query_prefix;
  resolved.passage_prefix = artifact->passage_prefix;
  resolved.refuse_below_latin = artifact->refuse_below_latin;
  resolved.refuse_below_cjk = artifact->refuse_below_cjk;
  resolved.drawing = artifact->drawing;
  return resolved;
}

std::string Resolver::blind_because(const Resolved& resolved) const {
  const auto is_projector = [](const ResolvedPart& part) { return part.role == kProjectorPart; };
  if (std::ranges::any_of(resolved.parts, is_projector)) return {};
  const std::string& id = resolved.entry->id;
  if (resolved.stand_in) {
    return "the stand-in " + resolved.answered_by + ", which answers for model " + id +
           ", reads no pictures: bring the model's own weights and its projector";
  }
  std::string message =
      "model " + id + " reads no pictures without a projector, which is not on this machine: ";
  for (const Artifact& artifact : table_->artifacts()) {
    if (artifact.part == kProjectorPart && names(artifact.models, id)) {
      message +=
          "fetch it with \"selvedge pull " + artifact.name + "\"" + size_note(artifact) + ", or ";
      break;
    }
  }
  return message +
         "bind the one of its weights with \"selvedge import MMPROJ.gguf --part projector --as " +
         id + "\"";
}

// Of several the largest; one that was made for captions before all others.
Resolver::Seeing Resolver::seeing(const FileList& files) const {
  Seeing best;
  const auto has_projector = [&](const ModelEntry& entry) {
    return std::ranges::any_of(files, [&](const InstalledFile& file) {
      const Artifact* artifact = artifact_of(file);
      const bool own = artifact != nullptr && artifact->part == kProjectorPart &&
                       names(artifact->models, entry.id);
      const bool bound = std::ranges::any_of(file.bound_parts, [&](const BoundPart& part) {
        return part.id == entry.id && part.part == kProjectorPart;
      });
      return (own || bound) && is_there(file);
    });
  };
  for (const InstalledFile& file : files) {
    const Artifact* artifact = artifact_of(file);
    if (artifact == nullptr || !artifact->stand_in || !artifact->part.empty()) continue;
    if (artifact->task == Task::image_to_text && is_there(file)) return {&file, nullptr};
  }
  for (const ModelEntry& entry : table_->entries()) {
    if (entry.task != Task::text_generation && !task_is_about_pictures(entry.task)) continue;
    const InstalledFile* file = exact_file(files, entry.id);
    if (file == nullptr || !is_there(*file) || !has_projector(entry)) continue;
    if (best.file == nullptr || file->bytes > best.file->bytes) best = {file, &entry};
  }
  return best;
}

Result<Resolved> Resolver::answer_seeing(const FileList& files, const ModelEntry& entry) const {
  const Seeing found = seeing(files);
  if (found.file == nullptr) return not_installed(files, entry, Profile::auto_);
  const bool own = found.entry != nullptr;
  // Weights of another id are asked with the parts of that id.
  SEL_TRY(resolved, answer(files, *found.file, own ? *found.entry : entry, false));
  resolved.entry = &entry;
  resolved.requested = entry.id;
  resolved.stand_in = true;
  return resolved;
}

std::string Resolver::no_eyes(const FileList& files, const ModelEntry& entry,
                              Profile profile) const {
  const InstalledFile* known = exact_file(files, entry.id);
  std::string message = "model \"" + entry.id + "\" is not on this machine";
  if (known != nullptr && !is_there(*known)) {
    message += " (its file \"" + known->file + "\" has vanished or changed)";
  }
  message += profile == Profile::exact ? ": " : ", and no other model that reads pictures: ";
  for (const Artifact& artifact : table_->artifacts()) {
    if (profile == Profile::exact || !artifact.stand_in || artifact.task != Task::image_to_text ||
        artifact.url.empty())
      continue;
    message +=
        "fetch one with \"selvedge pull " + artifact.name + "\"" + size_note(artifact) + ", or ";
    break;
  }
  return message + "bind a GGUF and its projector with \"selvedge import FILE --as " + entry.id +
         "\" and \"selvedge import MMPROJ.gguf --part projector --as " + entry.id + "\"";
}

Error Resolver::not_installed(const FileList& files, const ModelEntry& entry,
                              Profile profile) const {
  if (task_is_about_pictures(entry.task)) {
    return Error{Code::model_not_installed, no_eyes(files, entry, profile)};
  }
  const std::string id = "\"" + entry.id + "\"";
  std::string message = profile == Profile::small ? "no stand-in for model " + id : "model " + id;
  message += " is not on this machine";
  const InstalledFile* known = exact_file(files, entry.id);
  if (known != nullptr && !is_there(*known)) {
    message += " (its file \"" + known->file + "\" has vanished or changed)";
  }
  const Artifact* fetched = table_->exact_artifact(entry.id);
  std::string what = entry.id;
  if (profile == Profile::small) {
    fetched = nullptr;
    for (const Artifact& artifact : table_->artifacts()) {
      if (!artifact.stand_in || !may_stand_in(artifact, entry) || artifact.url.empty()) continue;
      fetched = &artifact;
      what = artifact.name;
      break;
    }
  }
  const std::string format = entry.task == Task::automatic_speech_recognition
                                 ? "model of whisper.cpp"
                             : entry.task == Task::text_to_image ? "GGUF or safetensors file"
                                                                 : "GGUF";
  if (fetched != nullptr && !fetched->url.empty()) {
    message += ": fetch it with \"selvedge pull " + what + "\"" + size_note(*fetched) +
               ", or bind any " + format + " with ";
  } else {
    message += ": bind any " + format + " with ";
  }
  return Error{Code::model_not_installed,
               message + "\"selvedge import FILE --as " + entry.id + "\""};
}

Result<Resolved> Resolver::resolve(const FileList& files, const ModelEntry& entry,
                                   Profile profile) const {
  const std::string& id = entry.id;
  // Closed speech models have inputs and answers of their own, which no open one stands in for.
  const bool closed = entry.task == Task::automatic_speech_recognition && entry.weights.empty();
  if (!task_is_served(entry.task) || closed) {
    return Error{Code::model_unsupported, "model \"" + id + "\" does " + entry.task_name +
                                              ", which this build does not serve"};
  }
  const InstalledFile* bound = bound_file(files, id);
  if (bound != nullptr && is_there(*bound)) return answer(files, *bound, entry, false);
  if (entry.own) return not_installed(files, entry, profile);
  std::optional<Error> incomplete;
  if (profile != Profile::small) {
    const InstalledFile* exact = exact_weights(files, id);
    if (exact != nullptr && is_there(*exact)) {
      auto answered = answer(files, *exact, entry, false);
      if (answered.ok()) return answered;
      incomplete = answered.error();
    }
  }
  if (profile != Profile::exact && task_is_about_pictures(entry.task)) {
    auto seen = answer_seeing(files, entry);
    if (seen.ok() || !incomplete) return seen;
  } else if (profile != Profile::exact) {
    const InstalledFile* other = stand_in(files, entry);
    if (other != nullptr) {
      const bool is_exact = names(artifact_of(*other)->models, id);
      return answer(files, *other, entry, !is_exact);
    }
  }
  if (incomplete) return *std::move(incomplete);
  return not_installed(files, entry, profile);
}

}  // namespace selvedge::catalog
