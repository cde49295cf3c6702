// Head: what a request head must look like beyond what the parser asks, so that no two readers of
// the same bytes can disagree about where a request ends (request smuggling).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/message.h"

namespace selvedge::http {

// Checks raw bytes that begin a request, whole or not: every line ends with CRLF, no control
// characters, no folded lines, no blank before a colon, and a first byte that can begin a method.
// Errors: invalid_input.
Status check_head_bytes(std::string_view bytes);

// How the body of a request is framed.
struct Framing {
  bool chunked = false;
  std::uint64_t length = 0;  // When not chunked.
};

// Content-Length and Transfer-Encoding, strictly: both, several, or another coding than exactly
// "chunked" is an error; so is chunked in HTTP/1.0. Errors: invalid_input.
Result<Framing> framing_of(const Headers& headers, bool http_1_0);

// Fills path and query from a target in origin form ("/path?query") or absolute form
// ("http://host/path?query", also https; RFC 9112, 3.2.2), and of the latter `host`, else empty.
// Errors: invalid_input (another form, a bad host, a bad escape, NUL in the path, '#').
Status read_target(std::string_view target, Request& request);

// The host name without port and brackets, in lower case; nullopt when the value has no such form.
std::optional<std::string> host_name(std::string_view value);

// The host name of a browser's Origin ("http://localhost:5173"); nullopt when it names none
// ("null").
std::optional<std::string> origin_name(std::string_view value);

// True for localhost, *.localhost, loopback addresses and the names in `allowed` ("*" = any).
// `name` is what host_name returned.
bool host_allowed(std::string_view name, const std::vector<std::string>& allowed);

}  // namespace selvedge::http
