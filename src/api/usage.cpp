// Usage: the sum of units and prices, and its text.
#include "api/usage.h"

#include <algorithm>

#include "api/json_writer.h"

namespace selvedge::api {

double neurons_of(const catalog::ModelEntry& entry, const inference::Usage& usage) {
  constexpr double kMillion = 1e6;
  const catalog::Prices& prices = entry.prices;
  const bool cheaper = prices.per_m_cached_input_tokens > 0;
  const auto cached = static_cast<double>(cheaper ? usage.cached_tokens : 0);
  const double read = static_cast<double>(usage.prompt_tokens) - cached;
  const double neurons = read * prices.per_m_input_tokens +
                         cached * prices.per_m_cached_input_tokens +
                         usage.completion_tokens * prices.per_m_output_tokens;
  return neurons / kMillion;
}

std::string neurons_text(double neurons) { return decimal_text(std::max(0.0, neurons), 6); }

void append_usage(std::string& json, const inference::Usage& usage, double neurons) {
  json += "{\"prompt_tokens\":";
  append_integer(json, usage.prompt_tokens);
  json += ",\"completion_tokens\":";
  append_integer(json, usage.completion_tokens);
  json += ",\"total_tokens\":";
  append_integer(json, usage.prompt_tokens + usage.completion_tokens);
  json += ",\"prompt_tokens_details\":{\"cached_tokens\":";
  append_integer(json, usage.cached_tokens);
  json += "},\"neurons\":";
  json += neurons_text(neurons);
  json += '}';
}

}  // namespace selvedge::api
