// Tests of picture input: every way in, and every reason against one.
#include "api/picture_input.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/limits.h"

namespace selvedge::api {
namespace {

const std::string kPng = std::string("\x89PNG\r\n\x1a\n", 8) + "rest";
constexpr const char* kPngBase64 = "iVBORw0KGgpyZXN0";

std::string why(const Result<std::string>& picture) {
  return picture.ok() ? std::string() : picture.error().message;
}

TEST(PictureInput, AUrlHoldsThePictureInWhateverCase) {
  for (const std::string head : {"data:image/png;base64,", "DATA:image/png;BASE64,",
                                 "data:image/png;name=a.png;base64,", "data:;base64,"}) {
    const auto picture = picture_of_url(head + kPngBase64);
    ASSERT_TRUE(picture.ok()) << head << why(picture);
    EXPECT_EQ(*picture, kPng);
  }
}

TEST(PictureInput, NothingIsFetched) {
  for (const char* url : {"http://example.com/a.png", "https://example.com/a.png",
                          "file:///etc/passwd", "ftp://x", "//x", ""}) {
    EXPECT_NE(why(picture_of_url(url)).find("this server fetches nothing from the network"),
              std::string::npos)
        << url;
  }
}

TEST(PictureInput, UrlsThatHoldNoneAreRefused) {
  for (const char* url : {"data:", "data:image/png", "data:image/png,abc", "data:base64,AA",
                          "data:image/png;base64"}) {
    EXPECT_EQ(why(picture_of_url(url)),
              "a data: URL of a picture must read data:image/png;base64,...")
        << url;
  }
  EXPECT_EQ(why(picture_of_url("data:image/png;base64,*")), "the picture is not sound base64");
  EXPECT_NE(why(picture_of_url("data:image/png;base64,")).find("none of a PNG"), std::string::npos);
}

TEST(PictureInput, AValueIsAListOfBytesBase64OrAUrl) {
  nlohmann::json list = nlohmann::json::array();
  for (const char byte : kPng) list.push_back(static_cast<unsigned char>(byte));
  EXPECT_EQ(picture_of_value(list).value(), kPng);
  EXPECT_EQ(picture_of_value(kPngBase64).value(), kPng);
  EXPECT_EQ(picture_of_value(std::string("data:image/png;base64,") + kPngBase64).value(), kPng);
  EXPECT_FALSE(picture_of_value(5).ok());
  EXPECT_NE(why(picture_of_value("http://a/b")).find("fetches nothing"), std::string::npos);
  for (const nlohmann::json& wrong : {nlohmann::json(256), nlohmann::json(-1), nlohmann::json(1.5),
                                      nlohmann::json("1"), nlohmann::json()}) {
    list[2] = wrong;
    EXPECT_EQ(why(picture_of_value(list)), "byte 2 is no whole number from 0 to 255");
  }
}

TEST(PictureInput, TheLargestIsTakenAndOneByteMoreIsNot) {
  std::string bytes = kPng;
  bytes.resize(limits::picture_bytes_max, 'x');
  EXPECT_TRUE(check_picture(bytes).ok());
  bytes += 'x';
  EXPECT_EQ(check_picture(bytes).error().message, "a picture may have up to 10485760 bytes");
}

TEST(PictureInput, APictureStandsBehindWhatWasSaidSoFar) {
  wire::ChatMessage message{"user", "ab"};
  add_picture(message, kPng);
  message.content += "cd";
  add_picture(message, kPng);
  EXPECT_EQ(message.pictures[0].at, 2u);
  EXPECT_EQ(message.pictures[1].at, 4u);
}

TEST(PictureInput, OneThatIsShownStandsBeforeTheLastTurnOfTheUser) {
  std::vector<wire::ChatMessage> messages = {{"user", "a"}, {"user", "b"}, {"assistant", "c"}};
  add_picture(messages[1], "later");
  ASSERT_TRUE(show_picture(messages, "first"));
  ASSERT_EQ(messages[1].pictures.size(), 2u);
  EXPECT_EQ(messages[1].pictures[0].bytes, "first");
  EXPECT_EQ(messages[1].pictures[0].at, 0u);
  std::vector<wire::ChatMessage> none = {{"system", "a"}};
  EXPECT_FALSE(show_picture(none, kPng));
}

TEST(PictureInput, OnlyTheUserShowsPicturesAndNotMoreThanSixteen) {
  std::vector<wire::ChatMessage> messages = {{"user", ""}, {"user", ""}};
  for (int at = 0; at < 8; ++at) {
    add_picture(messages[0], kPng);
    add_picture(messages[1], kPng);
  }
  EXPECT_TRUE(check_pictures(messages).ok());
  add_picture(messages[0], kPng);
  EXPECT_EQ(check_pictures(messages).error().message, "a call may have up to 16 pictures");
  messages = {{"assistant", ""}};
  add_picture(messages[0], kPng);
  EXPECT_FALSE(check_pictures(messages).ok());
}

}  // namespace
}  // namespace selvedge::api
