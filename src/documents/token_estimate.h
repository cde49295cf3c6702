// Token estimate: about how many tokens a model makes of a text, where no tokenizer is asked.
#pragma once

#include <cstddef>
#include <string_view>

namespace selvedge::documents {

// A quarter of the characters, rounded up, but each character of a script without spaces (Chinese,
// Japanese, Korean, Thai and those around them in Unicode) as one: what byte-pair encoders make of
// prose, within some 20%. `text` is UTF-8.
std::size_t estimated_tokens(std::string_view text);

}  // namespace selvedge::documents
