// Schema bounds: which JSON Schemas a grammar can hold a completion to in bearable time.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "common/json.h"

namespace selvedge::engines {

// What happens to a pattern that no grammar can say (schema_pattern.h).
enum class Patterns : std::uint8_t { refuse, drop };

// A grammar follows all ways of reading a text at once, for every token of the vocabulary: without
// bounds a schema of 100 bytes stops a runner for good. `schema`, without patterns that were
// dropped, the others as patterns of JSON text. Errors: invalid_input, with what is wrong: too many
// properties, values or alternatives that begin alike, a recursion through such, a pattern.
Result<common_json> bounded_schema(const common_json& schema, Patterns patterns);

}  // namespace selvedge::engines
