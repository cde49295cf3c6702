// Fuzzes the reading of pictures that clients send: any bytes are pixels of a bounded size, or an
// error.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "engines/input_picture.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace selvedge::engines;  // NOLINT(google-build-using-namespace)
  if (size == 0) return 0;
  const auto use = (data[0] & 1) != 0 ? PictureUse::mask : PictureUse::colours;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto picture = decode_picture(bytes, use, "image");
  if (!picture.ok()) {
    SEL_CHECK(picture.error().code == selvedge::Code::invalid_input);
    return 0;
  }
  const auto pixels = static_cast<std::int64_t>(picture->width) * picture->height;
  SEL_CHECK(picture->width >= 1 && picture->height >= 1);
  SEL_CHECK(picture->width <= kInputSideMax && picture->height <= kInputSideMax);
  SEL_CHECK(pixels <= kInputPixelsMax);
  SEL_CHECK(static_cast<std::int64_t>(picture->pixels.size()) == pixels * picture->channels);
  return 0;
}
