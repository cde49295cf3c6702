// Properties: the metadata indexes of one index, and how their values come out of metadata.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vectors/filter.h"
#include "vectors/index.h"

namespace selvedge::vectors {

// Immutable once a snapshot has it.
class Properties {
 public:
  Properties() = default;
  explicit Properties(std::vector<MetadataIndex> indexes);

  const std::vector<MetadataIndex>& indexes() const { return indexes_; }
  std::size_t size() const { return indexes_.size(); }
  std::optional<std::size_t> find(std::string_view property) const;

  // Replaces `values` by one for each index, as its type, of a vector that `mutation` wrote.
  // `reader` may be null: then there are none.
  void read(const MetadataReader& reader, std::string_view metadata, MutationNumber mutation,
            std::vector<PropertyValue>& values) const;

 private:
  std::vector<MetadataIndex> indexes_;
  std::vector<std::string> names_;  // As the reader takes them.
};

}  // namespace selvedge::vectors
