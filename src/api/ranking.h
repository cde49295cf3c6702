// Ranking: rerankers and classifiers of Workers AI, from JSON to a task and from scores to JSON.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <nlohmann/json_fwd.hpp>

#include "api/context.h"
#include "base/result.h"
#include "inference/inference.h"

namespace selvedge::api {

namespace asio = boost::asio;

// The task has a query for a reranker and none for a classifier, which labels its one text.
struct RankCall {
  inference::RankTask task;
  std::optional<std::size_t> top_k;
};

// `input` has met the schema of `entry`: `query`, `contexts` and `top_k`, or `text`. Errors:
// invalid_input (more contexts than a call may have). Source: docs/compatibility.md#ranking.
Result<RankCall> parse_rank(const nlohmann::json& input, const catalog::ModelEntry& entry);

// A text of the call and its score, as a probability.
struct RankedText {
  std::size_t at = 0;
  double score = 0;
};

// Sigmoids of the model's scores, the highest first, up to `top_k`; of equal ones the text that
// stood first. Errors: model_unsupported (the model labels texts and scores no pairs).
Result<std::vector<RankedText>> best_texts(const inference::Ranks& ranks,
                                           std::optional<std::size_t> top_k);

// {"response":[{"id":1,"score":0.98},…]}
std::string rank_result(std::span<const RankedText> texts);

// [{"label":"NEGATIVE","score":0.02},{"label":"POSITIVE","score":0.98}]: of the call's only text,
// softmax over the model's labels, in their order. A model without labels has "LABEL_0".
std::string labels_result(const inference::Ranks& ranks);

// Through the ranking model; where a text model answers for a classifier of sentiments, by how
// likely it finds each verdict as its next word. `model` outlives the call. Errors: those of
// Inference, model_unsupported.
asio::awaitable<Result<inference::Ranks>> rank_or_emulate(const ApiContext& context,
                                                          const catalog::Resolved& model,
                                                          inference::RankTask task);

}  // namespace selvedge::api
