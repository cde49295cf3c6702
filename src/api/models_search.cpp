// Models search: filter, page, write.
#include "api/models_search.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "api/errors.h"
#include "api/json_writer.h"
#include "api/model_listing.h"
#include "catalog/task_names.h"

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

bool flag_value(const http::Request& request, std::string_view name) {
  const auto text = request.query_value(name);
  return text && (*text == "true" || *text == "1" || text->empty());
}

std::string lower(std::string_view text) {
  std::string low(text);
  for (char& c : low) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return low;
}

bool contains(std::string_view text, std::string_view part) {
  return lower(text).find(lower(part)) != std::string::npos;
}

std::int64_t now_seconds() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::floor<std::chrono::seconds>(now).count();
}

bool is_retired(const catalog::ModelEntry& entry) {
  return entry.deprecated && seconds_of_date(entry.deprecated_on) <= now_seconds();
}

// The hosted service shows a retired model for three months more, to those who ask.
bool is_hidden(const catalog::ModelEntry& entry, const Rules& rules, const http::Request& request) {
  if (rules.retired_models_served || !is_retired(entry)) return false;
  constexpr std::int64_t kShownSeconds = 92 * 86'400;
  if (!flag_value(request, "include_deprecated")) return true;
  return now_seconds() > seconds_of_date(entry.deprecated_on) + kShownSeconds;
}

bool wanted(const catalog::ModelEntry& entry, const http::Request& request) {
  const auto search = request.query_value("search");
  const auto task = request.query_value("task");
  const auto author = request.query_value("author");
  const auto source = request.query_value("source");
  if (search && !contains(entry.id, *search) && !contains(entry.description, *search)) return false;
  if (task && lower(*task) != lower(entry.task_name) && *task != entry.task_id) return false;
  if (author && lower(*author) != lower(author_of(entry.id))) return false;
  if (source && !source->empty() && *source != std::to_string(source_of(entry.id))) return false;
  const auto beta = std::find(entry.traits.begin(), entry.traits.end(), "beta");
  return beta == entry.traits.end() || !flag_value(request, "hide_experimental");
}

http::Response list_response(const std::string& items) { return envelope("[" + items + "]"); }

}  // namespace

http::Response models_search(const catalog::Catalog& catalog, const Rules& rules,
                             const http::Request& request) {
  std::vector<const catalog::ModelEntry*> found;
  for (const catalog::ModelEntry& entry : catalog.entries()) {
    if (wanted(entry, request) && !is_hidden(entry, rules, request)) found.push_back(&entry);
  }
  const std::size_t per_page = number_value(request, "per_page", kPerPageDefault, kPerPageMax);
  const std::size_t page = number_value(request, "page", 1, kPageMax);
  const std::size_t begin = std::min(found.size(), (page - 1) * per_page);
  const std::size_t end = std::min(found.size(), begin + per_page);
  const bool openrouter = request.query_value("format") == "openrouter";
  std::string body = "{\"result\":[";
  for (std::size_t at = begin; at < end; ++at) {
    if (at != begin) body += ',';
    if (openrouter) {
      append_openrouter_model(body, *found[at]);
    } else {
      append_model(body, *found[at], is_retired(*found[at]));
    }
  }
  body += "],\"success\":true,\"errors\":[],\"messages\":[],\"result_info\":{\"count\":";
  append_integer(body, end - begin);
  body += ",\"page\":";
  append_integer(body, page);
  body += ",\"per_page\":";
  append_integer(body, per_page);
  body += ",\"total_count\":";
  append_integer(body, found.size());
  body += ",\"total_pages\":";
  append_integer(body, (found.size() + per_page - 1) / per_page);
  body += "}}";
  return json_response(200, std::move(body));
}

http::Response authors_search(const catalog::Catalog& catalog) {
  std::set<std::string_view> names;
  for (const catalog::ModelEntry& entry : catalog.entries()) {
    if (const auto name = author_of(entry.id); !name.empty()) names.insert(name);
  }
  std::string items;
  for (const std::string_view name : names) {
    items += items.empty() ? "{\"id\":" : ",{\"id\":";
    append_string(items, name);
    items += ",\"name\":";
    append_string(items, name);
    items += '}';
  }
  return list_response(items);
}

http::Response tasks_search(const catalog::Catalog& catalog) {
  std::map<std::string_view, const catalog::ModelEntry*> by_name;
  for (const catalog::ModelEntry& entry : catalog.entries()) {
    if (!entry.task_id.empty()) by_name.emplace(entry.task_name, &entry);
  }
  std::string items;
  for (const auto& [name, entry] : by_name) {
    items += items.empty() ? "{\"id\":" : ",{\"id\":";
    append_string(items, entry->task_id);
    items += ",\"name\":";
    append_string(items, name);
    items += ",\"description\":";
    append_string(items, catalog::task_description(entry->task));
    items += '}';
  }
  return list_response(items);
}

}  // namespace selvedge::api
