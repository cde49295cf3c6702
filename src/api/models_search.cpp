// Models search: filter, page, write.
#include "api/models_search.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <vector>

#include "api/errors.h"
#include "api/json_writer.h"

namespace selvedge::api {
namespace {

constexpr std::size_t kPerPageDefault = 50;
constexpr std::size_t kPerPageMax = 1'000;
constexpr std::size_t kPageMax = 1'000'000;

std::size_t number_value(const http::Request& request, std::string_view name, std::size_t fallback,
                         std::size_t most) {
  const auto text = request.query_value(name);
  std::size_t number = 0;
  if (!text) return fallback;
  const auto end = std::from_chars(text->data(), text->data() + text->size(), number);
  if (end.ec != std::errc() || number == 0) return fallback;
  return std::min(number, most);
}

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return text;
}

bool contains(const std::string& text, const std::string& part) {
  return lower(text).find(lower(part)) != std::string::npos;
}

// "@cf/meta/llama-3-8b-instruct" -> "meta"
std::string author_of(const std::string& id) {
  const std::size_t begin = id.find('/');
  if (begin == std::string::npos) return {};
  return id.substr(begin + 1, id.find('/', begin + 1) - begin - 1);
}

bool wanted(const catalog::ModelEntry& entry, const http::Request& request) {
  const auto search = request.query_value("search");
  const auto task = request.query_value("task");
  const auto author = request.query_value("author");
  if (search && !contains(entry.id, *search) && !contains(entry.description, *search)) return false;
  if (task && lower(*task) != lower(entry.task_name) && *task != entry.task_id) return false;
  return !author || lower(*author) == lower(author_of(entry.id));
}

void append_property(std::string& json, std::string_view id, std::string_view value) {
  if (json.back() != '[') json += ',';
  json += "{\"property_id\":";
  append_string(json, id);
  json += ",\"value\":";
  append_string(json, value);
  json += '}';
}

void append_model(std::string& json, const catalog::ModelEntry& entry) {
  json += "{\"id\":";
  append_string(json, entry.uuid);
  json += ",\"source\":1,\"name\":";
  append_string(json, entry.id);
  json += ",\"description\":";
  append_string(json, entry.description);
  json += ",\"task\":{\"id\":";
  append_string(json, entry.task_id);
  json += ",\"name\":";
  append_string(json, entry.task_name);
  json += ",\"description\":\"\"},\"tags\":[],\"properties\":[";
  if (entry.context_tokens > 0) {
    append_property(json, "context_window", std::to_string(entry.context_tokens));
  }
  if (entry.output_dimensions > 0) {
    append_property(json, "output_dimensions", std::to_string(entry.output_dimensions));
  }
  if (entry.function_calling) append_property(json, "function_calling", "true");
  if (entry.lora) append_property(json, "lora", "true");
  if (!entry.deprecated_on.empty()) {
    append_property(json, "planned_deprecation_date", entry.deprecated_on);
  }
  json += "]}";
}

}  // namespace

http::Response models_search(const catalog::Catalog& catalog, const http::Request& request) {
  std::vector<const catalog::ModelEntry*> found;
  for (const catalog::ModelEntry& entry : catalog.entries()) {
    if (wanted(entry, request)) found.push_back(&entry);
  }
  const std::size_t per_page = number_value(request, "per_page", kPerPageDefault, kPerPageMax);
  const std::size_t page = number_value(request, "page", 1, kPageMax);
  const std::size_t begin = std::min(found.size(), (page - 1) * per_page);
  const std::size_t end = std::min(found.size(), begin + per_page);
  std::string body = "{\"result\":[";
  for (std::size_t at = begin; at < end; ++at) {
    if (at != begin) body += ',';
    append_model(body, *found[at]);
  }
  body += "],\"success\":true,\"errors\":[],\"messages\":[],\"result_info\":{\"count\":";
  append_integer(body, end - begin);
  body += ",\"page\":";
  append_integer(body, page);
  body += ",\"per_page\":";
  append_integer(body, per_page);
  body += ",\"total_count\":";
  append_integer(body, found.size());
  body += "}}";
  return json_response(200, std::move(body));
}

}  // namespace selvedge::api
