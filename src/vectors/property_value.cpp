// Property value: conversions between the scalars of JSON.
#include "vectors/property_value.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <optional>
#include <system_error>

#include "base/limits.h"

namespace selvedge::vectors {
namespace {

// JavaScript writes magnitudes from here on with an exponent, and those below 1e-6.
constexpr double kExponentFrom = 1e21;
constexpr double kExponentBelow = 1e-6;

std::string number_text(double number) {
  if (number == 0) return "0";
  const double size = std::abs(number);
  const bool plain = size >= kExponentBelow && size < kExponentFrom;
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, number,
                                 plain ? std::chars_format::fixed : std::chars_format::scientific)
                       .ptr;
  std::string text(buffer, end);
  // "1e-07" here is "1e-7" there.
  const std::size_t exponent = text.find('e');
  if (exponent != std::string::npos && text[exponent + 2] == '0') text.erase(exponent + 2, 1);
  return text;
}

std::optional<double> text_number(std::string_view text) {
  double number = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  if (read.ec != std::errc() || read.ptr != end || !std::isfinite(number)) return std::nullopt;
  return number;
}

PropertyValue as_string(const PropertyValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return std::string(cut_text(*text));
  if (const auto* number = std::get_if<double>(&value)) {
    if (std::isfinite(*number)) return number_text(*number);
  }
  if (const auto* truth = std::get_if<bool>(&value)) return *truth ? "true" : "false";
  return std::monostate();
}

PropertyValue as_number(const PropertyValue& value) {
  if (const auto* number = std::get_if<double>(&value)) {
    if (std::isfinite(*number)) return *number;
  }
  if (const auto* text = std::get_if<std::string>(&value)) {
    if (const auto number = text_number(*text)) return *number;
  }
  return std::monostate();
}

PropertyValue as_boolean(const PropertyValue& value) {
  if (const auto* truth = std::get_if<bool>(&value)) return *truth;
  if (const auto* text = std::get_if<std::string>(&value)) {
    if (*text == "true") return true;
    if (*text == "false") return false;
  }
  return std::monostate();
}

PropertyValue scalar_as_type(PropertyType type, const PropertyValue& value) {
  switch (type) {
    case PropertyType::string:
      return as_string(value);
    case PropertyType::number:
      return as_number(value);
    case PropertyType::boolean:
      return as_boolean(value);
  }
  return std::monostate();
}

PropertyValue elements_as_type(PropertyType type, const PropertyElements& elements) {
  PropertyElements formed;
  if (type == PropertyType::boolean) return std::monostate();
  for (const PropertyElement& element : elements) {
    const PropertyValue value = scalar_as_type(
        type, std::visit([](const auto& scalar) { return PropertyValue(scalar); }, element));
    if (const auto* number = std::get_if<double>(&value)) formed.emplace_back(*number);
    if (const auto* text = std::get_if<std::string>(&value)) formed.emplace_back(*text);
  }
  if (formed.empty()) return std::monostate();
  std::sort(formed.begin(), formed.end());
  formed.erase(std::unique(formed.begin(), formed.end()), formed.end());
  return formed;
}

}  // namespace

PropertyValue as_type(PropertyType type, const PropertyValue& value) {
  if (const auto* elements = std::get_if<PropertyElements>(&value)) {
    return elements_as_type(type, *elements);
  }
  return scalar_as_type(type, value);
}

std::string_view cut_text(std::string_view text) {
  if (text.size() <= limits::indexed_string_bytes_max) return text;
  // A character has at most three bytes after its first.
  constexpr std::size_t kFollowersMax = 3;
  for (std::size_t back = 0; back <= kFollowersMax; ++back) {
    const std::size_t end = limits::indexed_string_bytes_max - back;
    if ((static_cast<unsigned char>(text[end]) & 0xC0U) != 0x80U) return text.substr(0, end);
  }
  return text.substr(0, limits::indexed_string_bytes_max);
}

}  // namespace selvedge::vectors
