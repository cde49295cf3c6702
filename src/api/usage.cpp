// Usage: the sum of units and prices, and its text.
#include "api/usage.h"

#include <algorithm>

#include "api/json_writer.h"

namespace selvedge::api {

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
