// Column: the values of one property, beside the rows of one chunk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "vectors/filter.h"

namespace selvedge::vectors {

// A text as it is compared: most comparisons end at the first eight bytes.
struct TextKey {
  std::uint64_t head = 0;  // The first bytes, big-endian, zeros after the end.
  std::string text;

  static TextKey of(std::string_view text);
  bool operator<(const TextKey& other) const {
    return head != other.head ? head < other.head : text < other.text;
  }
};

// Fixed in size; its arrays never move. The writer sets a row before any snapshot sees it, so
// readers never see one change. Rows begin with nothing.
class Column {
 public:
  static constexpr std::uint8_t kNothing = 0xFF;

  Column(PropertyType type, std::size_t rows);

  PropertyType type() const { return type_; }
  // `value` is as_type(type()).
  void set(std::size_t row, const PropertyValue& value);
  PropertyValue value(std::size_t row) const;

  // Of number columns; NaN = nothing.
  double number(std::size_t row) const { return numbers_[row]; }
  // Of boolean columns: 0, 1 or kNothing; of string columns: the length or kNothing.
  std::uint8_t mark(std::size_t row) const { return marks_[row]; }
  // Of string columns.
  std::uint64_t head(std::size_t row) const { return heads_[row]; }
  const std::string& text(std::size_t row) const { return texts_[row]; }

 private:
  PropertyType type_;
  std::vector<double> numbers_;
  std::vector<std::uint8_t> marks_;
  std::vector<std::uint64_t> heads_;
  std::vector<std::string> texts_;
};

}  // namespace selvedge::vectors
