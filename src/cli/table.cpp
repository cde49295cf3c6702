// Table: widths first, then lines.
#include "cli/table.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "base/check.h"
#include "cli/output.h"

namespace selvedge::cli {

Table::Table(std::vector<std::string> headings) { rows_.push_back(std::move(headings)); }

void Table::add(std::vector<std::string> cells) {
  SEL_CHECK(cells.size() == rows_.front().size());
  rows_.push_back(std::move(cells));
}

std::string Table::text() const {
  std::vector<std::size_t> widths(rows_.front().size(), 0);
  for (const auto& row : rows_) {
    for (std::size_t column = 0; column < row.size(); ++column) {
      widths[column] = std::max(widths[column], display_width(row[column]));
    }
  }
  std::string text;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t column = 0; column + 1 < row.size(); ++column) {
      line += padded(row[column], widths[column]) + "  ";
    }
    line += row.back();
    while (!line.empty() && line.back() == ' ') line.pop_back();
    text += (&row == &rows_.front() ? bold(line) : line) + "\n";
  }
  return text;
}

std::string fixed(double number, int digits) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.*f", digits, number);
  return text;
}

}  // namespace selvedge::cli
