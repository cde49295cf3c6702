// Recorded catalog: a catalogue whose choice of weights is noted, or comes from a recording.
#pragma once

#include <memory>
#include <utility>

#include "catalog/catalog_wrapper.h"
#include "inference/recording_folder.h"

namespace selvedge::inference {

// Everything but resolve() is the inner catalogue's own.
class RecordedCatalog final : public catalog::CatalogWrapper {
 public:
  enum class Use : std::uint8_t { record, replay };

  RecordedCatalog(std::unique_ptr<catalog::Catalog> inner, std::shared_ptr<RecordingFolder> folder,
                  Use use)
      : CatalogWrapper(std::move(inner)), folder_(std::move(folder)), use_(use) {}

  // Recording: what the inner one says, noted in the folder. Errors also: io. Replaying: what was
  // noted; whether the weights are on this disk plays no part. Errors: model_not_found,
  // model_not_installed (the model was not recorded).
  Result<catalog::Resolved> resolve(std::string_view id) const override;

 private:
  const std::shared_ptr<RecordingFolder> folder_;
  const Use use_;
};

}  // namespace selvedge::inference
