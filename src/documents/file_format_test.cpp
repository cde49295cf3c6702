// Tests of which format a file is taken for.
#include "documents/file_format.h"

#include <gtest/gtest.h>

namespace selvedge::documents {
namespace {

FormatKind kind_of(std::string_view name, std::string_view type) {
  const FileFormat* format = format_of(name, type);
  return format == nullptr ? FormatKind::unserved : format->kind;
}

TEST(FileFormat, ATypeCountsMoreThanAName) {
  EXPECT_EQ(kind_of("report.pdf", "text/html; charset=utf-8"), FormatKind::html);
  EXPECT_EQ(kind_of("report", "TEXT/CSV"), FormatKind::csv);
}

TEST(FileFormat, ANameCountsWhereTheTypeSaysLittle) {
  for (const char* type :
       {"", "application/octet-stream", "application/zip", "text/plain", "x/y"}) {
    EXPECT_EQ(kind_of("a.b.DOCX", type), FormatKind::word) << type;
  }
  EXPECT_EQ(kind_of("notes.md", "text/plain"), FormatKind::markdown);
  EXPECT_EQ(kind_of("notes", "text/plain"), FormatKind::text);
  EXPECT_EQ(format_of("notes", ""), nullptr);
  EXPECT_EQ(format_of("a.exe", "application/octet-stream"), nullptr);
}

TEST(FileFormat, OfOneTypeTheNameTellsWhich) {
  EXPECT_EQ(format_of("a.et", "application/vnd.ms-excel")->extension, ".et");
  EXPECT_EQ(format_of("a.jpg", "image/jpeg")->extension, ".jpg");
  EXPECT_EQ(format_of("a", "image/jpeg")->extension, ".jpeg");
}

TEST(FileFormat, CharsetIsFoundAmongParameters) {
  EXPECT_EQ(charset_of("text/csv; header=present; Charset=\"GBK\""), "GBK");
  EXPECT_EQ(charset_of("text/csv;charset=shift_jis;x=y"), "shift_jis");
  EXPECT_EQ(charset_of("text/csv"), "");
}

}  // namespace
}  // namespace selvedge::documents
