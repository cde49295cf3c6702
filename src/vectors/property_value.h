// Property value: a metadata value in the form that the type of its index holds and compares.
#pragma once

#include <string_view>

#include "vectors/filter.h"

namespace selvedge::vectors {

// `value` as `type`, or nothing where it has no such form.
//   string:  texts, cut; numbers as JavaScript writes them (10, 1.5, 1e+21); "true" and "false".
//   number:  finite numbers; texts that are a decimal number from end to end.
//   boolean: truths; the texts "true" and "false"; no arrays.
// Of an array those elements stay that have the form; nothing, where none has.
PropertyValue as_type(PropertyType type, const PropertyValue& value);

// The first limits::indexed_string_bytes_max bytes, at a border of UTF-8 characters.
std::string_view cut_text(std::string_view text);

}  // namespace selvedge::vectors
