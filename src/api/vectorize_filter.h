// Vectorize filter: the JSON grammar of metadata filters, into conditions.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "vectors/filter.h"

namespace selvedge::api {

// `filter` is an object: {property: scalar | null | {operator: operand}}, all of which must hold.
//   $eq $ne          a string, number, boolean or null
//   $in $nin         an array of those
//   $lt $lte $gt $gte   a string or number; one lower and one upper bound go together, and no
//                    other two operators do
// A scalar is short for $eq; dots in a property step into nested objects. {} has no conditions.
// Errors: query_invalid; the message names the property, never a value.
// Source: docs/compatibility.md#filters.
Result<vectors::Filter> parse_filter(const nlohmann::json& filter);

}  // namespace selvedge::api
