// Properties: read all at once, then brought into their types.
#include "vectors/properties.h"

#include <utility>

#include "vectors/property_value.h"

namespace selvedge::vectors {

Properties::Properties(std::vector<MetadataIndex> indexes) : indexes_(std::move(indexes)) {
  for (const MetadataIndex& index : indexes_) names_.push_back(index.property);
}

std::optional<std::size_t> Properties::find(std::string_view property) const {
  for (std::size_t at = 0; at < names_.size(); ++at) {
    if (names_[at] == property) return at;
  }
  return std::nullopt;
}

void Properties::read(const MetadataReader& reader, std::string_view metadata,
                      MutationNumber mutation, std::vector<PropertyValue>& values) const {
  values.assign(indexes_.size(), std::monostate());
  if (values.empty() || metadata.empty() || !reader) return;
  reader(metadata, names_, values);
  for (std::size_t at = 0; at < values.size(); ++at) {
    values[at] = mutation > indexes_[at].written_after ? as_type(indexes_[at].type, values[at])
                                                       : PropertyValue();
  }
}

}  // namespace selvedge::vectors
