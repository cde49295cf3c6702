// Response heads: the status line and headers of an answer, as bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "http/message.h"

namespace selvedge::http {

// How the end of the body is told.
enum class BodyForm : std::uint8_t { sized, chunked, until_close, none };

struct HeadOptions {
  BodyForm form = BodyForm::sized;
  std::size_t length = 0;  // Of a sized body; also for HEAD, where no body follows.
  bool http_1_0 = false;
  bool keep_alive = true;
};

// Headers that are the server's own (Date, Content-Length, Connection, Transfer-Encoding) are left
// out of `response`'s; a name or value that would break the head is left out or blanked.
std::string response_head(const Response& response, const HeadOptions& options);

// True for 1xx, 204 and 304.
bool never_has_body(int status);

}  // namespace selvedge::http
