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
  if (type_ == PropertyType::number) {
    const auto* number = std::get_if<double>(&value);
    numbers_[row] = number != nullptr ? *number : std::numeric_limits<double>::quiet_NaN();
  } else if (type_ == PropertyType::boolean) {
    const auto* truth = std::get_if<bool>(&value);
    marks_[row] = truth == nullptr ? kNothing : std::uint8_t{*truth};
  } else {
    const auto* text = std::get_if<std::string>(&value);
    TextKey key = TextKey::of(text != nullptr ? *text : std::string_view());
    marks_[row] = text != nullptr ? static_cast<std::uint8_t>(key.text.size()) : kNothing;
    heads_[row] = key.head;
    texts_[row] = std::move(key.text);
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
