// Query body: the list is found by its key and cut out; the rest is short, and read as any JSON.
#include "api/query_body.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include "api/float_list.h"
#include "api/json_reader.h"

namespace selvedge::api {
namespace {

constexpr std::string_view kSpaces = " \t\r\n";

// Behind the quote that ends the string that begins at `at`.
std::size_t string_end(std::string_view text, std::size_t at) {
  for (++at; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '"') {
      return at + 1;
    }
  }
  return text.size();
}

std::size_t skip_spaces(std::string_view text, std::size_t at) {
  return std::min(text.find_first_not_of(kSpaces, at), text.size());
}

struct List {
  std::size_t begin = 0;
  std::size_t bytes = 0;
};

// The list of numbers that is the "vector" of the outermost object. Nothing where that is no list
// of numbers, is there twice, or might be under an escaped key, too. Says nothing about the rest.
std::optional<List> find_vector(std::string_view text, std::vector<float>& values) {
  std::optional<List> found;
  std::size_t depth = 0;
  for (std::size_t at = 0; at < text.size();) {
    const char byte = text[at];
    if (byte == '{' || byte == '[') ++depth;
    if ((byte == '}' || byte == ']') && depth > 0) --depth;
    if (byte != '"') {
      ++at;
      continue;
    }
    const std::string_view string = text.substr(at, string_end(text, at) - at);
    at = skip_spaces(text, at + string.size());
    if (depth != 1 || at == text.size() || text[at] != ':') continue;
    if (string.find('\\') != std::string_view::npos) return std::nullopt;
    if (string != "\"vector\"") continue;
    if (found) return std::nullopt;
    at = skip_spaces(text, at + 1);
    const auto bytes = read_float_list(text.substr(at), values);
    if (!bytes) return std::nullopt;
    found = List{at, *bytes};
    at += *bytes;
  }
  return found;
}

}  // namespace

Result<QueryBody> parse_query_body(std::string_view text) {
  QueryBody body;
  std::vector<float> values;
  const auto list = find_vector(text, values);
  if (!list) {
    SEL_TRY(fields, parse_json(text));
    body.fields = std::move(fields);
    return body;
  }
  std::string rest(text.substr(0, list->begin));
  rest += "null";  // As good as absent, for all who look at it.
  rest += text.substr(list->begin + list->bytes);
  SEL_TRY(fields, parse_json(rest));
  body.fields = std::move(fields);
  body.vector = std::move(values);
  return body;
}

}  // namespace selvedge::api
