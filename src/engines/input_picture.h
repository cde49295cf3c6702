// Input picture: pixels of a PNG, JPEG or WebP file that a client sent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace selvedge::engines {

inline constexpr int kInputSideMax = 8'192;
inline constexpr std::int64_t kInputPixelsMax = 16 * 1024 * 1024;

struct InputPicture {
  std::int32_t width = 0;
  std::int32_t height = 0;
  std::int32_t channels = 0;         // 3: red, green, blue; 1: a mask, white = 255.
  std::vector<std::uint8_t> pixels;  // [height x width x channels].
};

enum class PictureUse : std::uint8_t { colours, mask };

// Any bytes: those of a hostile client, too. What is transparent is seen before black. `what` is
// the input's name, for the message. Errors: invalid_input (of no such format, damaged, or larger
// than the bounds above, which is found out before memory is taken for pixels).
Result<InputPicture> decode_picture(std::string_view bytes, PictureUse use, std::string_view what);

}  // namespace selvedge::engines
