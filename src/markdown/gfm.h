// GFM: writes a document as GitHub Flavored Markdown, or as plain text.
#pragma once

#include <cstdint>
#include <string>

#include "markdown/document.h"

namespace selvedge::markdown {

enum class Form : std::uint8_t { markdown, plain };

// One newline at its end; empty for a document without content. Texts are escaped so that they read
// as themselves and become no other structure; where asterisks would not be taken for the style
// they stand for (next to punctuation in scripts without spaces), inline HTML says it.
// Source: GitHub Flavored Markdown Spec 0.29; CommonMark 0.31 for emphasis.
std::string write(const Blocks& blocks, Form form);

}  // namespace selvedge::markdown
