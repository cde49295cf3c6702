// Multipart: the parts of a multipart/form-data body, as views into it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace selvedge::api {

// Views point into the body given to parse_multipart.
struct MultipartPart {
  std::string name;
  std::string file_name;
  std::string content_type;  // Lower case, without parameters; may be empty.
  std::string charset;       // Its parameter of this name; may be empty.
  std::string_view content;
};

// `content_type` is the whole header value with its boundary. At most 64 parts with 8 KiB of
// headers each. Errors: invalid_input (no boundary, no end, too many parts, a part without a name).
// Source: RFC 7578, RFC 2046 section 5.1.
Result<std::vector<MultipartPart>> parse_multipart(std::string_view content_type,
                                                   std::string_view body);

}  // namespace selvedge::api
