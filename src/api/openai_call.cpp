// OpenAI call: the fields that both kinds of completion share.
#include "api/openai_call.h"

#include <charconv>
#include <limits>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/limits.h"

namespace selvedge::api {
namespace {

using nlohmann::json;

constexpr std::int64_t kTokensMax = 1'048'576;
constexpr std::int32_t kPlainTokensMax = 2'048;
constexpr std::int64_t kChoicesMax = 8;
constexpr std::size_t kStopsMax = 4;  // OpenAI's.
constexpr std::size_t kStopBytesMax = 1'024;
constexpr std::size_t kBiasesMax = 1'024;

void read_stop(OpenAiFields& fields, std::vector<std::string>& stops) {
  const json* stop = fields.find("stop");
  if (stop == nullptr) return;
  const auto add = [&](const json& one, const std::string& path) {
    if (!one.is_string()) return fields.fail_type(path, "a string", one);
    const auto& text = one.get_ref<const std::string&>();
    if (text.size() > kStopBytesMax) {
      return fields.fail(path,
                         "Invalid '" + path +
                             "': string too long. Expected a string with maximum " + "length " +
                             std::to_string(kStopBytesMax) + ", but got a string with length " +
                             std::to_string(text.size()) + " instead.",
                         "string_above_max_length");
    }
    stops.push_back(text);
  };
  if (stop->is_string()) return add(*stop, "stop");
  if (!stop->is_array()) {
    return fields.fail_type("stop", "one of a string or array of strings", *stop);
  }
  if (stop->size() > kStopsMax) {
    return fields.fail("stop",
                       "Invalid 'stop': array too long. Expected an array with maximum length 4, "
                       "but got an array with length " +
                           std::to_string(stop->size()) + " instead.",
                       "array_above_max_length");
  }
  for (std::size_t at = 0; at < stop->size(); ++at) add((*stop)[at], item_path("stop", at));
}

void read_logit_bias(OpenAiFields& fields, std::vector<wire::TokenBias>& biases) {
  const json* map = fields.find("logit_bias");
  if (map == nullptr) return;
  if (!map->is_object()) return fields.fail_type("logit_bias", "an object", *map);
  if (map->size() > kBiasesMax) {
    return fields.fail("logit_bias",
                       "Invalid 'logit_bias': object has too many properties. Expected at most " +
                           std::to_string(kBiasesMax) + ".",
                       "object_above_max_properties");
  }
  for (const auto& [key, value] : map->items()) {
    wire::TokenBias bias;
    const char* end = key.data() + key.size();
    const auto read = std::from_chars(key.data(), end, bias.token);
    if (read.ec != std::errc() || read.ptr != end || bias.token < 0) {
      return fields.fail("logit_bias",
                         "Invalid 'logit_bias': every key must be the number of a token.",
                         "invalid_value");
    }
    if (!value.is_number()) return fields.fail_type("logit_bias." + key, "a decimal", value);
    const double amount = value.get<double>();
    if (!(amount >= -100 && amount <= 100)) {
      return fields.fail("logit_bias." + key,
                         "Invalid 'logit_bias." + key + "': expected a value from -100 to 100.",
                         amount > 0 ? "decimal_above_max_value" : "decimal_below_min_value");
    }
    bias.bias = static_cast<float>(amount);
    biases.push_back(bias);
  }
}

void read_length(OpenAiFields& fields, const OpenAiDefaults& defaults,
                 inference::GenerateTask& task) {
  const auto older = fields.integer("max_tokens", 1, kTokensMax);
  const auto newer = fields.integer("max_completion_tokens", 1, kTokensMax);
  if (older && newer) {
    fields.fail("max_tokens",
                "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not "
                "supported.",
                "invalid_parameter_combination");
  }
  const auto asked = newer ? newer : older;
  task.cut_to_window = !asked;
  task.tokens_max = static_cast<std::int32_t>(asked.value_or(defaults.tokens_max));
}

void read_stream(OpenAiFields& fields, OpenAiCall& call) {
  call.stream = fields.boolean("stream").value_or(false);
  const json* options = fields.find("stream_options");
  if (options == nullptr) return;
  if (!options->is_object()) return fields.fail_type("stream_options", "an object", *options);
  if (!call.stream) {
    return fields.fail("stream_options",
                       "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
                       "");
  }
  const auto include = options->find("include_usage");
  if (include == options->end() || include->is_null()) return;
  if (!include->is_boolean()) {
    return fields.fail_type("stream_options.include_usage", "a boolean", *include);
  }
  call.include_usage = include->get<bool>();
}

// Cloudflare's own extension.
void read_options(OpenAiFields& fields, inference::GenerateTask& task) {
  const json* options = fields.find("options");
  if (options == nullptr) return;
  if (!options->is_object()) return fields.fail_type("options", "an object", *options);
  const auto reject = options->find("rejectIfBusy");
  if (reject == options->end() || reject->is_null()) return;
  if (!reject->is_boolean()) return fields.fail_type("options.rejectIfBusy", "a boolean", *reject);
  task.refuse_when_busy = reject->get<bool>();
}

}  // namespace

OpenAiDefaults hosted_openai_defaults(const Rules& rules) {
  return {limits::max_tokens_default, rules.content_may_lack, rules.openai_content_chars_max};
}

OpenAiDefaults plain_openai_defaults(const Rules& rules) {
  OpenAiDefaults defaults = hosted_openai_defaults(rules);
  defaults.tokens_max =
      rules.openai_tokens_default > 0 ? rules.openai_tokens_default : kPlainTokensMax;
  return defaults;
}

void read_openai_sampling(OpenAiFields& fields, wire::Sampling& sampling) {
  const wire::Sampling defaults;
  sampling.temperature = fields.number("temperature", 0, 2).value_or(defaults.temperature);
  sampling.top_p = fields.number("top_p", 0, 1).value_or(defaults.top_p);
  sampling.frequency_penalty = fields.number("frequency_penalty", -2, 2).value_or(0);
  sampling.presence_penalty = fields.number("presence_penalty", -2, 2).value_or(0);
  // Not OpenAI's, but what its other servers take.
  const auto top_k = fields.integer("top_k", 0, std::numeric_limits<std::int32_t>::max());
  sampling.top_k = static_cast<std::int32_t>(top_k.value_or(defaults.top_k));
  sampling.repetition_penalty = fields.number("repetition_penalty", 0, 2).value_or(1);
  const auto seed = fields.integer("seed", std::numeric_limits<std::int64_t>::min(),
                                   std::numeric_limits<std::int64_t>::max());
  sampling.has_seed = seed.has_value();
  sampling.seed = static_cast<std::uint64_t>(seed.value_or(0));
  read_logit_bias(fields, sampling.logit_bias);
}

void read_openai_call(OpenAiFields& fields, const OpenAiDefaults& defaults, OpenAiCall& call,
                      inference::GenerateTask& task) {
  call.model = fields.text("model").value_or("");
  call.choices_per_prompt =
      static_cast<std::size_t>(fields.integer("n", 1, kChoicesMax).value_or(1));
  read_stream(fields, call);
  read_length(fields, defaults, task);
  read_stop(fields, task.stop);
  read_openai_sampling(fields, task.sampling);
  call.lora = fields.text("lora").value_or("");  // Cloudflare's own, too.
  read_options(fields, task);
}

void add_choices(OpenAiCall& call, const inference::GenerateTask& task) {
  for (std::size_t at = 0; at < call.choices_per_prompt; ++at) {
    call.tasks.push_back(task);
    call.tasks.back().sampling.seed += at;
  }
}

}  // namespace selvedge::api
