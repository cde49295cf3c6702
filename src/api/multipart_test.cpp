// Tests of multipart: parts as clients write them, and bodies that are none.
#include "api/multipart.h"

#include <gtest/gtest.h>

namespace selvedge::api {
namespace {

constexpr std::string_view kType = "multipart/form-data; boundary=\"b\"";

TEST(Multipart, PartsAreFoundWithTheirNamesAndTypes) {
  const std::string body =
      "preamble\r\n--b\r\nContent-Disposition: form-data; name=\"vectors\"; "
      "filename=\"a\\\"b.ndjson\"\r\n"
      "content-type: Application/X-NDJSON; charset=utf-8\r\n\r\nline\r\n--a\nline2\r\n--b  \r\n"
      "Content-Disposition: form-data; name=empty\r\n\r\n\r\n--b--\r\nepilogue";
  const auto parts = parse_multipart(kType, body);
  ASSERT_TRUE(parts.ok()) << parts.error().message;
  ASSERT_EQ(parts->size(), 2u);
  EXPECT_EQ((*parts)[0].name, "vectors");
  EXPECT_EQ((*parts)[0].file_name, "a\"b.ndjson");
  EXPECT_EQ((*parts)[0].content_type, "application/x-ndjson");
  EXPECT_EQ((*parts)[0].content, "line\r\n--a\nline2");
  EXPECT_NE((*parts)[1].content.data(), nullptr) << "an empty part, too, is a view into the body";
  EXPECT_EQ((*parts)[1].name, "empty");
  EXPECT_EQ((*parts)[1].content, "");
}

TEST(Multipart, MalformedBodiesAreRefused) {
  const std::string head = "--b\r\nContent-Disposition: form-data; name=\"v\"\r\n";
  const std::string bodies[] = {
      "",
      "x",
      "--b",
      "--bx\r\n",
      "--b\r\n",
      head,
      head + "\r\nno end",
      "--b\r\n\r\nnameless\r\n--b--",
      "--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--",
      "--b\r\nnocolon\r\n\r\nx\r\n--b--",
      "--b\r\nContent-Disposition: form-data; name=\"open\r\n\r\nx\r\n--b--",
      head + "X: " + std::string(9000, 'x') + "\r\n\r\nx\r\n--b--",
  };
  for (const std::string& body : bodies) {
    EXPECT_FALSE(parse_multipart(kType, body).ok()) << body.substr(0, 80);
  }
  EXPECT_FALSE(parse_multipart("multipart/form-data", head + "\r\nx\r\n--b--").ok());
  EXPECT_FALSE(parse_multipart("multipart/form-data; boundary=", "--\r\n").ok());
}

TEST(Multipart, TooManyPartsAreRefused) {
  std::string body;
  for (int at = 0; at < 65; ++at) {
    body += "--b\r\nContent-Disposition: form-data; name=\"v\"\r\n\r\nx\r\n";
  }
  EXPECT_FALSE(parse_multipart(kType, body + "--b--").ok());
}

}  // namespace
}  // namespace selvedge::api
