// Gzip: plain bytes in, gzip bytes out.
#pragma once

#include <string>
#include <string_view>

namespace selvedge::http {

// `bytes` as one gzip member.
std::string gzip(std::string_view bytes);

}  // namespace selvedge::http
