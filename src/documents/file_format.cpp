// The table, and the two ways into it.
#include "documents/file_format.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

namespace selvedge::documents {
namespace {

using enum FormatKind;

// Of several rows with one type the first names it.
constexpr FileFormat kFormats[] = {
    {".pdf", "application/pdf", pdf},
    {".jpeg", "image/jpeg", picture},
    {".jpg", "image/jpeg", picture},
    {".png", "image/png", picture},
    {".webp", "image/webp", picture},
    {".svg", "image/svg+xml", unserved},
    {".gif", "image/gif", unserved},
    {".bmp", "image/bmp", unserved},
    {".html", "text/html", html},
    {".htm", "text/html", html},
    {".xhtml", "application/xhtml+xml", html, false},
    {".xml", "application/xml", xml},
    {".xml", "text/xml", xml},
    {".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", sheet},
    {".xlsm", "application/vnd.ms-excel.sheet.macroenabled.12", sheet},
    {".xlsb", "application/vnd.ms-excel.sheet.binary.macroenabled.12", unserved},
    {".xls", "application/vnd.ms-excel", unserved},
    {".et", "application/vnd.ms-excel", unserved},
    {".docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", word},
    {".docm", "application/vnd.ms-word.document.macroenabled.12", word, false},
    {".ods", "application/vnd.oasis.opendocument.spreadsheet", open_sheet},
    {".odt", "application/vnd.oasis.opendocument.text", open_text},
    {".csv", "text/csv", csv},
    {".tsv", "text/tab-separated-values", csv, false},
    {".numbers", "application/vnd.apple.numbers", unserved},
    {".md", "text/markdown", markdown, false},
    {".markdown", "text/markdown", markdown, false},
    {".txt", "text/plain", text, false},
    {".json", "application/json", json, false},
};
constexpr std::array<std::string_view, 7> kSaysLittle = {
    "",           "application/octet-stream",     "binary/octet-stream", "application/zip",
    "text/plain", "application/x-zip-compressed", "application/x-zip"};

std::string lower(std::string_view text) {
  std::string copy(text);
  std::ranges::transform(copy, copy.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return copy;
}

std::string bare_type(std::string_view mime_type) {
  mime_type = mime_type.substr(0, mime_type.find(';'));
  while (!mime_type.empty() && mime_type.front() == ' ') mime_type.remove_prefix(1);
  while (!mime_type.empty() && mime_type.back() == ' ') mime_type.remove_suffix(1);
  return lower(mime_type);
}

}  // namespace

std::span<const FileFormat> file_formats() { return kFormats; }

const FileFormat* format_of(std::string_view name, std::string_view mime_type) {
  const std::string type = bare_type(mime_type);
  const std::size_t dot = name.rfind('.');
  const std::string extension = dot == std::string_view::npos ? "" : lower(name.substr(dot));
  const FileFormat* by_type = nullptr;
  const FileFormat* by_name = nullptr;
  for (const FileFormat& format : kFormats) {
    if (by_type == nullptr && format.mime_type == type) by_type = &format;
    if (by_name == nullptr && format.extension == extension) by_name = &format;
    // Of the rows of one type the one with this name says more.
    if (format.mime_type == type && format.extension == extension) return &format;
  }
  const bool says_little = std::ranges::find(kSaysLittle, type) != kSaysLittle.end();
  if (by_type != nullptr && !says_little) return by_type;
  return by_name != nullptr ? by_name : by_type;
}

std::string_view charset_of(std::string_view mime_type) {
  constexpr std::string_view kName = "charset=";
  for (std::size_t at = mime_type.find(';'); at != std::string_view::npos;) {
    ++at;
    while (at < mime_type.size() && mime_type[at] == ' ') ++at;
    const std::size_t end = mime_type.find(';', at);
    std::string_view value = mime_type.substr(at, end - at);
    if (lower(value.substr(0, kName.size())) == kName) {
      value.remove_prefix(kName.size());
      while (!value.empty() && (value.front() == '"' || value.front() == ' ')) {
        value.remove_prefix(1);
      }
      while (!value.empty() && (value.back() == '"' || value.back() == ' ')) {
        value.remove_suffix(1);
      }
      return value;
    }
    at = end;
  }
  return {};
}

}  // namespace selvedge::documents
