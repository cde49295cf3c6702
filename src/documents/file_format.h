// File formats: which files become Markdown, told by their type or their name.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace selvedge::documents {

enum class FormatKind : std::uint8_t {
  html,
  markdown,
  text,
  json,
  csv,
  xml,
  word,       // Office Open XML.
  sheet,      // Office Open XML.
  open_text,  // OpenDocument.
  open_sheet,
  pdf,
  picture,   // A model that reads pictures describes it.
  unserved,  // What it converts besides.
};

struct FileFormat {
  std::string_view extension;  // ".pdf", lower case.
  std::string_view mime_type;
  FormatKind kind = FormatKind::unserved;
  bool hosted = true;  // The hosted service converts it, too.

  bool served() const { return kind != FormatKind::unserved; }
};

// All that are known, those that are not converted too.
// Source: docs/compatibility.md#markdown-conversion.
std::span<const FileFormat> file_formats();

// By its type; by its name where the type is missing, unknown or says little
// (application/octet-stream, application/zip, text/plain). Null: no known format.
// `mime_type` may have parameters, and be in any case.
const FileFormat* format_of(std::string_view name, std::string_view mime_type);

// The parameter `charset` of a type, as it stands there; empty: none.
std::string_view charset_of(std::string_view mime_type);

}  // namespace selvedge::documents
