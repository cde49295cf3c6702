// Column: the values of one property, beside the rows of one chunk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
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
  // Marks of what is no scalar; every other mark is a scalar's.
  static constexpr std::uint8_t kNothing = 0xFF;
  static constexpr std::uint8_t kElements = 0xFE;
  static constexpr std::uint8_t kNumber = 0;

  Column(PropertyType type, std::size_t rows);

  PropertyType type() const { return type_; }
  // About what it takes.
  std::size_t bytes() const {
    return numbers_.size() * sizeof(double) + marks_.size() +
           heads_.size() * sizeof(std::uint64_t) + texts_.size() * sizeof(std::string);
  }
  // `value` is as_type(type()); whatever the row had is gone.
  void set(std::size_t row, const PropertyValue& value);
  PropertyValue value(std::size_t row) const;

  // Of boolean columns: 0, 1 or kNothing; of number columns: kNumber, kElements or kNothing; of
  // string columns: the length, kElements or kNothing.
  std::uint8_t mark(std::size_t row) const { return marks_[row]; }
  // Of number columns; NaN = no scalar.
  double number(std::size_t row) const { return numbers_[row]; }
  // Of number columns, where the mark is kElements; ascending.
  std::span<const double> number_elements(std::size_t row) const { return elements_[row]; }
  // Of string columns, where the mark is a length.
  std::uint64_t head(std::size_t row) const { return heads_[row]; }
  const std::string& text(std::size_t row) const { return texts_[row]; }
  // Of string columns, where the mark is kElements: `visit` takes each as a std::string_view, in
  // the order of bytes, until it answers true. Whether it did.
  template <class Visit>
  bool any_text_element(std::size_t row, Visit visit) const {
    const std::string_view packed = texts_[row];
    for (std::size_t at = 0; at < packed.size();) {
      const std::size_t bytes = static_cast<unsigned char>(packed[at]);
      if (visit(packed.substr(at + 1, bytes))) return true;
      at += 1 + bytes;
    }
    return false;
  }

 private:
  PropertyType type_;
  std::vector<std::uint8_t> marks_;
  std::vector<double> numbers_;
  // One per row from the first array on, which comes before any reader looks for one.
  std::vector<std::vector<double>> elements_;
  std::vector<std::uint64_t> heads_;
  std::vector<std::string> texts_;  // Or elements: each its length in one byte, and its bytes.
};

}  // namespace selvedge::vectors
