// Resolver: which installed file answers for an id.
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "catalog/catalog.h"
#include "catalog/installed_files.h"
#include "catalog/model_table.h"

namespace selvedge::catalog {

// Picks, in this order: the file that the user bound to the id (under every profile); the exact
// weights (not under `small`); a stand-in of the same task (not under `exact`), readers before
// others, then the largest; an embedding model must not be wider than the id promises. A file that
// is missing on disk, or has not its size, counts as not installed, and so do weights of the
// catalogue without a part that they need. Constant; thread-safe.
class Resolver {
 public:
  Resolver(std::shared_ptr<const ModelTable> table, std::filesystem::path models_folder);

  // Errors: as Catalog::resolve.
  Result<Resolved> resolve(const FileList& files, const ModelEntry& entry, Profile profile) const;

  // Null unless `file` is an artifact.
  const Artifact* artifact_of(const InstalledFile& file) const;

  // Null unless the file of `artifact` is there.
  const InstalledFile* file_of(const FileList& files, const Artifact& artifact) const;

  // On disk, with the size it was installed with.
  bool is_there(const InstalledFile& file) const;

  // The file that is bound to `id`, or its exact weights; there or not; null when neither is known.
  const InstalledFile* exact_file(const FileList& files, std::string_view id) const;

 private:
  const InstalledFile* bound_file(const FileList& files, std::string_view id) const;
  const InstalledFile* exact_weights(const FileList& files, std::string_view id) const;
  const InstalledFile* stand_in(const FileList& files, const ModelEntry& entry) const;
  // Weights with their projector, under the id that has both, for a task about pictures.
  struct Seeing {
    const InstalledFile* file = nullptr;
    const ModelEntry* entry = nullptr;  // Null: a stand-in that is no id's own weights.
  };
  Seeing seeing(const FileList& files) const;
  Result<Resolved> answer_seeing(const FileList& files, const ModelEntry& entry) const;
  std::string blind_because(const Resolved& resolved) const;
  std::string no_eyes(const FileList& files, const ModelEntry& entry, Profile profile) const;
  // Errors: model_not_installed (a part is missing).
  Result<Resolved> answer(const FileList& files, const InstalledFile& file, const ModelEntry& entry,
                          bool stand_in) const;
  // Those that the user bound to the id, then those that the catalogue knows of the weights.
  // Errors: as answer.
  Result<std::vector<ResolvedPart>> parts(const FileList& files, const InstalledFile& file,
                                          const ModelEntry& entry, bool stand_in) const;
  Error not_installed(const FileList& files, const ModelEntry& entry, Profile profile) const;

  std::shared_ptr<const ModelTable> table_;
  std::filesystem::path models_folder_;
};

// Error model_not_found that names (the beginning of) `id`.
Error unknown_model(std::string_view id);

}  // namespace selvedge::catalog
