// Convert: which reader, and what stands above its blocks.
#include "markdown/convert.h"

#include <iterator>
#include <utility>

#include "markdown/character_set.h"
#include "markdown/gfm.h"
#include "markdown/html_reader.h"
#include "markdown/open_document_reader.h"
#include "markdown/pdf_reader.h"
#include "markdown/sheet_reader.h"
#include "markdown/text_reader.h"
#include "markdown/word_reader.h"
#include "markdown/xml_reader.h"

namespace selvedge::markdown {
namespace {

using documents::Conversion;
using documents::FormatKind;

std::string markup_text(const Conversion& conversion) {
  const std::string declared =
      conversion.charset.empty() ? declared_in_markup(conversion.bytes) : conversion.charset;
  return to_utf8(conversion.bytes, declared);
}

Result<Blocks> read_markup(const Conversion& conversion) {
  const std::string text = markup_text(conversion);
  const bool html = conversion.kind == FormatKind::html || is_xhtml(text);
  return html ? read_html(text, conversion.options) : read_xml(text);
}

Result<Blocks> read(const Conversion& conversion) {
  switch (conversion.kind) {
    case FormatKind::html:
    case FormatKind::xml:
      return read_markup(conversion);
    case FormatKind::text:
      return read_text(to_utf8(conversion.bytes, conversion.charset));
    case FormatKind::json:
      return read_json(to_utf8(conversion.bytes, conversion.charset));
    case FormatKind::csv:
      return read_csv(to_utf8(conversion.bytes, conversion.charset));
    case FormatKind::word:
      return read_word(conversion.bytes);
    case FormatKind::sheet:
      return read_sheets(conversion.bytes);
    case FormatKind::open_text:
    case FormatKind::open_sheet:
      return read_open_document(conversion.bytes);
    case FormatKind::pdf:
      return read_pdf(conversion.bytes, conversion.options);
    case FormatKind::markdown:
    case FormatKind::picture:
    case FormatKind::unserved:
      break;
  }
  return Error{Code::file_invalid, "files of this format are not converted here"};
}

bool is_named(FormatKind kind) {
  return kind == FormatKind::pdf || kind == FormatKind::sheet || kind == FormatKind::open_sheet;
}

}  // namespace

Result<std::string> convert(const Conversion& conversion) {
  if (conversion.kind == FormatKind::markdown) {
    return tidied_markdown(to_utf8(conversion.bytes, conversion.charset));
  }
  SEL_TRY(content, read(conversion));
  Blocks blocks;
  if (is_named(conversion.kind) && !conversion.name.empty()) {
    blocks.push_back(heading_of(1, conversion.name));
  }
  std::move(content.begin(), content.end(), std::back_inserter(blocks));
  std::string text = write(blocks, conversion.options.plain_text ? Form::plain : Form::markdown);
  if (text.size() > documents::kMarkdownBytesMax) {
    return Error{Code::file_invalid, "the Markdown of this file is too long"};
  }
  return text;
}

}  // namespace selvedge::markdown
