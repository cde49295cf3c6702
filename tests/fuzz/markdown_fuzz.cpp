// Fuzzes the whole converter: any bytes as any format are Markdown that is UTF-8 and bounded, or an
// error for people.
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/utf8.h"
#include "documents/conversion.h"
#include "markdown/convert.h"
#include "markdown/reparsed.h"

namespace {

using selvedge::documents::FormatKind;

// Where text was only escaped, a reader must see no structure in it.
void check_text(std::string_view markdown) {
  constexpr std::size_t kReparsedBytesMax = 64 * 1024;
  if (markdown.size() > kReparsedBytesMax) return;
  const auto seen = selvedge::markdown::reparsed(markdown);
  SEL_CHECK(seen.count("heading") == 0 && seen.count("list") == 0 && seen.count("table") == 0);
  SEL_CHECK(seen.count("html_block") == 0 && seen.count("html_inline") == 0);
  SEL_CHECK(seen.count("link") == 0 && seen.count("image") == 0 && seen.count("code") == 0);
  SEL_CHECK(seen.count("code_block") == 0 && seen.count("thematic_break") == 0);
  SEL_CHECK(seen.count("strong") == 0 && seen.count("emph") == 0 && seen.count("block_quote") == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::array kKinds = {FormatKind::html,      FormatKind::text, FormatKind::csv,
                                 FormatKind::xml,       FormatKind::word, FormatKind::sheet,
                                 FormatKind::open_text, FormatKind::pdf,  FormatKind::json,
                                 FormatKind::markdown};
  constexpr std::array kCharsets = {"", "utf-8", "gbk", "shift_jis", "utf-16", "euc-kr"};
  if (size < 2) return 0;
  selvedge::documents::Conversion conversion;
  conversion.kind = kKinds[data[0] % kKinds.size()];
  conversion.options.plain_text = (data[1] & 1) != 0;
  conversion.charset = kCharsets[(data[1] >> 1) % kCharsets.size()];
  if ((data[1] & 0x80) != 0) conversion.options.html_hostname = "example.com";
  conversion.name = "a.b";
  conversion.bytes.assign(reinterpret_cast<const char*>(data) + 2, size - 2);
  const auto converted = selvedge::markdown::convert(conversion);
  if (!converted.ok()) {
    SEL_CHECK(converted.error().code == selvedge::Code::file_invalid);
    SEL_CHECK(!converted.error().message.empty());
    return 0;
  }
  SEL_CHECK(converted->size() <= selvedge::documents::kMarkdownBytesMax);
  SEL_CHECK(selvedge::utf8::valid(*converted));
  if (conversion.kind == FormatKind::text && !conversion.options.plain_text) check_text(*converted);
  return 0;
}
