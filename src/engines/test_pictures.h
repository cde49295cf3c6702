// Test pictures: small files made in memory.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <png.h>
#include <turbojpeg.h>

namespace selvedge::engines {

inline std::string png_of(std::int32_t width, std::int32_t height, std::uint32_t format,
                          const std::vector<std::uint8_t>& pixels) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(width);
  image.height = static_cast<png_uint_32>(height);
  image.format = format;
  png_alloc_size_t bytes = 0;
  png_image_write_to_memory(&image, nullptr, &bytes, 0, pixels.data(), 0, nullptr);
  std::string file(bytes, '\0');
  png_image_write_to_memory(&image, file.data(), &bytes, 0, pixels.data(), 0, nullptr);
  file.resize(bytes);
  return file;
}

// All pixels of one colour.
inline std::string plain_png(std::int32_t width, std::int32_t height, std::uint8_t level) {
  return png_of(width, height, PNG_FORMAT_RGB,
                std::vector<std::uint8_t>(static_cast<std::size_t>(width * height * 3), level));
}

inline std::string jpeg_of(std::int32_t width, std::int32_t height,
                           const std::vector<std::uint8_t>& pixels) {
  void* const encoder = tjInitCompress();
  unsigned char* data = nullptr;
  unsigned long bytes = 0;  // NOLINT(google-runtime-int): TurboJPEG's.
  tjCompress2(encoder, pixels.data(), width, 0, height, TJPF_RGB, &data, &bytes, TJSAMP_444, 95, 0);
  std::string file(reinterpret_cast<const char*>(data), bytes);
  tjFree(data);
  tjDestroy(encoder);
  return file;
}

}  // namespace selvedge::engines
