// Text readers: plain text, JSON, Markdown, tables of separated values.
#pragma once

#include <string>
#include <string_view>

#include "markdown/document.h"

namespace selvedge::markdown {

// All take UTF-8. Lines stay lines; what an empty line divides becomes paragraphs.
Blocks read_text(std::string_view text);
// As it is, in a block of code.
Blocks read_json(std::string_view text);
// One table. The separator is what the first lines have most of: a comma, semicolon, tab or bar.
// Source: RFC 4180.
Blocks read_csv(std::string_view text);

// Markdown as it is, with one newline at its end and none of other systems.
std::string tidied_markdown(std::string_view text);

}  // namespace selvedge::markdown
