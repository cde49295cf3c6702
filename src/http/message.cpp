// Headers and request look-ups.
#include "http/message.h"

#include <algorithm>

#include "http/text.h"

namespace selvedge::http {

void Headers::add(std::string name, std::string value) {
  all_.emplace_back(std::move(name), std::move(value));
}

void Headers::set(std::string name, std::string value) {
  std::erase_if(all_, [&](const auto& header) { return equal_caseless(header.first, name); });
  add(std::move(name), std::move(value));
}

std::string_view Headers::get(std::string_view name) const {
  for (const auto& [key, value] : all_)
    if (equal_caseless(key, name)) return value;
  return {};
}

bool Headers::has(std::string_view name) const {
  return std::any_of(all_.begin(), all_.end(),
                     [&](const auto& header) { return equal_caseless(header.first, name); });
}

std::optional<std::string> Request::query_value(std::string_view name) const {
  for (const auto& [key, value] : query)
    if (key == name) return value;
  return std::nullopt;
}

std::string Request::content_type() const {
  const std::string_view whole = headers.get("content-type");
  return lower_case(trimmed(whole.substr(0, whole.find(';'))));
}

}  // namespace selvedge::http
