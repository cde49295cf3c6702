// OpenDocument reader: ODT and ODS, as ISO/IEC 26300 describes them.
#pragma once

#include <string_view>

#include "base/result.h"
#include "markdown/document.h"

namespace selvedge::markdown {

// The text, or a heading of level 2 and a table for each sheet, of a file of either kind. Errors:
// file_invalid.
Result<Blocks> read_open_document(std::string_view bytes);

}  // namespace selvedge::markdown
