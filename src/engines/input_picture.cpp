// Input picture: libpng's simplified interface, TurboJPEG and libwebp.
#include "engines/input_picture.h"

#include <memory>
#include <string>

#include <png.h>
#include <turbojpeg.h>
#include <webp/decode.h>

namespace selvedge::engines {
namespace {

constexpr std::string_view kPngBegin = "\x89PNG\r\n\x1a\n";
constexpr std::string_view kJpegBegin = "\xff\xd8\xff";

Error refused(std::string_view what, std::string_view why) {
  return Error{Code::invalid_input, std::string(what) + ": " + std::string(why)};
}

Status check_size(std::string_view what, std::int64_t width, std::int64_t height) {
  if (width < 1 || height < 1) return refused(what, "the picture has no pixels");
  if (width <= kInputSideMax && height <= kInputSideMax && width * height <= kInputPixelsMax) {
    return ok_status();
  }
  return refused(what, "a picture of " + std::to_string(width) + " x " + std::to_string(height) +
                           " is too large: up to " + std::to_string(kInputSideMax) +
                           " a side and " + std::to_string(kInputPixelsMax) + " pixels are taken");
}

InputPicture sized(std::int64_t width, std::int64_t height, PictureUse use) {
  InputPicture picture;
  picture.width = static_cast<std::int32_t>(width);
  picture.height = static_cast<std::int32_t>(height);
  picture.channels = use == PictureUse::mask ? 1 : 3;
  picture.pixels.resize(static_cast<std::size_t>(width * height * picture.channels));
  return picture;
}

struct PngReader {
  png_image image{};
  PngReader() { image.version = PNG_IMAGE_VERSION; }
  ~PngReader() { png_image_free(&image); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;
};

Result<InputPicture> decode_png(std::string_view bytes, PictureUse use, std::string_view what) {
  PngReader png;
  if (png_image_begin_read_from_memory(&png.image, bytes.data(), bytes.size()) == 0) {
    return refused(what, std::string("no sound PNG: ") + png.image.message);
  }
  SEL_CHECK_OK(check_size(what, png.image.width, png.image.height));
  png.image.format = use == PictureUse::mask ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  InputPicture picture = sized(png.image.width, png.image.height, use);
  const png_color black{0, 0, 0};
  if (png_image_finish_read(&png.image, &black, picture.pixels.data(), 0, nullptr) == 0) {
    return refused(what, std::string("no sound PNG: ") + png.image.message);
  }
  return picture;
}

Result<InputPicture> decode_jpeg(std::string_view bytes, PictureUse use, std::string_view what) {
  struct Close {
    void operator()(void* handle) const { tjDestroy(handle); }
  };
  const std::unique_ptr<void, Close> jpeg(tjInitDecompress());
  if (!jpeg) return Error{Code::internal, "no JPEG decoder could be made"};
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  int width = 0;
  int height = 0;
  int subsampling = 0;
  int colours = 0;
  if (tjDecompressHeader3(jpeg.get(), data, bytes.size(), &width, &height, &subsampling,
                          &colours) != 0) {
    return refused(what, std::string("no sound JPEG: ") + tjGetErrorStr2(jpeg.get()));
  }
  SEL_CHECK_OK(check_size(what, width, height));
  if (colours == TJCS_CMYK || colours == TJCS_YCCK) {
    return refused(what, "a JPEG in printing colours (CMYK) is not taken");
  }
  InputPicture picture = sized(width, height, use);
  const int format = use == PictureUse::mask ? TJPF_GRAY : TJPF_RGB;
  // A warning means damage as well: what is missing would be grey.
  if (tjDecompress2(jpeg.get(), data, bytes.size(), picture.pixels.data(), width, 0, height, format,
                    TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS) != 0) {
    return refused(what, std::string("no sound JPEG: ") + tjGetErrorStr2(jpeg.get()));
  }
  return picture;
}

bool is_webp(std::string_view bytes) {
  return bytes.starts_with("RIFF") && bytes.size() >= 12 && bytes.substr(8, 4) == "WEBP";
}

// What is transparent is mixed with black, like everywhere here.
void lay_on_black(const std::vector<std::uint8_t>& rgba, std::vector<std::uint8_t>& rgb) {
  for (std::size_t at = 0; at < rgba.size() / 4; ++at) {
    for (std::size_t channel = 0; channel < 3; ++channel) {
      rgb[3 * at + channel] =
          static_cast<std::uint8_t>(rgba[4 * at + channel] * rgba[4 * at + 3] / 255);
    }
  }
}

Result<InputPicture> decode_webp(std::string_view bytes, PictureUse use, std::string_view what) {
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  WebPBitstreamFeatures features;
  if (WebPGetFeatures(data, bytes.size(), &features) != VP8_STATUS_OK) {
    return refused(what, "no sound WebP");
  }
  if (features.has_animation != 0) return refused(what, "a WebP that moves is not taken");
  if (use == PictureUse::mask) return refused(what, "a mask must be a PNG or a JPEG");
  SEL_CHECK_OK(check_size(what, features.width, features.height));
  InputPicture picture = sized(features.width, features.height, use);
  std::vector<std::uint8_t> rgba(picture.pixels.size() / 3 * 4);
  if (WebPDecodeRGBAInto(data, bytes.size(), rgba.data(), rgba.size(), 4 * picture.width) ==
      nullptr) {
    return refused(what, "no sound WebP");
  }
  lay_on_black(rgba, picture.pixels);
  return picture;
}

}  // namespace

Result<InputPicture> decode_picture(std::string_view bytes, PictureUse use, std::string_view what) {
  if (bytes.starts_with(kPngBegin)) return decode_png(bytes, use, what);
  if (bytes.starts_with(kJpegBegin)) return decode_jpeg(bytes, use, what);
  if (is_webp(bytes)) return decode_webp(bytes, use, what);
  return refused(what, "the bytes are none of a PNG, a JPEG and a WebP");
}

}  // namespace selvedge::engines
