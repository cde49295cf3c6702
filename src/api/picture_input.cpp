// Picture input: URLs, base64, lists of bytes.
#include "api/picture_input.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/limits.h"

namespace selvedge::api {
namespace {

Error refused(std::string why) { return Error{Code::invalid_input, std::move(why)}; }

bool begins(std::string_view text, std::string_view lower) {
  return text.size() >= lower.size() &&
         std::equal(lower.begin(), lower.end(), text.begin(), [](char wanted, char found) {
           return wanted == (found >= 'A' && found <= 'Z' ? static_cast<char>(found + 32) : found);
         });
}

Result<std::string> picture_of_list(const nlohmann::json& list) {
  std::string bytes;
  bytes.reserve(list.size());
  for (const nlohmann::json& item : list) {
    const double value = item.is_number() ? item.get<double>() : -1;
    if (!(value >= 0 && value <= 255) || value != std::floor(value)) {
      return refused("byte " + std::to_string(bytes.size()) + " is no whole number from 0 to 255");
    }
    bytes += static_cast<char>(static_cast<unsigned char>(value));
  }
  SEL_CHECK_OK(check_picture(bytes));
  return bytes;
}

}  // namespace

Status check_picture(std::string_view bytes) {
  if (bytes.size() > limits::picture_bytes_max) {
    return refused("a picture may have up to " + std::to_string(limits::picture_bytes_max) +
                   " bytes");
  }
  const bool webp = bytes.starts_with("RIFF") && bytes.size() >= 12 && bytes.substr(8, 4) == "WEBP";
  if (bytes.starts_with("\x89PNG\r\n\x1a\n") || bytes.starts_with("\xff\xd8\xff") || webp) {
    return ok_status();
  }
  return refused("the bytes are none of a PNG, a JPEG and a WebP");
}

Result<std::string> picture_of_base64(std::string_view text) {
  auto bytes = base64_bytes(text);
  if (!bytes) return refused("the picture is not sound base64");
  SEL_CHECK_OK(check_picture(*bytes));
  return *std::move(bytes);
}

Result<std::string> picture_of_url(std::string_view url) {
  if (!begins(url, "data:")) {
    return refused(
        "pictures are taken as data: URLs (data:image/png;base64,...); this server fetches nothing "
        "from the network");
  }
  const std::size_t comma = url.find(',');
  const std::string_view kind = url.substr(0, std::min(comma, url.size()));
  constexpr std::string_view kBase64 = ";base64";
  const bool base64 =
      kind.size() > kBase64.size() && begins(kind.substr(kind.size() - kBase64.size()), kBase64);
  if (comma == url.npos || !base64) {
    return refused("a data: URL of a picture must read data:image/png;base64,...");
  }
  return picture_of_base64(url.substr(comma + 1));
}

Result<std::string> picture_of_value(const nlohmann::json& value) {
  if (value.is_array()) return picture_of_list(value);
  if (!value.is_string()) return refused("a picture is a list of bytes, base64, or a data: URL");
  const auto& text = value.get_ref<const std::string&>();
  const bool url = begins(text, "data:") || begins(text, "http:") || begins(text, "https:");
  return url ? picture_of_url(text) : picture_of_base64(text);
}

void add_picture(wire::ChatMessage& message, std::string bytes) {
  message.pictures.push_back(
      {static_cast<std::uint32_t>(message.content.size()), std::move(bytes)});
}

Status check_pictures(const std::vector<wire::ChatMessage>& messages) {
  std::size_t count = 0;
  for (const wire::ChatMessage& message : messages) {
    count += message.pictures.size();
    if (message.pictures.empty() || message.role == "user") continue;
    return refused("pictures are taken in turns of the user only");
  }
  if (count <= limits::pictures_per_call_max) return ok_status();
  return refused("a call may have up to " + std::to_string(limits::pictures_per_call_max) +
                 " pictures");
}

bool show_picture(std::vector<wire::ChatMessage>& messages, std::string bytes) {
  const auto last = std::find_if(messages.rbegin(), messages.rend(),
                                 [](const auto& message) { return message.role == "user"; });
  if (last == messages.rend()) return false;
  last->pictures.insert(last->pictures.begin(), {0, std::move(bytes)});
  return true;
}

}  // namespace selvedge::api
