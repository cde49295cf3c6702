// Embedding: validation and the reply.
#include "api/embedding.h"

#include <span>
#include <utility>

#include <nlohmann/json.hpp>

#include "api/input_check.h"
#include "api/json_writer.h"
#include "base/limits.h"

namespace selvedge::api {
namespace {

using nlohmann::json;

constexpr std::size_t kFloatBytes = 13;  // About what one value takes as text, with its comma.

Status add_text(const json& text, const std::string& path, std::vector<std::string>& texts) {
  if (!text.is_string()) return type_mismatch(path, "string", text);
  const auto& value = text.get_ref<const std::string&>();
  SEL_CHECK_OK(check_length(path, value, 1, limits::prompt_chars_max));
  texts.push_back(value);
  return ok_status();
}

Status parse_texts(const json& text, std::vector<std::string>& texts) {
  if (text.is_string()) return add_text(text, "/text", texts);
  if (!text.is_array()) {
    return Error{Code::invalid_input, "oneOf at '/text' not met, 0 matches: " +
                                          type_mismatch("/text", "string", text).message + ", " +
                                          type_mismatch("/text", "array", text).message};
  }
  if (text.empty()) return Error{Code::invalid_input, "Length of '/text' must be >= 1 not met"};
  if (text.size() > limits::embed_texts_max) {
    return Error{Code::invalid_input, "Length of '/text' must be <= " +
                                          std::to_string(limits::embed_texts_max) + " not met"};
  }
  texts.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    SEL_CHECK_OK(add_text(text[at], "/text/" + std::to_string(at), texts));
  }
  return ok_status();
}

Result<wire::Pooling> parse_pooling(const json& input) {
  const auto pooling = input.find("pooling");
  if (pooling == input.end() || pooling->is_null()) return wire::Pooling::mean;
  if (!pooling->is_string()) return type_mismatch("/pooling", "string", *pooling);
  const auto& name = pooling->get_ref<const std::string&>();
  if (name == "mean") return wire::Pooling::mean;
  if (name == "cls") return wire::Pooling::cls;
  return not_in_enum("/pooling", name, "mean,cls");
}

}  // namespace

Result<inference::EmbedTask> parse_embed(const json& input) {
  const auto text = input.find("text");
  if (text == input.end()) return required_missing("/", "text");
  inference::EmbedTask task;
  SEL_CHECK_OK(parse_texts(*text, task.texts));
  SEL_TRY(pooling, parse_pooling(input));
  task.pooling = pooling;
  return task;
}

std::string embed_result(const inference::Embeddings& embeddings, wire::Pooling pooling) {
  const auto dimensions = static_cast<std::size_t>(embeddings.dimensions);
  const std::size_t rows = dimensions == 0 ? 0 : embeddings.values.size() / dimensions;
  std::string result;
  result.reserve(embeddings.values.size() * kFloatBytes + 64);
  result += "{\"shape\":[";
  append_integer(result, rows);
  result += ',';
  append_integer(result, dimensions);
  result += "],\"data\":[";
  const std::span<const float> values(embeddings.values);
  for (std::size_t row = 0; row < rows; ++row) {
    if (row != 0) result += ',';
    append_floats(result, values.subspan(row * dimensions, dimensions));
  }
  result += "],\"pooling\":\"";
  result += pooling == wire::Pooling::cls ? "cls" : "mean";
  result += "\"}";
  return result;
}

}  // namespace selvedge::api
