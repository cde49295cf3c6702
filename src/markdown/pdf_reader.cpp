// Poppler finds the columns and their order; nothing of the page's look is kept.
#include "markdown/pdf_reader.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <poppler/cpp/poppler-document.h>
#include <poppler/cpp/poppler-global.h>
#include <poppler/cpp/poppler-page.h>

#include "base/utf8.h"
#include "markdown/text_reader.h"

namespace selvedge::markdown {
namespace {

constexpr std::size_t kInfoBytesMax = 4'096;  // Of one entry of the metadata.

void say_nothing(const std::string&, void*) {}

// Poppler's own conversion goes through iconv.
std::string utf8_of(const poppler::ustring& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    char32_t c = text[at];
    const bool pair =
        (c & 0xfc00) == 0xd800 && at + 1 < text.size() && (text[at + 1] & 0xfc00) == 0xdc00;
    if (pair) c = 0x10000 + ((c & 0x3ff) << 10) + (text[++at] & 0x3ffU);
    if ((c & 0xfffff800) == 0xd800) c = 0xfffd;
    if (c != 0) utf8::append(out, c);
  }
  return out;
}

void add_line(Blocks& blocks, const std::string& name, const std::string& value) {
  Block item{.kind = Block::Kind::item};
  Inlines line;
  line.push_back(text_of(name + "=" + value));
  item.children.push_back(paragraph_of(std::move(line)));
  blocks.push_back(std::move(item));
}

Block metadata_of(const poppler::document& pdf) {
  Block list{.kind = Block::Kind::list};
  int major = 0;
  int minor = 0;
  pdf.get_pdf_version(&major, &minor);
  add_line(list.children, "PDFFormatVersion", std::to_string(major) + "." + std::to_string(minor));
  add_line(list.children, "IsLinearized", pdf.is_linearized() ? "true" : "false");
  add_line(list.children, "IsEncrypted", pdf.is_encrypted() ? "true" : "false");
  std::vector<std::string> keys = pdf.info_keys();
  std::ranges::sort(keys);
  for (const std::string& key : keys) {
    std::string value = utf8_of(pdf.info_key(key));
    value.resize(utf8::floor_boundary(value, kInfoBytesMax));
    if (!value.empty() && utf8::valid(key)) add_line(list.children, key, value);
  }
  return list;
}

}  // namespace

Result<Blocks> read_pdf(std::string_view bytes, const documents::ConversionOptions& options) {
  poppler::set_debug_error_function(say_nothing, nullptr);
  std::unique_ptr<poppler::document> pdf;
  if (bytes.size() < static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    pdf.reset(poppler::document::load_from_raw_data(bytes.data(), static_cast<int>(bytes.size())));
  }
  if (pdf == nullptr) return Error{Code::file_invalid, "this is not a PDF"};
  if (pdf->is_locked()) return Error{Code::file_invalid, "this PDF asks for a password"};
  Blocks blocks;
  if (options.pdf_metadata) {
    blocks.push_back(heading_of(2, "Metadata"));
    blocks.push_back(metadata_of(*pdf));
  }
  blocks.push_back(heading_of(2, "Contents"));
  std::size_t text_bytes = 0;
  for (int at = 0; at < pdf->pages(); ++at) {
    blocks.push_back(heading_of(3, "Page " + std::to_string(at + 1)));
    const std::unique_ptr<poppler::page> page(pdf->create_page(at));
    if (page == nullptr) continue;
    const std::string text =
        utf8_of(page->text(poppler::rectf(), poppler::page::non_raw_non_physical_layout));
    text_bytes += text.size();
    if (text_bytes > documents::kMarkdownBytesMax) {
      return Error{Code::file_invalid, "the Markdown of this file is too long"};
    }
    std::ranges::move(read_text(text), std::back_inserter(blocks));
  }
  return blocks;
}

}  // namespace selvedge::markdown
