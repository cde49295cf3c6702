// Model listing: properties, prices and their units.
#include "api/model_listing.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <utility>
#include <vector>

#include "api/json_writer.h"
#include "catalog/task_names.h"

namespace selvedge::api {
namespace {

// Workers AI's price of a neuron. Source: developers.cloudflare.com/workers-ai/platform/pricing.
constexpr double kDollarsPerNeuron = 0.011 / 1000;
constexpr double kMillion = 1e6;

constexpr std::pair<std::string_view, std::string_view> kUnits[] = {
    {"per_m_input_tokens", "per M input tokens"},
    {"per_m_output_tokens", "per M output tokens"},
    {"per_m_cached_input_tokens", "per M cached input tokens"},
    {"per_audio_minute", "per audio minute"},
    {"per_audio_minute_websocket", "per audio minute (websocket)"},
    {"per_1k_characters", "per 1k characters"},
    {"per_step", "per step"},
    {"per_512_tile", "per 512 by 512 tile"},
    {"per_input_512_tile", "per input 512 by 512 tile"},
    {"per_output_512_tile", "per output 512 by 512 tile"},
    {"per_input_512_tile_step", "per input 512 by 512 tile, per step"},
    {"per_output_512_tile_step", "per output 512 by 512 tile, per step"},
    {"first_megapixel", "first megapixel"},
    {"per_next_megapixel", "per subsequent megapixel"},
    {"per_input_megapixel", "per input megapixel"},
    {"per_m_images", "per M images"},
};

std::string unit_text(std::string_view unit) {
  for (const auto& [known, text] : kUnits) {
    if (known == unit) return std::string(text);
  }
  std::string text(unit);
  std::replace(text.begin(), text.end(), '_', ' ');
  return text;
}

// Three decimals as Cloudflare prints them, or three digits of what is smaller.
std::string dollars_text(double dollars) {
  const bool small = dollars > 0 && dollars < 0.01;
  return decimal_text(
      dollars, small ? std::min(12, 2 - static_cast<int>(std::floor(std::log10(dollars)))) : 3);
}

// A price a token as OpenRouter writes it.
std::string token_price(double neurons_per_million) {
  return decimal_text(neurons_per_million * kDollarsPerNeuron / kMillion, 12);
}

void begin_property(std::string& json, std::string_view id) {
  if (json.back() != '[') json += ',';
  json += "{\"property_id\":";
  append_string(json, id);
  json += ",\"value\":";
}

void append_property(std::string& json, std::string_view id, std::string_view value) {
  begin_property(json, id);
  append_string(json, value);
  json += '}';
}

void append_price(std::string& json, const catalog::Prices& prices) {
  if (prices.units.empty()) return;
  begin_property(json, "price");
  json += '[';
  for (const catalog::UnitPrice& price : prices.units) {
    if (json.back() != '[') json += ',';
    json += "{\"unit\":";
    append_string(json, unit_text(price.unit));
    json += ",\"price\":";
    json += dollars_text(price.neurons * kDollarsPerNeuron);
    json += ",\"currency\":\"USD\"}";
  }
  json += "]}";
}

bool has_trait(const catalog::ModelEntry& entry, std::string_view trait) {
  return std::find(entry.traits.begin(), entry.traits.end(), trait) != entry.traits.end();
}

void append_properties(std::string& json, const catalog::ModelEntry& entry) {
  const bool embeds = entry.task == catalog::Task::text_embeddings;
  json += '[';
  if (entry.context_tokens > 0) {
    append_property(json, embeds ? "max_input_tokens" : "context_window",
                    std::to_string(entry.context_tokens));
  }
  if (entry.output_dimensions > 0) {
    append_property(json, "output_dimensions", std::to_string(entry.output_dimensions));
  }
  if (entry.function_calling) append_property(json, "function_calling", "true");
  if (entry.lora) append_property(json, "lora", "true");
  for (const std::string& trait : entry.traits) {
    append_property(json, trait == "paid_plan_only" ? "require_workers_paid" : trait, "true");
  }
  if (!entry.deprecated_on.empty()) {
    append_property(json, "planned_deprecation_date", entry.deprecated_on);
  }
  append_price(json, entry.prices);
  json += ']';
}

void append_list(std::string& json, const std::vector<std::string_view>& values) {
  json += '[';
  for (const std::string_view value : values) {
    if (json.back() != '[') json += ',';
    append_string(json, value);
  }
  json += ']';
}

struct Modalities {
  std::vector<std::string_view> input = {"text"};
  std::vector<std::string_view> output = {"text"};
};

Modalities modalities_of(const catalog::ModelEntry& entry) {
  using catalog::Task;
  Modalities found;
  switch (entry.task) {
    case Task::text_embeddings:
      found.output = {"embeddings"};
      break;
    case Task::automatic_speech_recognition:
    case Task::voice_activity_detection:
      found.input = {"audio"};
      break;
    case Task::text_to_speech:
      found.output = {"audio"};
      break;
    case Task::text_to_image:
      found.output = {"image"};
      break;
    case Task::image_to_text:
    case Task::image_classification:
    case Task::object_detection:
      found.input = {"image"};
      break;
    default:
      if (has_trait(entry, "vision")) found.input.push_back("image");
  }
  return found;
}

void append_openrouter_pricing(std::string& json, const catalog::Prices& prices) {
  json += "{\"prompt\":";
  append_string(json, token_price(prices.per_m_input_tokens));
  json += ",\"completion\":";
  append_string(json, token_price(prices.per_m_output_tokens));
  if (prices.per_m_cached_input_tokens > 0) {
    json += ",\"input_cache_read\":";
    append_string(json, token_price(prices.per_m_cached_input_tokens));
  }
  json += '}';
}

}  // namespace

std::string_view author_of(std::string_view id) {
  const std::size_t begin = id.find('/');
  if (begin == std::string_view::npos) return {};
  const std::size_t end = id.find('/', begin + 1);
  return end == std::string_view::npos ? std::string_view() : id.substr(begin + 1, end - begin - 1);
}

std::int64_t seconds_of_date(std::string_view date) {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  const std::string text(date.substr(0, 10));
  if (std::sscanf(text.c_str(), "%4d-%2u-%2u", &year, &month, &day) != 3) return 0;
  const std::chrono::year_month_day found{std::chrono::year(year), std::chrono::month(month),
                                          std::chrono::day(day)};
  if (!found.ok()) return 0;
  return std::chrono::seconds(std::chrono::sys_days(found).time_since_epoch()).count();
}

int source_of(std::string_view id) { return id.starts_with("@hf/") ? 2 : 1; }

void append_model(std::string& json, const catalog::ModelEntry& entry, bool retired) {
  json += "{\"id\":";
  append_string(json, entry.uuid);
  json += ",\"source\":";
  append_integer(json, source_of(entry.id));
  json += ",\"name\":";
  append_string(json, entry.id);
  json += ",\"description\":";
  append_string(json, entry.description);
  json += ",\"task\":{\"id\":";
  append_string(json, entry.task_id);
  json += ",\"name\":";
  append_string(json, entry.task_name);
  json += ",\"description\":";
  append_string(json, catalog::task_description(entry.task));
  json += "},\"tags\":[],\"properties\":";
  append_properties(json, entry);
  if (!entry.created_at.empty()) {
    json += ",\"created_at\":";
    append_string(json, entry.created_at);
  }
  if (retired) json += ",\"deprecated\":true";
  json += '}';
}

void append_openrouter_model(std::string& json, const catalog::ModelEntry& entry) {
  const bool generates = entry.task == catalog::Task::text_generation;
  const Modalities modalities = modalities_of(entry);
  json += "{\"id\":";
  append_string(json, entry.id);
  json += ",\"name\":";
  append_string(json, entry.id.substr(entry.id.rfind('/') + 1));
  json += ",\"created\":";
  append_integer(json, seconds_of_date(entry.created_at));  // 0: not known.
  json += ",\"hugging_face_id\":";
  if (entry.weights.empty()) {
    json += "null";
  } else {
    append_string(json, entry.weights);
  }
  json += ",\"context_length\":";
  append_integer(json, entry.context_tokens);
  json += ",\"max_output_length\":null,\"input_modalities\":";
  append_list(json, modalities.input);
  json += ",\"output_modalities\":";
  append_list(json, modalities.output);
  json += ",\"pricing\":";
  append_openrouter_pricing(json, entry.prices);
  std::vector<std::string_view> features;
  if (entry.function_calling) features.push_back("tools");
  if (has_trait(entry, "reasoning")) features.push_back("reasoning");
  json += ",\"supported_features\":";
  append_list(json, features);
  json += ",\"supported_sampling_parameters\":";
  if (generates) {
    append_list(json, {"temperature", "top_p", "top_k", "seed", "repetition_penalty",
                       "frequency_penalty", "presence_penalty", "max_tokens"});
  } else {
    json += "[]";
  }
  json += '}';
}

}  // namespace selvedge::api
