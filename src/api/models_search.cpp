// Models search: filter, page, write.
#include "api/models_search.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "api/errors.h"
#include "api/json_writer.h"
#include "api/model_listing.h"
#include "api/page.h"
#include "catalog/task_names.h"

namespace selvedge::api {
namespace {

constexpr std::size_t kPerPageDefault = 50;

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
  for (const catalog::ModelEntry* entry : catalog.all_entries()) {
    if (wanted(*entry, request) && !is_hidden(*entry, rules, request)) found.push_back(entry);
  }
  const bool openrouter = request.query_value("format") == "openrouter";
  const auto append = [&](std::string& json, std::size_t at) {
    if (openrouter) return append_openrouter_model(json, *found[at]);
    append_model(json, *found[at], is_retired(*found[at]));
  };
  return page_envelope(read_page(request, kPerPageDefault), found.size(), append);
}

http::Response authors_search(const catalog::Catalog& catalog) {
  std::set<std::string_view> names;
  for (const catalog::ModelEntry* entry : catalog.all_entries()) {
    if (const auto name = author_of(entry->id); !name.empty()) names.insert(name);
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
