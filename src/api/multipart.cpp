// Multipart: boundaries found by search, part headers by line.
#include "api/multipart.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

namespace selvedge::api {
namespace {

constexpr std::size_t kPartsMax = 64;
constexpr std::size_t kPartHeaderBytesMax = 8 * 1024;
constexpr std::size_t kBoundaryBytesMax = 70;  // RFC 2046.

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Takes the quoted string at the start of `text`; nullopt when it has no end.
std::optional<std::string> take_quoted(std::string_view& text) {
  std::string value;
  for (std::size_t at = 1; at < text.size(); ++at) {
    if (text[at] == '"') {
      text.remove_prefix(at + 1);
      return value;
    }
    if (text[at] == '\\' && at + 1 < text.size()) ++at;
    value += text[at];
  }
  return std::nullopt;
}

// The parameter `name` of a header value such as `form-data; name="vectors"; filename="v.ndjson"`.
std::optional<std::string> parameter(std::string_view header, std::string_view name) {
  std::size_t semicolon = header.find(';');
  while (semicolon != std::string_view::npos) {
    header.remove_prefix(semicolon + 1);
    const std::size_t equals = header.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const std::string_view key = trimmed(header.substr(0, equals));
    header = trimmed(header.substr(equals + 1));
    std::string value;
    if (header.starts_with('"')) {
      auto quoted = take_quoted(header);
      if (!quoted) return std::nullopt;
      value = std::move(*quoted);
    } else {
      const std::size_t end = header.find(';');
      value = std::string(trimmed(header.substr(0, end)));
    }
    if (same_name(key, name)) return value;
    semicolon = header.find(';');
  }
  return std::nullopt;
}

Error malformed(std::string_view reason) {
  return Error{Code::invalid_input, "multipart body: " + std::string(reason)};
}

Status read_headers(std::string_view headers, MultipartPart& part) {
  bool named = false;
  while (!headers.empty()) {
    const std::size_t end = headers.find("\r\n");
    const std::string_view line = headers.substr(0, end);
    headers.remove_prefix(end == std::string_view::npos ? headers.size() : end + 2);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return malformed("a part's header has no colon");
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (same_name(line.substr(0, colon), "content-disposition")) {
      auto name = parameter(value, "name");
      named = name.has_value();
      part.name = std::move(name).value_or(std::string());
      part.file_name = parameter(value, "filename").value_or(std::string());
    } else if (same_name(line.substr(0, colon), "content-type")) {
      const std::string_view type = trimmed(value.substr(0, value.find(';')));
      std::transform(type.begin(), type.end(), std::back_inserter(part.content_type), lower);
      part.charset = parameter(value, "charset").value_or(std::string());
    }
  }
  if (!named) return malformed("a part has no name");
  return ok_status();
}

}  // namespace

Result<std::vector<MultipartPart>> parse_multipart(std::string_view content_type,
                                                   std::string_view body) {
  const auto boundary = parameter(content_type, "boundary");
  if (!boundary || boundary->empty() || boundary->size() > kBoundaryBytesMax) {
    return malformed("the content type has no boundary");
  }
  const std::string delimiter = "\r\n--" + *boundary;
  // The first delimiter may stand at the very start, without its line break.
  std::size_t at = 0;
  if (!body.starts_with(std::string_view(delimiter).substr(2))) {
    at = body.find(delimiter);
    if (at == std::string_view::npos) return malformed("the boundary does not occur");
    at += 2;
  }
  at += delimiter.size() - 2;
  std::vector<MultipartPart> parts;
  while (true) {
    const std::string_view rest = body.substr(at);
    if (rest.starts_with("--")) return parts;
    const std::size_t line_end = rest.find("\r\n");
    if (line_end == std::string_view::npos || !trimmed(rest.substr(0, line_end)).empty()) {
      return malformed("a boundary is followed by neither a line break nor the end");
    }
    if (parts.size() == kPartsMax) return malformed("too many parts");
    const std::string_view from_headers = rest.substr(line_end);
    const std::size_t blank = from_headers.substr(0, kPartHeaderBytesMax).find("\r\n\r\n");
    if (blank == std::string_view::npos) return malformed("a part's headers do not end");
    MultipartPart part;
    SEL_CHECK_OK(read_headers(blank == 0 ? "" : from_headers.substr(2, blank - 2), part));
    const std::size_t begin = at + line_end + blank + 4;
    // An empty part: its delimiter's line break is the one that ends the headers.
    const std::size_t end = body.find(delimiter, begin - 2);
    if (end == std::string_view::npos) return malformed("a part does not end");
    part.content = body.substr(begin, end >= begin ? end - begin : 0);
    parts.push_back(std::move(part));
    at = end + delimiter.size();
  }
}

}  // namespace selvedge::api
