// Metadata properties: the scalars that metadata indexes know of a vector, read out of its JSON.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "vectors/filter.h"

namespace selvedge::api {

// A vectors::MetadataReader for metadata that is a JSON object. A dot in a property steps into a
// nested object ("author.name"); an array gives those of its elements that are strings, numbers and
// booleans; what is absent, null, an object or an array of none gives nothing, and of a key that
// stands twice the last one counts. Metadata that is no JSON object gives nothing.
// `values` has one entry per property. Any thread.
// Source: docs/compatibility.md#metadata-indexes.
void read_metadata_properties(std::string_view metadata, std::span<const std::string> properties,
                              std::span<vectors::PropertyValue> values);

}  // namespace selvedge::api
