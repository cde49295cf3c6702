// Picture input: the bytes of pictures out of requests, whichever way they came.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "wire/messages.h"

namespace selvedge::api {

// Every error here is invalid_input, and its message says what is wrong without saying where: doors
// name the field in their own way. Nothing is fetched: a URL must hold the picture. The bytes are a
// PNG, a JPEG or a WebP by their beginning, and no more than limits::picture_bytes_max.

// "data:image/png;base64,…".
Result<std::string> picture_of_url(std::string_view url);
// Base64 by itself.
Result<std::string> picture_of_base64(std::string_view text);
// A list of bytes, base64, or a data: URL: what Workers AI calls `image`.
Result<std::string> picture_of_value(const nlohmann::json& value);
// The bytes themselves.
Status check_picture(std::string_view bytes);

// Appends a picture behind the content that `message` has so far.
void add_picture(wire::ChatMessage& message, std::string bytes);

// Of a whole conversation: how many pictures, and in whose turns.
Status check_pictures(const std::vector<wire::ChatMessage>& messages);

// Puts `bytes` before the content of the last turn of the user. False: there is none.
bool show_picture(std::vector<wire::ChatMessage>& messages, std::string bytes);

}  // namespace selvedge::api
