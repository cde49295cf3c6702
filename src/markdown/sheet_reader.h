// Sheet reader: XLSX, as ECMA-376 part 1 describes it.
#pragma once

#include <string_view>

#include "base/result.h"
#include "markdown/document.h"

namespace selvedge::markdown {

// A heading of level 2 and a table for each sheet in the workbook's order, with the values that the
// formulas had when the file was saved. Errors: file_invalid.
Result<Blocks> read_sheets(std::string_view bytes);

}  // namespace selvedge::markdown
