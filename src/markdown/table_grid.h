// Table grid: cells that span columns and rows, put where they belong.
#pragma once

#include <cstddef>
#include <vector>

#include "markdown/document.h"

namespace selvedge::markdown {

// Rows are filled from left to right. The content of a cell stands in its first field; the others
// that it spans stay empty.
class TableGrid {
 public:
  static constexpr std::size_t kColumnsMax = 1'024;
  static constexpr std::size_t kFieldsMax = 2'000'000;

  void begin_row();
  void add(Inlines content, std::size_t columns = 1, std::size_t rows = 1);
  // Rows and columns at the end without content are left out.
  Block take();

 private:
  void skip_spanned();

  Block table_{.kind = Block::Kind::table};
  std::vector<std::size_t> spanned_;  // A column: how many more rows a cell above takes.
  std::size_t fields_ = 0;
};

}  // namespace selvedge::markdown
