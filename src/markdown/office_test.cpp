// Tests of office documents: DOCX, XLSX, ODT and ODS that are put together here.
#include <string>

#include <gtest/gtest.h>

#include "markdown/cell_format.h"
#include "markdown/gfm.h"
#include "markdown/open_document_reader.h"
#include "markdown/package_builder.h"
#include "markdown/sheet_reader.h"
#include "markdown/word_reader.h"

namespace selvedge::markdown {
namespace {

std::string shown(const Result<Blocks>& blocks) {
  return blocks.ok() ? write(*blocks, Form::markdown) : "error: " + blocks.error().message;
}

const std::string kWord =
    "<w:document xmlns:w='http://schemas.openxmlformats.org/wordprocessingml/2006/main' "
    "xmlns:r='http://schemas.openxmlformats.org/officeDocument/2006/relationships' "
    "xmlns:wp='urn:wp' xmlns:a='urn:a' xmlns:mc='urn:mc'><w:body>";
const std::string kWordEnd = "</w:body></w:document>";
const std::string kStyles =
    "<w:styles xmlns:w='w'>"
    "<w:style w:type='paragraph' w:styleId='Ttulo1'><w:name w:val='heading 1'/></w:style>"
    "<w:style w:type='paragraph' w:styleId='Mine'><w:name w:val='mine'/><w:basedOn "
    "w:val='Ttulo1'/></w:style>"
    "<w:style w:type='paragraph' w:styleId='Code'><w:name w:val='Source Code'/></w:style>"
    "<w:style w:type='paragraph' w:styleId='Q'><w:name w:val='Quote'/></w:style>"
    "<w:style w:type='character' w:styleId='S'><w:name "
    "w:val='Strong'/><w:rPr><w:b/></w:rPr></w:style>"
    "</w:styles>";
const std::string kNumbering =
    "<w:numbering xmlns:w='w'><w:abstractNum w:abstractNumId='7'>"
    "<w:lvl w:ilvl='0'><w:start w:val='4'/><w:numFmt w:val='decimal'/></w:lvl>"
    "<w:lvl w:ilvl='1'><w:numFmt w:val='bullet'/></w:lvl></w:abstractNum>"
    "<w:num w:numId='1'><w:abstractNumId w:val='7'/></w:num></w:numbering>";
const std::string kRelations =
    "<Relationships xmlns='r'><Relationship Id='l' Type='x/hyperlink' Target='https://a.b/c' "
    "TargetMode='External'/><Relationship Id='p' Type='x/image' "
    "Target='media/p.png'/></Relationships>";

std::string word_of(const std::string& body) {
  return shown(read_word(package_of({{"word/document.xml", kWord + body + kWordEnd},
                                     {"word/styles.xml", kStyles},
                                     {"word/numbering.xml", kNumbering},
                                     {"word/_rels/document.xml.rels", kRelations}})));
}

std::string paragraph(const std::string& style, const std::string& text) {
  return "<w:p><w:pPr><w:pStyle w:val='" + style + "'/></w:pPr><w:r><w:t>" + text +
         "</w:t></w:r></w:p>";
}

std::string item(int level, const std::string& text) {
  return "<w:p><w:pPr><w:numPr><w:ilvl w:val='" + std::to_string(level) +
         "'/><w:numId w:val='1'/></w:numPr></w:pPr><w:r><w:t>" + text + "</w:t></w:r></w:p>";
}

TEST(WordReader, StylesAreHeadingsQuotesAndCode) {
  EXPECT_EQ(word_of(paragraph("Ttulo1", "織") + paragraph("Mine", "b") + paragraph("Q", "c") +
                    paragraph("Q", "d") + paragraph("Code", "e {") + paragraph("Code", "  f")),
            "# 織\n\n# b\n\n> c\n>\n> d\n\n```\ne {\n  f\n```\n");
}

TEST(WordReader, ListsNestByTheirLevels) {
  EXPECT_EQ(word_of(item(0, "a") + item(1, "b") + item(1, "c") + item(0, "d") + paragraph("", "e")),
            "4. a\n   - b\n   - c\n5. d\n\ne\n");
}

TEST(WordReader, RunsLinksAndDeletions) {
  EXPECT_EQ(
      word_of(
          "<w:p><w:r><w:rPr><w:b/><w:i w:val='0'/></w:rPr><w:t xml:space='preserve'>a </w:t></w:r>"
          "<w:r><w:rPr><w:rStyle w:val='S'/></w:rPr><w:t>b</w:t></w:r>"
          "<w:del><w:r><w:delText>no</w:delText></w:r></w:del><w:ins><w:r><w:t> "
          "c</w:t></w:r></w:ins>"
          "<w:hyperlink r:id='l'><w:r><w:t> d</w:t></w:r></w:hyperlink>"
          "<w:r><w:rPr><w:vanish/></w:rPr><w:t>no</w:t></w:r>"
          "<w:r><w:rPr><w:vertAlign w:val='superscript'/></w:rPr><w:t>2</w:t></w:r>"
          "<w:r><w:br/><w:t>e</w:t><w:tab/><w:t>f</w:t></w:r></w:p>"),
      "**a b** c [d](https://a.b/c)<sup>2</sup>\\\ne f\n");
}

TEST(WordReader, FieldsOfTheOldKindAreLinks) {
  EXPECT_EQ(
      word_of("<w:p><w:r><w:fldChar w:fldCharType='begin'/></w:r><w:r><w:instrText> HYPERLINK "
              "\"https://x.y\" </w:instrText></w:r><w:r><w:fldChar w:fldCharType='separate'/></w:r>"
              "<w:r><w:t>z</w:t></w:r><w:r><w:fldChar "
              "w:fldCharType='end'/></w:r><w:r><w:t>!</w:t></w:r></w:p>"),
      "[z](https://x.y)!\n");
}

TEST(WordReader, TablesAndPictures) {
  EXPECT_EQ(word_of("<w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan "
                    "w:val='2'/></w:tcPr><w:p><w:r><w:t>a</w:t></w:r></w:p>"
                    "</w:tc></w:tr><w:tr><w:tc><w:p><w:r><w:t>b|</w:t></w:r></"
                    "w:p><w:p><w:r><w:t>c</w:t></w:r></w:p></w:tc>"
                    "<w:tc><w:p/></w:tc></w:tr><w:tr><w:tc><w:p><w:r><w:t>d</w:t></w:r></w:p></"
                    "w:tc><w:tc><w:p>"
                    "<w:r><w:t>e</w:t></w:r></w:p></w:tc></w:tr></"
                    "w:tbl><w:p><w:r><w:drawing><wp:docPr descr='a loom'/>"
                    "<a:blip r:embed='p'/></w:drawing></w:r></w:p>"),
            "| a | |\n| --- | --- |\n| b\\|<br>c | |\n| d | e |\n\n![a loom](p.png)\n");
}

TEST(WordReader, NotesStandAtTheEnd) {
  EXPECT_EQ(
      shown(read_word(package_of(
          {{"word/document.xml",
            kWord + "<w:p><w:r><w:t>a</w:t><w:footnoteReference w:id='2'/></w:r></w:p>" + kWordEnd},
           {"word/footnotes.xml",
            "<w:footnotes xmlns:w='w'><w:footnote w:type='separator' w:id='0'/><w:footnote "
            "w:id='2'><w:p><w:r><w:t>n</w:t></w:r></w:p></w:footnote></w:footnotes>"}}))),
      "a[^2]\n\n[^2]: n\n");
}

TEST(WordReader, BrokenFilesSayWhy) {
  EXPECT_EQ(shown(read_word("x")), "error: this is no archive, as files of this format are");
  EXPECT_EQ(shown(read_word("\xd0\xcf\x11\xe0")),
            "error: this file is encrypted, or of an older program");
  EXPECT_EQ(shown(read_word(package_of({{"a", "b"}}))),
            "error: there is no word/document.xml in this file");
  EXPECT_EQ(shown(read_word(package_of({{"word/document.xml", "no xml"}}))),
            "error: word/document.xml in this file is not XML");
}

TEST(Package, WhatUnpacksToTooMuchIsRefused) {
  const std::string bomb = package_of({{"word/document.xml", std::string(130u << 20, ' ')}});
  ASSERT_LT(bomb.size(), 1u << 20);
  EXPECT_EQ(shown(read_word(bomb)), "error: this file is too large when it is unpacked");
}

TEST(Package, EntitiesStayWhatTheyAre) {
  std::string document =
      "<!DOCTYPE w [<!ENTITY a 'loom'><!ENTITY b SYSTEM 'file:///etc/passwd'>"
      "<!ENTITY c '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>]>" +
      kWord + "<w:p><w:r><w:t>x&a;&b;&c;y</w:t></w:r></w:p>" + kWordEnd;
  EXPECT_EQ(shown(read_word(package_of({{"word/document.xml", document}}))), "xloomy\n");
}

std::string sheets_of(const std::string& rows) {
  return shown(read_sheets(package_of(
      {{"xl/workbook.xml",
        "<workbook xmlns='m' xmlns:r='http://x/relationships'><sheets><sheet name='Zahlen | 1' "
        "r:id='b'/><sheet name='leer' r:id='c'/></sheets></workbook>"},
       {"xl/_rels/workbook.xml.rels",
        "<R><Relationship Id='b' Target='/xl/worksheets/s1.xml'/><Relationship Id='c' "
        "Target='worksheets/s2.xml'/></R>"},
       {"xl/sharedStrings.xml",
        "<sst><si><t>Name</t></si><si><r><t>織</t></r><r><t>機</t></r><rPh><t>no</t></rPh></si></"
        "sst>"},
       {"xl/styles.xml",
        "<styleSheet><numFmts><numFmt numFmtId='164' formatCode='[$-409]d\\ "
        "mmm'/></numFmts><cellXfs>"
        "<xf numFmtId='0'/><xf numFmtId='14'/><xf numFmtId='164'/><xf "
        "numFmtId='9'/></cellXfs></styleSheet>"},
       {"xl/worksheets/s1.xml", "<worksheet><sheetData>" + rows + "</sheetData></worksheet>"},
       {"xl/worksheets/s2.xml", "<worksheet><sheetData/></worksheet>"}})));
}

TEST(SheetReader, CellsOfAllTypesInTheirPlaces) {
  EXPECT_EQ(
      sheets_of(
          "<row r='1'><c r='A1' t='s'><v>0</v></c><c r='C1' t='s'><v>1</v></c></row>"
          "<row r='2'><c r='A2'><v>0.30000000000000004</v></c><c r='B2' s='1'><v>45351</v></c>"
          "<c r='C2' t='b'><v>1</v></c></row>"
          "<row r='9'><c r='A9' s='2'><v>45351.5625</v></c><c r='B9' s='3'><v>0.125</v></c>"
          "<c r='C9' t='inlineStr'><is><t>a\nb</t></is></c></row>"
          "<row r='10'><c r='A10' t='e'><v>#DIV/0!</v></c><c r='B10' "
          "t='str'><f>A1</f><v>f</v></c></row>"),
      "## Zahlen | 1\n\n| Name | | 織機 |\n| --- | --- | --- |\n| 0.3 | 2024-02-29 | TRUE |\n| | | "
      "|\n"
      "| 2024-02-29 13:30:00 | 12.5% | a<br>b |\n| #DIV/0! | f | |\n\n## leer\n");
}

TEST(SheetReader, PlacesThatLieAreBounded) {
  EXPECT_EQ(sheets_of("<row r='1'><c r='ZZZZZZ1'><v>1</v></c><c r='A1'><v>2</v></c></row>"
                      "<row r='99999999999'><c r='A'><v>3</v></c></row><row><c><v>4</v></c></row>"),
            "## Zahlen | 1\n\n| 2 |\n| --- |\n| |\n| 3 |\n| 4 |\n\n## leer\n");
}

TEST(CellFormat, FormatsAreDatesByTheirParts) {
  EXPECT_EQ(format_of_code("yyyy-mm-dd"), CellFormat::date);
  EXPECT_EQ(format_of_code("[h]:mm"), CellFormat::date);
  EXPECT_EQ(format_of_code("0.00\" days\""), CellFormat::number);
  EXPECT_EQ(format_of_code("[Red]0.00;[Blue]-0"), CellFormat::number);
  EXPECT_EQ(format_of_code("0.0%"), CellFormat::percent);
  EXPECT_EQ(date_text(0.5, false), "12:00:00");
  EXPECT_EQ(date_text(1, false), "1900-01-01");
  EXPECT_EQ(date_text(61, false), "1900-03-01");
  EXPECT_EQ(date_text(0, true), "1904-01-01");
  EXPECT_EQ(date_text(-1, false), "");
  EXPECT_EQ(date_text(1e300, false), "");
}

const std::string kOpen =
    "<office:document-content xmlns:office='o' xmlns:text='t' xmlns:table='tb' xmlns:style='s' "
    "xmlns:fo='f' "
    "xmlns:xlink='x' xmlns:draw='d' xmlns:svg='v'><office:automatic-styles>"
    "<style:style style:name='T1' style:family='text'><style:text-properties "
    "fo:font-weight='bold'/></style:style>"
    "<style:style style:name='P1' style:family='paragraph' "
    "style:parent-style-name='Preformatted_20_Text'/>"
    "<text:list-style style:name='L1'><text:list-level-style-number text:level='1' "
    "style:num-format='1'/>"
    "<text:list-level-style-bullet "
    "text:level='2'/></text:list-style></office:automatic-styles><office:body>";

std::string open_of(const std::string& body) {
  return shown(read_open_document(
      package_of({{"mimetype", "x"},
                  {"content.xml", kOpen + body + "</office:body></office:document-content>"}})));
}

TEST(OpenDocumentReader, TextWithItsParts) {
  EXPECT_EQ(open_of("<office:text><text:h text:outline-level='2'>織 機</text:h><text:p>a<text:s "
                    "text:c='3'/><text:span "
                    "text:style-name='T1'>b</text:span><text:a "
                    "xlink:href='https://c.d'>e</text:a><text:note><text:note-citation>"
                    "1</text:note-citation><text:note-body><text:p>n</text:p></text:note-body></"
                    "text:note></text:p>"
                    "<text:p text:style-name='P1'>x<text:s text:c='2'/>y</text:p><text:p "
                    "text:style-name='P1'>z</text:p>"
                    "<text:list "
                    "text:style-name='L1'><text:list-item><text:p>i</"
                    "text:p><text:list><text:list-item><text:p>j"
                    "</text:p></text:list-item></text:list></text:list-item></"
                    "text:list><text:p><draw:frame><draw:image "
                    "xlink:href='Pictures/p.png'/><svg:desc>alt</svg:desc></draw:frame></text:p></"
                    "office:text>"),
            "## 織 機\n\na **b**[e](https://c.d)[^1]\n\n```\nx  y\nz\n```\n\n1. i\n   - "
            "j\n\n![alt](p.png)\n\n[^1]: n\n");
}

TEST(OpenDocumentReader, SheetsWithRepeatedCells) {
  EXPECT_EQ(
      open_of("<office:spreadsheet><table:table table:name='S'><table:table-row><table:table-cell "
              "table:number-columns-repeated='2'><text:p>a</text:p></"
              "table:table-cell><table:table-cell "
              "table:number-columns-repeated='16382'/></table:table-row><table:table-row "
              "table:number-rows-repeated='1048000'><table:table-cell "
              "table:number-columns-repeated='16384'/>"
              "</table:table-row><table:table-row><table:table-cell/><table:table-cell><text:p>b</"
              "text:p></table:table-cell>"
              "</table:table-row></table:table></office:spreadsheet>"),
      "## S\n\n| a | a |\n| --- | --- |\n| | |\n| | b |\n");
}

}  // namespace
}  // namespace selvedge::markdown
