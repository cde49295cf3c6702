// Tests of pictures that clients send: sound ones, damaged ones, and ones that are too large.
#include "engines/input_picture.h"

#include <gtest/gtest.h>
#include <webp/encode.h>

#include "engines/test_pictures.h"

namespace selvedge::engines {
namespace {

using Pixels = std::vector<std::uint8_t>;

const Pixels kFour = {255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255};

std::string refused(const std::string& bytes) {
  const auto picture = decode_picture(bytes, PictureUse::colours, "image");
  EXPECT_FALSE(picture.ok());
  if (picture.ok()) return {};
  EXPECT_EQ(picture.error().code, Code::invalid_input);
  return picture.error().message;
}

TEST(InputPicture, APngGivesItsPixels) {
  const auto picture =
      decode_picture(png_of(2, 2, PNG_FORMAT_RGB, kFour), PictureUse::colours, "image");
  ASSERT_TRUE(picture.ok()) << picture.error().message;
  EXPECT_EQ(picture->width, 2);
  EXPECT_EQ(picture->height, 2);
  EXPECT_EQ(picture->channels, 3);
  EXPECT_EQ(picture->pixels, kFour);
}

TEST(InputPicture, WhatIsTransparentIsSeenBeforeBlack) {
  const auto picture = decode_picture(png_of(1, 1, PNG_FORMAT_RGBA, {200, 100, 50, 0}),
                                      PictureUse::colours, "image");
  ASSERT_TRUE(picture.ok()) << picture.error().message;
  EXPECT_EQ(picture->pixels, (Pixels{0, 0, 0}));
}

TEST(InputPicture, AMaskIsOneLevelAPixel) {
  const auto mask = decode_picture(png_of(2, 1, PNG_FORMAT_RGB, {255, 255, 255, 0, 0, 0}),
                                   PictureUse::mask, "mask");
  ASSERT_TRUE(mask.ok()) << mask.error().message;
  EXPECT_EQ(mask->channels, 1);
  EXPECT_EQ(mask->pixels, (Pixels{255, 0}));
}

TEST(InputPicture, AJpegGivesNearlyItsPixels) {
  const Pixels grey(16 * 16 * 3, 128);
  const auto picture = decode_picture(jpeg_of(16, 16, grey), PictureUse::colours, "image");
  ASSERT_TRUE(picture.ok()) << picture.error().message;
  EXPECT_EQ(picture->width, 16);
  for (const std::uint8_t level : picture->pixels) EXPECT_NEAR(level, 128, 2);
}

std::string webp_of(std::int32_t width, std::int32_t height, const Pixels& rgba) {
  std::uint8_t* data = nullptr;
  const std::size_t bytes = WebPEncodeLosslessRGBA(rgba.data(), width, height, 4 * width, &data);
  std::string file(reinterpret_cast<const char*>(data), bytes);
  WebPFree(data);
  return file;
}

TEST(InputPicture, AWebPGivesItsPixelsAndWhatIsTransparentIsBlack) {
  const std::string file = webp_of(2, 1, {200, 100, 50, 255, 200, 100, 50, 0});
  const auto picture = decode_picture(file, PictureUse::colours, "image");
  ASSERT_TRUE(picture.ok()) << picture.error().message;
  EXPECT_EQ(picture->width, 2);
  EXPECT_EQ(picture->pixels, (Pixels{200, 100, 50, 0, 0, 0}));
  EXPECT_EQ(refused(file.substr(0, file.size() - 3)), "image: no sound WebP");
  EXPECT_EQ(refused(file.substr(0, 12)), "image: no sound WebP");
  EXPECT_FALSE(decode_picture(file, PictureUse::mask, "mask").ok());
}

TEST(InputPicture, CutFilesAreRefusedWhereverTheyAreCut) {
  const std::string png = plain_png(40, 40, 90);
  const std::string jpeg = jpeg_of(40, 40, Pixels(40 * 40 * 3, 90));
  for (const std::string& whole : {png, jpeg}) {
    // The last bytes of a PNG are a mark that its reader does not need.
    for (std::size_t bytes = 0; bytes + 20 < whole.size(); bytes += 7) {
      refused(whole.substr(0, bytes));
    }
  }
}

TEST(InputPicture, OtherBytesAreRefused) {
  EXPECT_EQ(refused("GIF89a"), "image: the bytes are none of a PNG, a JPEG and a WebP");
  EXPECT_EQ(refused(""), "image: the bytes are none of a PNG, a JPEG and a WebP");
}

TEST(InputPicture, ASizeBeyondTheBoundIsRefusedBeforeItsPixelsAreRead) {
  // The size stands in the first chunk, whose checksum is told anew.
  std::string png = plain_png(8, 8, 1);
  png[16] = png[20] = 0;
  png[17] = png[21] = 0;
  png[18] = png[22] = 0x1f;  // 8,191 a side: each allowed, together too many pixels.
  png[19] = png[23] = static_cast<char>(0xff);
  std::uint32_t sum = 0xffffffff;
  for (std::size_t at = 12; at < 29; ++at) {
    sum ^= static_cast<std::uint8_t>(png[at]);
    for (int bit = 0; bit < 8; ++bit) sum = (sum >> 1) ^ ((sum & 1) != 0 ? 0xedb88320 : 0);
  }
  sum = ~sum;
  for (std::size_t at = 0; at < 4; ++at) png[29 + at] = static_cast<char>(sum >> (24 - 8 * at));
  EXPECT_NE(refused(png).find("8191 x 8191 is too large"), std::string::npos) << refused(png);
}

}  // namespace
}  // namespace selvedge::engines
