// OpenAI rerank: the form of Jina's and Cohere's rerankers, which OpenAI's servers took over.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "api/openai_fields.h"
#include "api/ranking.h"
#include "inference/inference.h"

namespace selvedge::api {

struct OpenAiRerankCall {
  std::string model;
  inference::RankTask task;
  std::optional<std::size_t> top_n;
  bool return_documents = false;
};

// `{model, query, documents: (string | {text})[], top_n?, return_documents?}`. Source:
// docs/compatibility.md#openai.
OpenAiParsed<OpenAiRerankCall> parse_openai_rerank(const nlohmann::json& body);

// {"object":"list","model","results":[{"index","relevance_score","document"?:{"text"}}],"usage"};
// `documents` are those of the call.
std::string openai_rerank_result(std::span<const RankedText> texts,
                                 std::span<const std::string> documents,
                                 const OpenAiRerankCall& call, const inference::Usage& usage,
                                 double neurons);

}  // namespace selvedge::api
