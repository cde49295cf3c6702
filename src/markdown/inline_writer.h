// Inline writer: the inside of a paragraph, heading or cell.
#pragma once

#include <cstdint>
#include <string>

#include "markdown/document.h"
#include "markdown/gfm.h"

namespace selvedge::markdown {

enum class Place : std::uint8_t {
  paragraph,  // May have several lines.
  heading,    // One line.
  cell,       // One line between bars.
};

// Without a newline at the end; lines have no white space at their ends.
std::string write_inlines(const Inlines& inlines, Form form, Place place);

}  // namespace selvedge::markdown
