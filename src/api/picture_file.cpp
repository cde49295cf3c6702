// Picture file: libpng's simplified interface, and TurboJPEG.
#include "api/picture_file.h"

#include <cstddef>
#include <memory>

#include <png.h>
#include <turbojpeg.h>

namespace selvedge::api {
namespace {

constexpr int kJpegQuality = 92;

Status check_pixels(const wire::Picture& picture) {
  const bool sized = picture.width > 0 && picture.height > 0;
  if (sized && picture.pixels.size() == static_cast<std::size_t>(picture.width) *
                                            static_cast<std::size_t>(picture.height) * 3) {
    return ok_status();
  }
  return Error{Code::internal, "a picture has not the pixels of its size"};
}

}  // namespace

Result<std::string> png_file(const wire::Picture& picture) {
  SEL_CHECK_OK(check_pixels(picture));
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(picture.width);
  image.height = static_cast<png_uint_32>(picture.height);
  image.format = PNG_FORMAT_RGB;
  png_alloc_size_t bytes = PNG_IMAGE_PNG_SIZE_MAX(image);
  std::string file(bytes, '\0');
  if (png_image_write_to_memory(&image, file.data(), &bytes, 0, picture.pixels.data(), 0,
                                nullptr) == 0) {
    return Error{Code::internal, std::string("PNG: ") + image.message};
  }
  file.resize(bytes);
  return file;
}

Result<std::string> jpeg_file(const wire::Picture& picture) {
  SEL_CHECK_OK(check_pixels(picture));
  struct Close {
    void operator()(void* handle) const { tjDestroy(handle); }
  };
  struct Free {
    void operator()(unsigned char* data) const { tjFree(data); }
  };
  const std::unique_ptr<void, Close> encoder(tjInitCompress());
  if (!encoder) return Error{Code::internal, "no JPEG encoder could be made"};
  unsigned char* data = nullptr;
  unsigned long bytes = 0;  // NOLINT(google-runtime-int): TurboJPEG's.
  const int failed = tjCompress2(
      encoder.get(), reinterpret_cast<const unsigned char*>(picture.pixels.data()), picture.width,
      0, picture.height, TJPF_RGB, &data, &bytes, TJSAMP_420, kJpegQuality, TJFLAG_ACCURATEDCT);
  const std::unique_ptr<unsigned char, Free> owned(data);
  if (failed != 0) {
    return Error{Code::internal, std::string("JPEG: ") + tjGetErrorStr2(encoder.get())};
  }
  return std::string(reinterpret_cast<const char*>(owned.get()), bytes);
}

}  // namespace selvedge::api
