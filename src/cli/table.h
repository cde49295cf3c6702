// Table: rows for people, in aligned columns.
#pragma once

#include <string>
#include <vector>

namespace selvedge::cli {

class Table {
 public:
  explicit Table(std::vector<std::string> headings);
  // As many cells as headings.
  void add(std::vector<std::string> cells);
  // Headings and rows, each ended by a newline; the last column is not filled up. Wide characters
  // count two columns.
  std::string text() const;
  bool empty() const { return rows_.size() == 1; }

 private:
  std::vector<std::vector<std::string>> rows_;  // The headings first.
};

// 1.5 with 2 digits: "1.50".
std::string fixed(double number, int digits);

}  // namespace selvedge::cli
