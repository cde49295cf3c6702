// Page: numbers out of the query, and the counts beside the result.
#include "api/page.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "api/errors.h"
#include "api/json_writer.h"

namespace selvedge::api {
namespace {

constexpr std::size_t kSizeMax = 1'000;
constexpr std::size_t kNumberMax = 1'000'000;

std::size_t or_default(std::size_t number, std::size_t fallback) {
  return number == 0 ? fallback : number;
}

}  // namespace

std::size_t query_number(const http::Request& request, std::string_view name, std::size_t fallback,
                         std::size_t most) {
  const auto text = request.query_value(name);
  std::size_t number = 0;
  if (!text) return fallback;
  const auto end = std::from_chars(text->data(), text->data() + text->size(), number);
  return end.ec == std::errc() ? std::min(number, most) : fallback;
}

Page read_page(const http::Request& request, std::size_t size_default) {
  Page page;
  page.number = or_default(query_number(request, "page", 1, kNumberMax), 1);
  page.size = or_default(query_number(request, "per_page", size_default, kSizeMax), size_default);
  return page;
}

http::Response page_envelope(Page page, std::size_t total,
                             const std::function<void(std::string&, std::size_t)>& append) {
  const std::size_t begin = std::min(total, (page.number - 1) * page.size);
  const std::size_t end = std::min(total, begin + page.size);
  std::string body = "{\"result\":[";
  for (std::size_t at = begin; at < end; ++at) {
    if (at != begin) body += ',';
    append(body, at);
  }
  body += "],\"success\":true,\"errors\":[],\"messages\":[],\"result_info\":{\"count\":";
  append_integer(body, end - begin);
  body += ",\"page\":";
  append_integer(body, page.number);
  body += ",\"per_page\":";
  append_integer(body, page.size);
  body += ",\"total_count\":";
  append_integer(body, total);
  body += ",\"total_pages\":";
  append_integer(body, (total + page.size - 1) / page.size);
  body += "}}";
  return json_response(200, std::move(body));
}

}  // namespace selvedge::api
