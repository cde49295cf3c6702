// Table grid: bounded in width and in fields, whatever the spans say.
#include "markdown/table_grid.h"

#include <algorithm>
#include <utility>

namespace selvedge::markdown {

void TableGrid::begin_row() {
  if (fields_ >= kFieldsMax) return;
  if (!table_.rows.empty()) skip_spanned();
  table_.rows.emplace_back();
}

// Fields of the current row that cells of rows above take.
void TableGrid::skip_spanned() {
  Block::Row& row = table_.rows.back();
  while (row.size() < spanned_.size() && spanned_[row.size()] > 0) {
    --spanned_[row.size()];
    row.emplace_back();
    ++fields_;
  }
}

void TableGrid::add(Inlines content, std::size_t columns, std::size_t rows) {
  if (fields_ >= kFieldsMax || table_.rows.empty()) return;
  skip_spanned();
  Block::Row& row = table_.rows.back();
  columns = std::clamp<std::size_t>(columns, 1, kColumnsMax);
  rows = std::clamp<std::size_t>(rows, 1, kFieldsMax);
  for (std::size_t at = 0; at < columns && row.size() < kColumnsMax; ++at) {
    if (spanned_.size() <= row.size()) spanned_.resize(row.size() + 1);
    spanned_[row.size()] = rows - 1;
    row.emplace_back(at == 0 ? std::move(content) : Inlines());
    ++fields_;
  }
}

Block TableGrid::take() {
  for (Block::Row& row : table_.rows) {
    while (!row.empty() && empty(row.back())) row.pop_back();
  }
  while (!table_.rows.empty() && table_.rows.back().empty()) table_.rows.pop_back();
  spanned_.clear();
  fields_ = 0;
  return std::exchange(table_, Block{.kind = Block::Kind::table});
}

}  // namespace selvedge::markdown
