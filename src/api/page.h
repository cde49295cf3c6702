// Page: which part of a list a request asks for, and the envelope that says which part it got.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "http/message.h"

namespace selvedge::api {

struct Page {
  std::size_t number = 1;  // From 1.
  std::size_t size = 0;
};

// The query value `name`, at most `most`; `fallback` when it is absent or no whole number.
std::size_t query_number(const http::Request& request, std::string_view name, std::size_t fallback,
                         std::size_t most);

// From `page` and `per_page` (at most 1,000). 0 counts as absent.
Page read_page(const http::Request& request, std::size_t size_default);

// The envelope around the part of a list of `total` items, with `result_info`. `append` writes the
// item at a 0-based position.
http::Response page_envelope(Page page, std::size_t total,
                             const std::function<void(std::string&, std::size_t)>& append);

}  // namespace selvedge::api
