// Page head: what an HTML page says of itself outside of its text.
#pragma once

#include <string>

#include <libxml/tree.h>

#include "markdown/document.h"

namespace selvedge::markdown {

// The front matter: title, description and image, of the title, meta and Open Graph elements. Empty
// where the page has none.
Block front_matter_of(const xmlNode& root);

// JSON-LD of the page, each script a block of code.
Blocks linked_data_of(const xmlNode& root);

// The target of the first `base` element, when it is a URL of the web; empty: none.
std::string base_of(const xmlNode& root);

}  // namespace selvedge::markdown
