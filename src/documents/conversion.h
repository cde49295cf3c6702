// Conversion: one file to be made Markdown, and how it and its answer cross to the converter.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "documents/file_format.h"

namespace selvedge::documents {

// `docs/operations.md` repeats these. All are ours.
inline constexpr std::size_t kFilesMax = 50;                            // Of one call.
inline constexpr std::size_t kMarkdownBytesMax = 16 * 1024 * 1024;      // Of one file's answer.
inline constexpr int kConvertMsMax = 60'000;                            // A file.
inline constexpr std::size_t kConverterBytesMax = 1536u * 1024 * 1024;  // Of addresses.
inline constexpr std::size_t kConversionsWaitingMax = 256;              // Of all calls.

// Source: docs/compatibility.md#markdown-conversion.
struct ConversionOptions {
  bool plain_text = false;    // Without Markdown's signs.
  bool pdf_metadata = true;   // The list at the head of a PDF's text.
  std::string html_hostname;  // What relative links of HTML are relative to; empty: they stay.
  std::string html_selector;  // CSS: only these elements of HTML; empty: the whole body.
};

struct Conversion {
  FormatKind kind = FormatKind::text;
  std::string name;
  std::string charset;  // That the file's type names; empty: none.
  ConversionOptions options;
  std::string bytes;
};

// To the converter: one line of JSON, then the bytes of the file up to the end of the stream.
std::string conversion_head(const Conversion& conversion);
// Errors: file_invalid (not in this form).
Result<Conversion> read_conversion(std::string_view stream);

// From it: "markdown\n" or "error\n", then the text. An error is file_invalid, with words for
// people.
std::string conversion_reply(const Result<std::string>& converted);
// Errors: file_invalid (what the converter says), internal (no reply).
Result<std::string> read_reply(std::string_view reply);

}  // namespace selvedge::documents
