// OpenAI rerank: documents in, an order out.
#include "api/openai_rerank.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "api/json_writer.h"
#include "api/usage.h"
#include "base/limits.h"

namespace selvedge::api {
namespace {

using nlohmann::json;

void read_documents(OpenAiFields& fields, std::vector<std::string>& texts) {
  const json* documents = fields.find("documents");
  if (documents == nullptr) return fields.fail_missing("documents");
  if (!documents->is_array()) {
    return fields.fail_type("documents", "an array of strings or objects", *documents);
  }
  if (documents->empty() || documents->size() > limits::rank_texts_max) {
    return fields.fail("documents",
                       "Invalid 'documents': expected an array of 1 to " +
                           std::to_string(limits::rank_texts_max) +
                           " items, but got an array with length " +
                           std::to_string(documents->size()) + " instead.",
                       documents->empty() ? "empty_array" : "array_above_max_length");
  }
  for (std::size_t at = 0; at < documents->size() && fields.ok(); ++at) {
    const json& document = (*documents)[at];
    const json* text = &document;
    std::string path = item_path("documents", at);
    if (document.is_object()) {
      path += ".text";
      const auto found = document.find("text");
      if (found == document.end()) return fields.fail_missing(path);
      text = &*found;
    }
    if (!text->is_string()) return fields.fail_type(path, "a string", *text);
    texts.push_back(text->get<std::string>());
  }
}

}  // namespace

OpenAiParsed<OpenAiRerankCall> parse_openai_rerank(const json& body) {
  OpenAiFields fields(body);
  OpenAiRerankCall call;
  for (const char* name : {"model", "query"}) {
    if (fields.find(name) == nullptr) fields.fail_missing(name);
  }
  call.model = fields.text("model").value_or("");
  call.task.query = fields.text("query").value_or("");
  if (fields.ok() && call.task.query.empty()) {
    fields.fail("query", "Invalid 'query': input cannot be an empty string.", "empty_string");
  }
  read_documents(fields, call.task.texts);
  const auto top_n = fields.integer("top_n", 1, std::int64_t{limits::rank_texts_max});
  if (top_n) call.top_n = static_cast<std::size_t>(*top_n);
  call.return_documents = fields.boolean("return_documents").value_or(false);
  if (fields.fault()) return *fields.fault();
  return call;
}

std::string openai_rerank_result(std::span<const RankedText> texts,
                                 std::span<const std::string> documents,
                                 const OpenAiRerankCall& call, const inference::Usage& usage,
                                 double neurons) {
  std::string result = "{\"object\":\"list\",\"model\":";
  append_string(result, call.model);
  result += ",\"results\":[";
  for (const RankedText& text : texts) {
    if (result.back() != '[') result += ',';
    result += "{\"index\":";
    append_integer(result, text.at);
    result += ",\"relevance_score\":";
    append_double(result, text.score);
    if (call.return_documents) {
      result += ",\"document\":{\"text\":";
      append_string(result, documents[text.at]);
      result += '}';
    }
    result += '}';
  }
  result += "],\"usage\":{\"prompt_tokens\":";
  append_integer(result, usage.prompt_tokens);
  result += ",\"total_tokens\":";
  append_integer(result, usage.prompt_tokens);
  result += ",\"neurons\":" + neurons_text(neurons) + "}}";
  return result;
}

}  // namespace selvedge::api
