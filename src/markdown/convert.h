// Convert: one file of any format that is read here, as Markdown.
#pragma once

#include <string>

#include "base/result.h"
#include "documents/conversion.h"

namespace selvedge::markdown {

// PDFs and spreadsheets begin with "# " and their name. Errors: file_invalid, with words for
// people.
Result<std::string> convert(const documents::Conversion& conversion);

}  // namespace selvedge::markdown
