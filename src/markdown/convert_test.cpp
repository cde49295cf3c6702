// Tests of whole conversions: text formats, XML, PDF, and what is bounded.
#include "markdown/convert.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace selvedge::markdown {
namespace {

using documents::Conversion;
using documents::FormatKind;

std::string converted(FormatKind kind, std::string bytes, const Conversion& rest = {}) {
  Conversion conversion = rest;
  conversion.kind = kind;
  conversion.bytes = std::move(bytes);
  const auto text = convert(conversion);
  return text.ok() ? *text : "error: " + text.error().message;
}

// A PDF with a page for each of `pages`, whose lines are shown below each other.
std::string pdf_of(const std::vector<std::vector<std::string>>& pages) {
  std::string kids;
  std::vector<std::string> objects = {"", "", "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
                                      "<</Title(Looms \\(1\\))/Producer(by hand)>>"};
  for (const auto& lines : pages) {
    std::string content = "BT /F1 12 Tf 72 720 Td 14 TL ";
    for (const std::string& line : lines) content += "(" + line + ") Tj T* ";
    content += "ET";
    objects.push_back("<</Length " + std::to_string(content.size()) + ">>stream\n" + content +
                      "\nendstream");
    objects.push_back(
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</Font<</F1 3 0 "
        "R>>>>/Contents " +
        std::to_string(objects.size()) + " 0 R>>");
    kids += std::to_string(objects.size()) + " 0 R ";
  }
  objects[0] = "<</Type/Catalog/Pages 2 0 R>>";
  objects[1] = "<</Type/Pages/Count " + std::to_string(pages.size()) + "/Kids[" + kids + "]>>";
  std::string pdf = "%PDF-1.4\n";
  std::string table = "xref\n0 " + std::to_string(objects.size() + 1) + "\n0000000000 65535 f \n";
  for (std::size_t at = 0; at < objects.size(); ++at) {
    std::string offset = std::to_string(pdf.size());
    table += std::string(10 - offset.size(), '0') + offset + " 00000 n \n";
    pdf += std::to_string(at + 1) + " 0 obj\n" + objects[at] + "\nendobj\n";
  }
  const std::string start = std::to_string(pdf.size());
  return pdf + table + "trailer<</Root 1 0 R/Info 4 0 R/Size " +
         std::to_string(objects.size() + 1) + ">>\nstartxref\n" + start + "\n%%EOF\n";
}

TEST(Convert, PdfsGiveTheirPages) {
  Conversion named;
  named.name = "looms.pdf";
  EXPECT_EQ(
      converted(FormatKind::pdf, pdf_of({{"# The warp", "is stretched."}, {"1. The weft"}}), named),
      "# looms.pdf\n\n## Metadata\n\n- PDFFormatVersion=1.4\n- IsLinearized=false\n- "
      "IsEncrypted=false\n"
      "- Producer=by hand\n- Title=Looms (1)\n\n## Contents\n\n### Page 1\n\n\\# The warp\nis "
      "stretched.\n\n"
      "### Page 2\n\n1\\. The weft\n");
  named.options.pdf_metadata = false;
  EXPECT_EQ(converted(FormatKind::pdf, pdf_of({{"a"}}), named),
            "# looms.pdf\n\n## Contents\n\n### Page 1\n\na\n");
  EXPECT_EQ(converted(FormatKind::pdf, "%PDF-1.4 nothing"), "error: this is not a PDF");
}

TEST(Convert, CsvFindsItsSeparatorAndKeepsQuotedOnes) {
  EXPECT_EQ(converted(FormatKind::csv, "a;b\r\n\"x;\"\"y\"\"\n2\";1,5\r\n;|\r\n"),
            "| a | b |\n| --- | --- |\n| x;\"y\"<br>2 | 1,5 |\n| | \\| |\n");
  EXPECT_EQ(converted(FormatKind::csv, "a\tb\n1\t2"), "| a | b |\n| --- | --- |\n| 1 | 2 |\n");
  EXPECT_EQ(converted(FormatKind::csv, ""), "");
  Conversion gbk;
  gbk.charset = "gbk";
  EXPECT_EQ(converted(FormatKind::csv, "\xbf\x97,b\n", gbk), "| 織 | b |\n| --- | --- |\n");
}

TEST(Convert, XmlIsAListOfItsElements) {
  EXPECT_EQ(
      converted(FormatKind::xml,
                "<?xml version='1.0' encoding='ISO-8859-1'?><x:a xmlns:x='u' b='1' c='2'>t\xe9xt"
                "<d><![CDATA[<e>]]></d><f/></x:a>"),
      "- **x:a** (b=\"1\", c=\"2\")\n  - téxt\n  - **d**: \\<e>\n  - **f**\n");
  EXPECT_EQ(converted(FormatKind::xml,
                      "<html xmlns='http://www.w3.org/1999/xhtml'><body><h1>a</h1></body></html>"),
            "# a\n");
  EXPECT_EQ(converted(FormatKind::xml, "no xml"), "error: this file is not XML");
}

TEST(Convert, EntitiesOfXmlDoNotMultiply) {
  std::string xml = "<!DOCTYPE r [<!ENTITY a0 'lollollol'>";
  for (int at = 1; at < 12; ++at) {
    const std::string before = "&a" + std::to_string(at - 1) + ";";
    xml += "<!ENTITY a" + std::to_string(at) + " '";
    for (int time = 0; time < 10; ++time) xml += before;
    xml += "'>";
  }
  const std::string text = converted(FormatKind::xml, xml + "]><r>&a11;<s>&a0;</s></r>");
  EXPECT_LT(text.size(), 200u);
}

TEST(Convert, TextJsonAndMarkdown) {
  EXPECT_EQ(converted(FormatKind::text,
                      "\xef\xbb\xbf"
                      "a\r\nb\r\n\r\n\r\n- c"),
            "a\nb\n\n\\- c\n");
  EXPECT_EQ(converted(FormatKind::json, "{\"a\": 1}\n"), "```json\n{\"a\": 1}\n```\n");
  EXPECT_EQ(converted(FormatKind::markdown, "# a\r\n*b*\r\n\n"), "# a\n*b*\n");
  EXPECT_EQ(converted(FormatKind::picture, "x"),
            "error: files of this format are not converted here");
}

TEST(Convert, MarkupInOtherEncodings) {
  EXPECT_EQ(converted(FormatKind::html, "<meta charset=gb2312><p>\xd6\xaf\xbb\xfa</p>"), "织机\n");
  EXPECT_EQ(converted(FormatKind::html, std::string("<\0p\0>\0T~", 8)), "織\n");
  Conversion sjis;
  sjis.charset = "Shift_JIS";
  EXPECT_EQ(converted(FormatKind::html, "<meta charset=utf-8><p>\x90\x44</p>", sjis), "織\n");
}

}  // namespace
}  // namespace selvedge::markdown
