// Column: one kind of array for each type.
#include "vectors/column.h"

#include <limits>

#include "base/limits.h"

namespace selvedge::vectors {

static_assert(limits::indexed_string_bytes_max < Column::kElements, "a length fits its mark");

namespace {

constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();

}  // namespace

TextKey TextKey::of(std::string_view text) {
  TextKey key{0, std::string(text)};
  for (std::size_t at = 0; at < sizeof key.head; ++at) {
    const auto byte = at < text.size() ? static_cast<unsigned char>(text[at]) : 0U;
    key.head = (key.head << 8) | byte;
  }
  return key;
}

Column::Column(PropertyType type, std::size_t rows) : type_(type), marks_(rows, kNothing) {
  if (type == PropertyType::number) {
    numbers_.assign(rows, kNoNumber);
  } else if (type == PropertyType::string) {
    heads_.assign(rows, 0);
    texts_.resize(rows);
  }
}

void Column::set(std::size_t row, const PropertyValue& value) {
  marks_[row] = kNothing;
  if (type_ == PropertyType::number) {
    numbers_[row] = kNoNumber;
    if (!elements_.empty()) elements_[row].clear();
  } else if (type_ == PropertyType::string) {
    heads_[row] = 0;
    texts_[row].clear();
  }
  if (const auto* number = std::get_if<double>(&value)) {
    marks_[row] = kNumber;
    numbers_[row] = *number;
  } else if (const auto* truth = std::get_if<bool>(&value)) {
    marks_[row] = *truth ? 1 : 0;
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    TextKey key = TextKey::of(*text);
    marks_[row] = static_cast<std::uint8_t>(key.text.size());
    heads_[row] = key.head;
    texts_[row] = std::move(key.text);
  } else if (const auto* elements = std::get_if<PropertyElements>(&value)) {
    marks_[row] = kElements;
    if (type_ == PropertyType::number && elements_.empty()) elements_.resize(numbers_.size());
    for (const PropertyElement& element : *elements) {
      if (const auto* each = std::get_if<double>(&element)) elements_[row].push_back(*each);
      if (const auto* each = std::get_if<std::string>(&element)) {
        texts_[row].push_back(static_cast<char>(each->size()));
        texts_[row] += *each;
      }
    }
  }
}

PropertyValue Column::value(std::size_t row) const {
  if (marks_[row] == kNothing) return std::monostate();
  if (marks_[row] == kElements) {
    PropertyElements elements;
    if (type_ == PropertyType::number) {
      elements.assign(elements_[row].begin(), elements_[row].end());
    } else {
      any_text_element(row, [&elements](std::string_view each) {
        elements.emplace_back(std::string(each));
        return false;
      });
    }
    return elements;
  }
  if (type_ == PropertyType::number) return numbers_[row];
  if (type_ == PropertyType::boolean) return marks_[row] == 1;
  return texts_[row];
}

}  // namespace selvedge::vectors
