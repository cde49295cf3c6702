// OpenAI models: the catalogue in OpenAI's form.
#include "api/openai_models.h"

#include <chrono>
#include <cstdio>

#include "api/json_writer.h"
#include "base/utf8.h"

namespace selvedge::api {
namespace {

constexpr std::size_t kNameShownBytes = 128;

bool served_task(const catalog::ModelEntry& entry) {
  return entry.task == catalog::Task::text_generation ||
         entry.task == catalog::Task::text_embeddings ||
         entry.task == catalog::Task::automatic_speech_recognition || catalog::is_reranker(entry);
}

// Seconds since 1970 of the day that `text` begins with; 0 when it begins with none.
std::int64_t day_of(const std::string& text) {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  if (std::sscanf(text.c_str(), "%4d-%2u-%2u", &year, &month, &day) != 3) return 0;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (!date.ok()) return 0;
  const std::chrono::sys_seconds begin = std::chrono::sys_days(date);
  return begin.time_since_epoch().count();
}

// "@cf/meta/llama-3-8b-instruct" -> "meta"
std::string_view owner_of(std::string_view id) {
  const std::size_t begin = id.find('/');
  if (!id.starts_with('@')) return begin == id.npos ? "selvedge" : id.substr(0, begin);
  if (begin == id.npos) return "cloudflare";
  return id.substr(begin + 1, id.find('/', begin + 1) - begin - 1);
}

void append_model(std::string& json, const catalog::ModelEntry& entry, std::string_view id) {
  json += "{\"id\":";
  append_string(json, id);
  json += ",\"object\":\"model\",\"created\":";
  append_integer(json, day_of(entry.created_at));
  json += ",\"owned_by\":";
  append_string(json, owner_of(id));
  json += '}';
}

Error not_found(std::string_view name) {
  std::string message = "The model `";
  message += name.substr(0, utf8::floor_boundary(name, kNameShownBytes));
  message += "` does not exist or you do not have access to it.";
  return Error{Code::model_not_found, std::move(message)};
}

std::string id_of(const ApiContext& context, std::string_view name) {
  return context.rules.model_names_exact ? std::string(name) : cloudflare_model_id(name);
}

Result<const catalog::ModelEntry*> find_entry(const ApiContext& context, std::string_view name) {
  auto found = context.catalog.find(id_of(context, name));
  if (!found.ok()) {
    if (found.error().code == Code::model_not_found) return not_found(name);
    return found.error();
  }
  const catalog::ModelEntry* entry = found.value();
  if (entry->deprecated && !context.rules.retired_models_served) {
    return Error{Code::model_deprecated, "The model `" + entry->id + "` has been deprecated."};
  }
  return entry;
}

}  // namespace

std::string cloudflare_model_id(std::string_view name) {
  constexpr std::string_view kProvider = "workers-ai/";
  if (name.starts_with(kProvider)) name.remove_prefix(kProvider.size());
  const bool bare = name.starts_with("cf/") || name.starts_with("hf/");
  return bare ? "@" + std::string(name) : std::string(name);
}

std::string openai_model_list(const ApiContext& context) {
  std::string json = "{\"object\":\"list\",\"data\":[";
  bool first = true;
  for (const catalog::ModelEntry* entry : context.catalog.all_entries()) {
    if (!served_task(*entry) || !find_entry(context, entry->id).ok()) continue;
    if (!context.catalog.resolve(entry->id).ok()) continue;
    if (!first) json += ',';
    first = false;
    append_model(json, *entry, entry->id);
  }
  json += "]}";
  return json;
}

Result<std::string> openai_model(const ApiContext& context, std::string_view name) {
  SEL_TRY(entry, find_entry(context, name));
  SEL_TRY(resolved, context.catalog.resolve(id_of(context, name)));
  std::string json;
  append_model(json, *entry, resolved.requested);
  return json;
}

Result<catalog::Resolved> resolve_openai_model(const ApiContext& context, std::string_view name,
                                               catalog::Task task) {
  SEL_TRY(entry, find_entry(context, name));
  if (entry->task != task) {
    return Error{Code::model_unsupported, "The model `" + entry->id + "` is for " +
                                              entry->task_name +
                                              " and thus not supported by this endpoint."};
  }
  return context.catalog.resolve(id_of(context, name));
}

}  // namespace selvedge::api
