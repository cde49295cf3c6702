// Recorded catalog: resolve(), one way or the other.
#include "inference/recorded_catalog.h"

namespace selvedge::inference {

Result<catalog::Resolved> RecordedCatalog::resolve(std::string_view id) const {
  if (use_ == Use::replay) {
    SEL_TRY(entry, inner().find(id));
    return folder_->model(*entry);
  }
  SEL_TRY(model, inner().resolve(id));
  SEL_CHECK_OK(folder_->write_model(model));
  return model;
}

}  // namespace selvedge::inference
