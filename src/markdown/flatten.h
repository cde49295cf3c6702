// Flatten: blocks where only one line may stand, such as the cell of a table.
#pragma once

#include "markdown/document.h"

namespace selvedge::markdown {

// Paragraphs one after the other with line breaks between them, items behind bullets.
Inlines flattened(const Blocks& blocks);

// Puts an inline of `kind` around the content of every paragraph and heading of `blocks`.
void wrap(Blocks& blocks, Inline::Kind kind, const std::string& target = {});

}  // namespace selvedge::markdown
