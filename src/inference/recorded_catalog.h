// Recorded catalog: a catalogue whose choice of weights is noted, or comes from a recording.
#pragma once

#include <memory>
#include <utility>

#include "catalog/catalog.h"
#include "inference/recording_folder.h"

namespace selvedge::inference {

// Everything but resolve() is the inner catalogue's own.
class RecordedCatalog final : public catalog::Catalog {
 public:
  enum class Use : std::uint8_t { record, replay };

  RecordedCatalog(std::unique_ptr<catalog::Catalog> inner, std::shared_ptr<RecordingFolder> folder,
                  Use use)
      : inner_(std::move(inner)), folder_(std::move(folder)), use_(use) {}

  std::span<const catalog::ModelEntry> entries() const override { return inner_->entries(); }
  std::span<const catalog::Artifact> artifacts() const override { return inner_->artifacts(); }
  Result<const catalog::ModelEntry*> find(std::string_view id) const override {
    return inner_->find(id);
  }

  // Recording: what the inner one says, noted in the folder. Errors also: io. Replaying: what was
  // noted; whether the weights are on this disk plays no part. Errors: model_not_found,
  // model_not_installed (the model was not recorded).
  Result<catalog::Resolved> resolve(std::string_view id) const override;

  Result<std::vector<catalog::Installed>> installed() const override { return inner_->installed(); }
  Result<catalog::Installed> import(const std::filesystem::path& file,
                                    std::span<const std::string> as_ids,
                                    const catalog::Progress& progress) override {
    return inner_->import(file, as_ids, progress);
  }
  Result<catalog::Installed> import_part(const std::filesystem::path& file, std::string_view part,
                                         std::span<const std::string> as_ids,
                                         const catalog::Progress& progress) override {
    return inner_->import_part(file, part, as_ids, progress);
  }
  Result<catalog::Installed> pull(std::string_view id_or_name,
                                  const catalog::Progress& progress) override {
    return inner_->pull(id_or_name, progress);
  }
  Status remove(std::string_view name_or_id) override { return inner_->remove(name_or_id); }

 private:
  const std::unique_ptr<catalog::Catalog> inner_;
  const std::shared_ptr<RecordingFolder> folder_;
  const Use use_;
};

}  // namespace selvedge::inference
