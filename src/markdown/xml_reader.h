// XML reader: any XML as nested lists of its elements.
#pragma once

#include <string_view>

#include "base/result.h"
#include "markdown/document.h"

namespace selvedge::markdown {

// `text` is UTF-8. "- **name** (attribute="value"): text" for each element, its children below it.
// Errors: file_invalid.
Result<Blocks> read_xml(std::string_view text);

// Whether the root element is that of XHTML.
bool is_xhtml(std::string_view text);

}  // namespace selvedge::markdown
