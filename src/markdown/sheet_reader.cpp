// Sheets are read as a stream: as a tree a large one would take gigabytes.
#include "markdown/sheet_reader.h"

#include <charconv>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <libxml/xmlreader.h>

#include "markdown/cell_format.h"
#include "markdown/package.h"
#include "markdown/table_grid.h"

namespace selvedge::markdown {
namespace {

constexpr std::size_t kCellsMax = 2'000'000;      // Of all sheets.
constexpr std::size_t kEmptyRowsMax = 1;          // Kept between rows with content.
constexpr std::size_t kTextBytesMax = 64u << 20;  // Of the shared texts' copies in cells.

struct FreeReader {
  void operator()(xmlTextReader* reader) const { xmlFreeTextReader(reader); }
};
using Reader = std::unique_ptr<xmlTextReader, FreeReader>;

Result<Reader> stream_of(const std::string& bytes, const std::string& what) {
  constexpr int kOptions = XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NONET |
                           XML_PARSE_RECOVER | XML_PARSE_COMPACT;
  Reader reader(
      xmlReaderForMemory(bytes.data(), static_cast<int>(bytes.size()), nullptr, nullptr, kOptions));
  if (reader == nullptr) return Error{Code::file_invalid, what + " in this file is not XML"};
  return reader;
}

std::string_view name_at(const Reader& reader) {
  const xmlChar* name = xmlTextReaderConstLocalName(reader.get());
  return name == nullptr ? std::string_view() : reinterpret_cast<const char*>(name);
}

bool starts(const Reader& reader, std::string_view name) {
  return xmlTextReaderNodeType(reader.get()) == XML_READER_TYPE_ELEMENT && name_at(reader) == name;
}

bool ends(const Reader& reader, std::string_view name) {
  const int type = xmlTextReaderNodeType(reader.get());
  const bool closed =
      type == XML_READER_TYPE_END_ELEMENT ||
      (type == XML_READER_TYPE_ELEMENT && xmlTextReaderIsEmptyElement(reader.get()));
  return closed && name_at(reader) == name;
}

std::string attribute_at(const Reader& reader, const char* name) {
  xmlChar* value = xmlTextReaderGetAttribute(reader.get(), reinterpret_cast<const xmlChar*>(name));
  if (value == nullptr) return {};
  std::string text(reinterpret_cast<const char*>(value));
  xmlFree(value);
  return text;
}

void append_text(const Reader& reader, std::string& text) {
  const int type = xmlTextReaderNodeType(reader.get());
  if (type != XML_READER_TYPE_TEXT && type != XML_READER_TYPE_CDATA &&
      type != XML_READER_TYPE_SIGNIFICANT_WHITESPACE) {
    return;
  }
  const xmlChar* value = xmlTextReaderConstValue(reader.get());
  if (value != nullptr) text += reinterpret_cast<const char*>(value);
}

// The column of "BC23", from 0.
std::size_t column_of(std::string_view place) {
  std::size_t column = 0;
  for (const char c : place) {
    if (c < 'A' || c > 'Z') break;
    column = column * 26 + static_cast<std::size_t>(c - 'A' + 1);
    if (column > 20'000) break;
  }
  return column == 0 ? 0 : column - 1;
}

template <class Number>
bool read_number(std::string_view text, Number& number) {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  return read.ec == std::errc() && read.ptr == text.data() + text.size();
}

class SheetReader {
 public:
  explicit SheetReader(Package& package) : package_(package) {}

  Result<Blocks> read() {
    SEL_TRY(workbook, package_.xml_part("xl/workbook.xml"));
    const Relations relations = relations_of(package_, "xl/workbook.xml");
    const xmlNode* root = xmlDocGetRootElement(workbook.get());
    if (const xmlNode* properties = child(*root, "workbookPr")) {
      const std::string value = attribute(*properties, "date1904");
      from_1904_ = value == "1" || value == "true";
    }
    read_texts();
    read_formats();
    Blocks blocks;
    const xmlNode* sheets = child(*root, "sheets");
    for (const xmlNode* one = sheets == nullptr ? nullptr : sheets->children; one != nullptr;
         one = one->next) {
      if (!is(*one, "sheet")) continue;
      const auto found = relations.find(attribute(*one, "id", "relationships"));
      if (found == relations.end()) continue;
      SEL_TRY(table, read_sheet(found->second.target));
      blocks.push_back(heading_of(2, attribute(*one, "name")));
      if (!table.rows.empty()) blocks.push_back(std::move(table));
    }
    if (blocks.empty()) return Error{Code::file_invalid, "xl/workbook.xml names no sheet"};
    return blocks;
  }

 private:
  // A file without texts has no such part.
  void read_texts() {
    const std::string path = "xl/sharedStrings.xml";
    auto bytes = package_.part(path);
    if (!bytes.ok()) return;
    auto reader = stream_of(*bytes, path);
    if (!reader.ok()) return;
    std::string text;
    int phonetic = 0;
    while (xmlTextReaderRead(reader->get()) == 1) {
      if (starts(*reader, "si")) text.clear();
      // How a text is pronounced is not part of it.
      if (starts(*reader, "rPh")) ++phonetic;
      if (ends(*reader, "rPh")) --phonetic;
      if (phonetic == 0) append_text(*reader, text);
      if (ends(*reader, "si")) texts_.push_back(std::exchange(text, {}));
    }
  }

  void read_formats() {
    const auto tree = package_.xml_part("xl/styles.xml");
    if (!tree.ok()) return;
    const xmlNode* root = xmlDocGetRootElement(tree->get());
    std::unordered_map<std::string, CellFormat> own;
    if (const xmlNode* formats = child(*root, "numFmts")) {
      for (const xmlNode* one = formats->children; one != nullptr; one = one->next) {
        if (is(*one, "numFmt")) {
          own[attribute(*one, "numFmtId")] = format_of_code(attribute(*one, "formatCode"));
        }
      }
    }
    const xmlNode* cells = child(*root, "cellXfs");
    for (const xmlNode* one = cells == nullptr ? nullptr : cells->children; one != nullptr;
         one = one->next) {
      if (!is(*one, "xf")) continue;
      const std::string id = attribute(*one, "numFmtId");
      int number = 0;
      const auto found = own.find(id);
      formats_.push_back(found != own.end()        ? found->second
                         : read_number(id, number) ? built_in_format(number)
                                                   : CellFormat::number);
    }
  }

  Result<Block> read_sheet(const std::string& path) {
    SEL_TRY(bytes, package_.part(path));
    SEL_TRY(reader, stream_of(bytes, path));
    TableGrid grid;
    std::size_t row_at = 0;   // Of the sheet, from 1.
    std::size_t written = 0;  // Rows in the grid.
    std::size_t column = 0;   // In the grid's row.
    while (xmlTextReaderRead(reader.get()) == 1) {
      if (starts(reader, "row")) {
        std::size_t number = 0;
        if (!read_number(attribute_at(reader, "r"), number)) number = row_at + 1;
        // Of many empty rows between others one is kept.
        const bool gap = written > 0 && number > row_at + 1;
        if (gap && kEmptyRowsMax > 0) grid.begin_row();
        row_at = number;
        grid.begin_row();
        ++written;
        column = 0;
      } else if (starts(reader, "c") && written > 0) {
        SEL_CHECK_OK(read_cell(reader, grid, column));
      } else if (ends(reader, "sheetData")) {
        break;
      }
    }
    return grid.take();
  }

  Status read_cell(const Reader& reader, TableGrid& grid, std::size_t& column) {
    const std::string place = attribute_at(reader, "r");
    const std::string type = attribute_at(reader, "t");
    std::size_t style = 0;
    if (!read_number(attribute_at(reader, "s"), style)) style = 0;
    std::string text;
    bool value = false;
    int phonetic = 0;
    if (!ends(reader, "c")) {
      while (xmlTextReaderRead(reader.get()) == 1 && !ends(reader, "c")) {
        if (starts(reader, "v") || starts(reader, "is")) value = true;
        if (starts(reader, "rPh")) ++phonetic;
        if (value && phonetic == 0) append_text(reader, text);
        if (ends(reader, "rPh")) --phonetic;
        if (ends(reader, "v") || ends(reader, "is")) value = false;
      }
    }
    std::string shown = value_of(type, style, std::move(text));
    if (shown.empty()) return ok_status();
    const std::size_t wanted = place.empty() ? column : column_of(place);
    if (wanted >= TableGrid::kColumnsMax) return ok_status();
    text_bytes_ += shown.size();
    cells_ += wanted + 1 - std::min(column, wanted);
    if (cells_ > kCellsMax || text_bytes_ > kTextBytesMax) {
      return Error{Code::file_invalid, "this file has too many cells"};
    }
    if (wanted < column) return ok_status();
    for (; column < wanted; ++column) grid.add({});
    Inlines content;
    add_lines(shown, content);
    grid.add(std::move(content));
    ++column;
    return ok_status();
  }

  static void add_lines(std::string_view text, Inlines& content) {
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      content.push_back(text_of(std::string(text.substr(0, end))));
      if (end == std::string_view::npos) return;
      content.push_back({Inline::Kind::line_break});
      text.remove_prefix(end + 1);
    }
  }

  std::string value_of(const std::string& type, std::size_t style, std::string text) const {
    if (type == "s") {
      std::size_t at = 0;
      return read_number(text, at) && at < texts_.size() ? texts_[at] : std::string();
    }
    if (type == "b") return text == "1" ? "TRUE" : text == "0" ? "FALSE" : text;
    if (!type.empty() && type != "n") return text;
    double number = 0;
    if (!read_number(text, number)) return text;
    const CellFormat format = style < formats_.size() ? formats_[style] : CellFormat::number;
    if (format == CellFormat::date) {
      std::string date = date_text(number, from_1904_);
      if (!date.empty()) return date;
    }
    return format == CellFormat::percent ? percent_text(number) : number_text(number);
  }

  Package& package_;
  std::vector<std::string> texts_;
  std::vector<CellFormat> formats_;
  bool from_1904_ = false;
  std::size_t cells_ = 0;
  std::size_t text_bytes_ = 0;
};

}  // namespace

Result<Blocks> read_sheets(std::string_view bytes) {
  SEL_TRY(package, Package::open(bytes));
  if (package.has("xl/workbook.bin")) {
    return Error{Code::file_invalid, "binary workbooks (.xlsb) are not converted here"};
  }
  return SheetReader(package).read();
}

}  // namespace selvedge::markdown
