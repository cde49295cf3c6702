// HTML reader: a page's content as a document.
#pragma once

#include <string_view>

#include "base/result.h"
#include "documents/conversion.h"
#include "markdown/document.h"

namespace selvedge::markdown {

// `text` is UTF-8. Of `options` the html_ ones count. Scripts, styles, forms' fields and what is
// hidden are left out; without a selector also headers and footers, unless nothing else is there,
// and then what the page says of itself stands before its text, and its JSON-LD behind it. Errors:
// file_invalid (no HTML, a selector that is wrong or selects nothing).
Result<Blocks> read_html(std::string_view text, const documents::ConversionOptions& options);

}  // namespace selvedge::markdown
