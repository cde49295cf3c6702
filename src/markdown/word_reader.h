// Word reader: DOCX, as ECMA-376 part 1 describes it.
#pragma once

#include <string_view>

#include "base/result.h"
#include "markdown/document.h"

namespace selvedge::markdown {

// The body with its footnotes and endnotes; what changes tracking has deleted is left out. Errors:
// file_invalid.
Result<Blocks> read_word(std::string_view bytes);

}  // namespace selvedge::markdown
