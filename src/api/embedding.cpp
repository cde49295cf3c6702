// Embedding: the forms of inputs, and the replies.
#include "api/embedding.h"

#include <algorithm>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "api/input_check.h"
#include "api/json_reader.h"
#include "api/json_writer.h"
#include "base/limits.h"

namespace selvedge::api {
namespace {

using nlohmann::json;

constexpr std::size_t kFloatBytes = 13;  // About what one value takes as text, with its comma.

// A text, a list of texts, or a list of {"text"}.
void add_texts(const json& value, std::vector<std::string>& texts) {
  if (value.is_string()) {
    texts.push_back(value.get<std::string>());
    return;
  }
  for (const json& item : value) {
    texts.push_back(item.is_object() ? item.at("text").get<std::string>()
                                     : item.get<std::string>());
  }
}

void add_field(const json& input, const char* name, std::vector<std::string>& texts) {
  const auto value = input.find(name);
  if (value != input.end() && !value->is_null()) add_texts(*value, texts);
}

// How Qwen's embedding models were trained to see a question (model card of Qwen3-Embedding).
void add_queries(const json& input, std::vector<std::string>& texts) {
  const std::size_t begin = texts.size();
  add_field(input, "queries", texts);
  const auto instruction = input.find("instruction");
  if (instruction == input.end() || !instruction->is_string()) return;
  const std::string before = "Instruct: " + instruction->get<std::string>() + "\nQuery:";
  for (std::size_t at = begin; at < texts.size(); ++at) texts[at].insert(0, before);
}

EmbedForm form_of(const json& input, std::string_view id) {
  if (present(input, "contexts") != nullptr) {
    return present(input, "query") != nullptr ? EmbedForm::scores : EmbedForm::contexts;
  }
  return id.find("/bge-") == id.npos ? EmbedForm::plain : EmbedForm::pooled;
}

void append_rows(std::string& result, const inference::Embeddings& embeddings, std::size_t rows) {
  const auto dimensions = static_cast<std::size_t>(embeddings.dimensions);
  const std::span<const float> values(embeddings.values);
  result += '[';
  for (std::size_t row = 0; row < rows; ++row) {
    if (row != 0) result += ',';
    append_floats(result, values.subspan(row * dimensions, dimensions));
  }
  result += ']';
}

// Rows have length 1, so that the product of two is their cosine. Row 0 is the query's.
std::string scores_result(const inference::Embeddings& embeddings, std::size_t rows) {
  const auto dimensions = static_cast<std::size_t>(embeddings.dimensions);
  const std::span<const float> values(embeddings.values);
  std::vector<float> scores;
  for (std::size_t row = 1; row < rows; ++row) {
    const auto context = values.subspan(row * dimensions, dimensions);
    scores.push_back(std::inner_product(context.begin(), context.end(), values.begin(), 0.0F));
  }
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](auto a, auto b) { return scores[a] > scores[b]; });
  std::string result = "{\"response\":[";
  for (const std::size_t at : order) {
    if (result.back() != '[') result += ',';
    result += "{\"id\":";
    append_integer(result, at);
    result += ",\"score\":";
    append_float(result, scores[at]);
    result += '}';
  }
  result += "]}";
  return result;
}

}  // namespace

Result<EmbedCall> parse_embed(const json& input, std::string_view id) {
  EmbedCall call;
  call.form = form_of(input, id);
  std::vector<std::string>& texts = call.task.texts;
  if (call.form == EmbedForm::scores) add_field(input, "query", texts);
  if (call.form == EmbedForm::scores || call.form == EmbedForm::contexts) {
    add_field(input, "contexts", texts);
  } else {
    add_queries(input, texts);
    add_field(input, "documents", texts);
    add_field(input, "text", texts);
  }
  const std::size_t most = limits::embed_texts_max + (call.form == EmbedForm::scores ? 1 : 0);
  SEL_CHECK_OK(check_count("/", texts.size(), 1, most));
  const auto pooling = input.find("pooling");
  if (pooling != input.end() && *pooling == "cls") call.task.pooling = wire::Pooling::cls;
  return call;
}

std::string embed_result(const inference::Embeddings& embeddings, EmbedForm form,
                         wire::Pooling pooling) {
  const auto dimensions = static_cast<std::size_t>(embeddings.dimensions);
  const std::size_t rows = dimensions == 0 ? 0 : embeddings.values.size() / dimensions;
  if (form == EmbedForm::scores) return scores_result(embeddings, rows);
  std::string shape = "\"shape\":[";
  append_integer(shape, rows);
  shape += ',';
  append_integer(shape, dimensions);
  shape += ']';
  std::string result;
  result.reserve(embeddings.values.size() * kFloatBytes + 64);
  result += '{';
  if (form == EmbedForm::pooled) result += shape + ',';
  result += form == EmbedForm::contexts ? "\"response\":" : "\"data\":";
  append_rows(result, embeddings, rows);
  if (form != EmbedForm::pooled) result += ',' + shape;
  if (form != EmbedForm::plain) {
    result += ",\"pooling\":\"";
    result += pooling == wire::Pooling::cls ? "cls" : "mean";
    result += '"';
  }
  result += '}';
  return result;
}

}  // namespace selvedge::api
