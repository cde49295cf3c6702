// Vectorize filter: the JSON grammar of metadata filters, into conditions.
#pragma once

#include <cstdint>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "vectors/filter.h"

namespace selvedge::api {

enum class FilterGrammar : std::uint8_t { ours, hosted };

// `filter` is an object: {property: scalar | null | {operator: operand}}, all of which must hold.
//   $eq $ne          a string, number, boolean or null
//   $in $nin         an array of those
//   $lt $lte $gt $gte   a string or number; one lower and one upper bound go together, and no
//                    other two of these eight do
// A scalar is short for $eq; dots in a property step into nested objects. {} has no conditions.
// Of our grammar alone, beside any others:
//   $exists          a boolean
//   $contains        a string or number
//   $not             an object of operators, which must not all hold
// and beside the properties:
//   $and $or         an array of one filter or more
//   $not             a filter
// up to limits::filter_depth_max filters and objects inside each other.
// Errors: query_invalid; the message names the property, never a value.
// Source: docs/compatibility.md#filters.
Result<vectors::Filter> parse_filter(const nlohmann::json& filter,
                                     FilterGrammar grammar = FilterGrammar::ours);

}  // namespace selvedge::api
