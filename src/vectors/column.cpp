// Column: one kind of array for each type.
#include "vectors/column.h"

#include <limits>

#include "base/limits.h"

namespace selvedge::vectors {

static_assert(limits::indexed_string_bytes_max < Column::kNothing, "a length fits its mark");

TextKey TextKey::of(std::string_view text) {
  TextKey key{0, std::string(text)};
  for (std::size_t at = 0; at < sizeof key.head; ++at) {
    const auto byte = at < text.size() ? static_cast<unsigned char>(text[at]) : 0U;
    key.head = (key.head << 8) | byte;
  }
  return key;
}

Column::Column(PropertyType type, std::size_t rows) : type_(type) {
  if (type == PropertyType::number) {
    numbers_.assign(rows, std::numeric_limits<double>::quiet_NaN());
    return;
  }
  marks_.assign(rows, kNothing);
  if (type == PropertyType::string) {
    heads_.assign(rows, 0);
    texts_.resize(rows);
  }
}

void Column::set(std::size_t row, const PropertyValue& value) {
  if (const auto* number = std::get_if<double>(&value)) {
    numbers_[row] = *number;
  } else if (const auto* truth = std::get_if<bool>(&value)) {
    marks_[row] = *truth ? 1 : 0;
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    TextKey key = TextKey::of(*text);
    marks_[row] = static_cast<std::uint8_t>(key.text.size());
    heads_[row] = key.head;
    texts_[row] = std::move(key.text);
  }
}

void Column::copy(std::size_t row, const Column& from, std::size_t from_row) {
  if (type_ == PropertyType::number) {
    numbers_[row] = from.numbers_[from_row];
    return;
  }
  marks_[row] = from.marks_[from_row];
  if (type_ == PropertyType::string) {
    heads_[row] = from.heads_[from_row];
    texts_[row] = from.texts_[from_row];
  }
}

PropertyValue Column::value(std::size_t row) const {
  if (type_ == PropertyType::number) {
    // NaN is the one number that differs from itself.
    if (numbers_[row] != numbers_[row]) return std::monostate();
    return numbers_[row];
  }
  if (marks_[row] == kNothing) return std::monostate();
  if (type_ == PropertyType::boolean) return marks_[row] == 1;
  return texts_[row];
}

}  // namespace selvedge::vectors
