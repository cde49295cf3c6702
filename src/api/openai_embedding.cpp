// OpenAI embedding: texts in, numbers or base64 out.
#include "api/openai_embedding.h"

#include <bit>
#include <span>
#include <utility>

#include <nlohmann/json.hpp>

#include "api/json_writer.h"
#include "api/usage.h"
#include "base/base64.h"
#include "base/limits.h"

namespace selvedge::api {
namespace {

using nlohmann::json;

constexpr std::int64_t kDimensionsMax = 65'536;

static_assert(std::endian::native == std::endian::little, "base64 holds floats as they lie here");

void add_text(OpenAiFields& fields, const json& text, const std::string& path,
              std::vector<std::string>& texts) {
  if (text.is_number() || text.is_array()) {
    return fields.fail(path,
                       "Invalid '" + path +
                           "': input of token numbers is not supported with this "
                           "model; send text.",
                       "unsupported_value");
  }
  if (!text.is_string()) return fields.fail_type(path, "a string", text);
  const auto& value = text.get_ref<const std::string&>();
  if (value.empty()) {
    return fields.fail(path, "Invalid '" + path + "': input cannot be an empty string.",
                       "empty_string");
  }
  if (value.size() > limits::prompt_chars_max * 4) {
    return fields.fail(path, "Invalid '" + path + "': string too long.", "string_above_max_length");
  }
  texts.push_back(value);
}

void read_input(OpenAiFields& fields, std::size_t texts_max, std::vector<std::string>& texts) {
  const json* input = fields.find("input");
  if (input == nullptr) return fields.fail_missing("input");
  if (input->is_string()) return add_text(fields, *input, "input", texts);
  if (!input->is_array()) {
    return fields.fail_type("input", "one of a string or array of strings", *input);
  }
  if (input->empty()) {
    return fields.fail("input", "Invalid 'input': input cannot be an empty array.", "empty_array");
  }
  if (input->size() > texts_max && (*input)[0].is_string()) {
    return fields.fail("input",
                       "Invalid 'input': array too long. Expected an array with maximum length " +
                           std::to_string(texts_max) + ", but got an array with length " +
                           std::to_string(input->size()) + " instead.",
                       "array_above_max_length");
  }
  texts.reserve(input->size());
  for (std::size_t at = 0; at < input->size() && fields.ok(); ++at) {
    add_text(fields, (*input)[at], item_path("input", at), texts);
  }
}

}  // namespace

OpenAiParsed<OpenAiEmbedCall> parse_openai_embed(const json& body, const Rules& rules) {
  OpenAiFields fields(body);
  OpenAiEmbedCall call;
  if (fields.find("model") == nullptr) fields.fail_missing("model");
  call.model = fields.text("model").value_or("");
  read_input(fields, rules.openai_embed_texts_max, call.task.texts);
  const std::string format = fields.text("encoding_format").value_or("float");
  call.base64 = format == "base64";
  if (!call.base64 && format != "float") {
    fields.fail("encoding_format",
                "Invalid value: '" + format.substr(0, 32) +
                    "'. Supported values are: 'float' and 'base64'.",
                "invalid_value");
  }
  call.dimensions = fields.integer("dimensions", 1, kDimensionsMax);
  if (fields.fault()) return *fields.fault();
  return call;
}

std::string openai_embed_result(const inference::Embeddings& embeddings,
                                const OpenAiEmbedCall& call, double neurons) {
  const auto dimensions = static_cast<std::size_t>(embeddings.dimensions);
  const std::size_t rows = dimensions == 0 ? 0 : embeddings.values.size() / dimensions;
  const std::span<const float> values(embeddings.values);
  std::string json_text;
  json_text.reserve(embeddings.values.size() * (call.base64 ? 6 : 13) + 256);
  json_text += "{\"object\":\"list\",\"data\":[";
  for (std::size_t row = 0; row < rows; ++row) {
    if (row != 0) json_text += ',';
    json_text += "{\"object\":\"embedding\",\"index\":";
    append_integer(json_text, row);
    json_text += ",\"embedding\":";
    const auto vector = values.subspan(row * dimensions, dimensions);
    if (call.base64) {
      json_text += '"';
      append_base64(json_text, std::as_bytes(vector));
      json_text += '"';
    } else {
      append_floats(json_text, vector);
    }
    json_text += '}';
  }
  json_text += "],\"model\":";
  append_string(json_text, call.model);
  json_text += ",\"usage\":{\"prompt_tokens\":";
  append_integer(json_text, embeddings.usage.prompt_tokens);
  json_text += ",\"total_tokens\":";
  append_integer(json_text, embeddings.usage.prompt_tokens);
  json_text += ",\"neurons\":";
  json_text += neurons_text(neurons);
  json_text += "}}";
  return json_text;
}

}  // namespace selvedge::api
