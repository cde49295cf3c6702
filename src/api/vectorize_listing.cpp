// Vectorize listing: the options of a page, and its JSON.
#include "api/vectorize_listing.h"

#include <charconv>
#include <cstddef>

#include "api/json_writer.h"
#include "base/limits.h"

namespace selvedge::api {
namespace {

Result<std::size_t> parse_count(const http::Request& request) {
  const auto text = request.query_value("count");
  if (!text) return limits::list_count_default;
  std::size_t count = 0;
  const char* end = text->data() + text->size();
  const auto [at, error] = std::from_chars(text->data(), end, count);
  if (error == std::errc() && at == end && count >= 1 && count <= limits::list_count_max) {
    return count;
  }
  return Error{Code::query_invalid,
               "count must be a whole number from 1 to " + std::to_string(limits::list_count_max)};
}

void append_page(std::string& json, const vectors::ListPage& page) {
  const bool last = page.next_cursor.empty();
  json += "{\"count\":";
  append_integer(json, page.ids.size());
  json += ",\"totalCount\":";
  append_integer(json, page.total_count);
  json += ",\"isTruncated\":";
  json += last ? "false" : "true";
  json += ",\"nextCursor\":";
  if (last) {
    json += "null";
  } else {
    append_string(json, page.next_cursor);
  }
  json += ",\"cursorExpirationTimestamp\":";
  if (last) {
    json += "null";
  } else {
    append_time_ms(json, page.expires_us);
  }
  json += ",\"vectors\":[";
  for (const std::string& id : page.ids) {
    if (json.back() != '[') json += ',';
    json += "{\"id\":";
    append_string(json, id);
    json += '}';
  }
  json += "]}";
}

}  // namespace

Result<std::string> list_vectors(const IndexPath& path, const http::Request& request) {
  SEL_TRY(count, parse_count(request));
  SEL_TRY(index, find_index(path));
  const auto cursor = request.query_value("cursor");
  SEL_TRY(page, index->list_page(count, cursor ? std::string_view(*cursor) : std::string_view()));
  std::string result;
  append_page(result, page);
  return result;
}

}  // namespace selvedge::api
