// Inline writer: the inside of a paragraph, heading or cell.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

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

// Backticks, at least so many and more than stand in a row in `code`.
std::string code_fence(std::string_view code, std::size_t least);

}  // namespace selvedge::markdown
