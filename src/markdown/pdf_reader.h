// PDF reader: the text of each page in reading order.
#pragma once

#include <string_view>

#include "base/result.h"
#include "documents/conversion.h"
#include "markdown/document.h"

namespace selvedge::markdown {

// "## Metadata" with what the file says of itself, unless `options` want none; then "## Contents"
// and "### Page N" for each. A file whose pages are pictures of text has none. Errors:
// file_invalid (no PDF, one that asks for a password, more text than an answer may have).
Result<Blocks> read_pdf(std::string_view bytes, const documents::ConversionOptions& options);

}  // namespace selvedge::markdown
