// Ranking: inputs, probabilities, and a sentiment out of a text model's next word.
#include "api/ranking.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <nlohmann/json.hpp>

#include "api/input_check.h"
#include "api/json_writer.h"
#include "base/limits.h"

namespace selvedge::api {
namespace {

using nlohmann::json;

double sigmoid(double score) { return 1.0 / (1.0 + std::exp(-score)); }

// The labels of sentiment models, and the words by which a text model says them.
struct Sentiment {
  const char* label;
  const char* word;
};
constexpr Sentiment kSentiments[] = {{"NEGATIVE", "Negative"}, {"POSITIVE", "Positive"}};
constexpr const char* kInstruction =
    "Is the sentiment of the text positive or negative? Answer with one word, Positive or "
    "Negative.";
constexpr float kForced = 100;

// How likely `token` is as the first word of the model's verdict, as a logarithm.
asio::awaitable<Result<float>> verdict_logprob(const ApiContext& context,
                                               const catalog::Resolved& model,
                                               const std::string& text, std::int32_t token,
                                               inference::GenerateTask task) {
  task.messages = {{"system", kInstruction}, {"user", "Text: " + text + "\nSentiment:"}};
  task.tokens_max = 1;
  task.sampling.temperature = 0;
  task.sampling.logprobs = true;
  task.sampling.logit_bias = {{token, kForced}};
  auto started = co_await context.inference.generate(model, std::move(task));
  SEL_CO_TRY(stream, std::move(started));
  while (true) {
    auto next = co_await stream->next();
    SEL_CO_TRY(piece, std::move(next));
    if (!piece.logprobs.empty()) co_return piece.logprobs.front().logprob;
    if (piece.last) co_return Error{Code::internal, "the text model told no probabilities"};
  }
}

asio::awaitable<Result<inference::Ranks>> emulated_sentiment(const ApiContext& context,
                                                             const catalog::Resolved& model,
                                                             inference::RankTask task) {
  inference::Ranks ranks;
  for (const Sentiment& sentiment : kSentiments) ranks.labels.emplace_back(sentiment.label);
  for (const std::string& text : task.texts) {
    auto cut = co_await context.inference.tokenize(model, text);
    SEL_CO_TRY(tokens, std::move(cut));
    const auto tokens_of_text = static_cast<std::int32_t>(tokens.ids.size());
    ranks.usage.prompt_tokens += tokens_of_text;
    for (const Sentiment& sentiment : kSentiments) {
      auto said = co_await context.inference.tokenize(model, sentiment.word);
      SEL_CO_TRY(word, std::move(said));
      if (word.ids.empty()) co_return Error{Code::internal, "the text model knows no words"};
      inference::GenerateTask verdict;
      verdict.refuse_when_busy = task.refuse_when_busy;
      verdict.prompt_tokens_told = tokens_of_text;
      // The two verdicts are one call.
      verdict.payer = std::exchange(task.payer, {});
      auto told =
          co_await verdict_logprob(context, model, text, word.ids.front(), std::move(verdict));
      SEL_CO_TRY(logprob, std::move(told));
      ranks.scores.push_back(logprob);
    }
  }
  co_return std::move(ranks);
}

}  // namespace

Result<RankCall> parse_rank(const json& input, const catalog::ModelEntry& entry) {
  RankCall call;
  if (!catalog::is_reranker(entry)) {
    call.task.texts.push_back(input.at("text").get<std::string>());
    return call;
  }
  call.task.query = input.at("query").get<std::string>();
  const json& contexts = input.at("contexts");
  SEL_CHECK_OK(check_count("/contexts", contexts.size(), 0, limits::rank_texts_max));
  for (const json& context : contexts) {
    call.task.texts.push_back(context.at("text").get<std::string>());
  }
  const auto top_k = input.find("top_k");
  if (top_k != input.end() && top_k->is_number()) {
    const double asked = std::min(top_k->get<double>(), double{limits::rank_texts_max});
    call.top_k = static_cast<std::size_t>(std::max(asked, 0.0));
  }
  return call;
}

Result<std::vector<RankedText>> best_texts(const inference::Ranks& ranks,
                                           std::optional<std::size_t> top_k) {
  if (ranks.labels.size() > 1) {
    return Error{Code::model_unsupported,
                 "The weights that answer for this model label texts and rank none"};
  }
  std::vector<RankedText> texts;
  for (std::size_t at = 0; at < ranks.scores.size(); ++at) {
    texts.push_back({at, sigmoid(ranks.scores[at])});
  }
  std::ranges::stable_sort(texts, [&](const RankedText& a, const RankedText& b) {
    return ranks.scores[a.at] > ranks.scores[b.at];
  });
  if (top_k && *top_k < texts.size()) texts.resize(*top_k);
  return texts;
}

std::string rank_result(std::span<const RankedText> texts) {
  std::string result = "{\"response\":[";
  for (const RankedText& text : texts) {
    if (result.back() != '[') result += ',';
    result += "{\"id\":";
    append_integer(result, text.at);
    result += ",\"score\":";
    append_double(result, text.score);
    result += '}';
  }
  return result + "]}";
}

std::string labels_result(const inference::Ranks& ranks) {
  if (ranks.labels.empty()) {
    const double score = ranks.scores.empty() ? 0 : sigmoid(ranks.scores.front());
    std::string result = "[{\"label\":\"LABEL_0\",\"score\":";
    append_double(result, score);
    return result + "}]";
  }
  const std::size_t count = std::min(ranks.labels.size(), ranks.scores.size());
  const std::span<const float> scores = std::span(ranks.scores).first(count);
  const float highest = *std::ranges::max_element(scores);
  double sum = 0;
  for (const float score : scores) sum += std::exp(double{score} - double{highest});
  std::string result = "[";
  for (std::size_t at = 0; at < count; ++at) {
    if (at != 0) result += ',';
    result += "{\"label\":";
    append_string(result, ranks.labels[at]);
    result += ",\"score\":";
    append_double(result, std::exp(double{scores[at]} - double{highest}) / sum);
    result += '}';
  }
  return result + "]";
}

asio::awaitable<Result<inference::Ranks>> rank_or_emulate(const ApiContext& context,
                                                          const catalog::Resolved& model,
                                                          inference::RankTask task) {
  if (model.weights_task != catalog::Task::text_generation) {
    auto ranked = co_await context.inference.rank(model, std::move(task));
    co_return std::move(ranked);
  }
  if (!task.query.empty() || catalog::is_reranker(*model.entry)) {
    co_return Error{Code::model_unsupported, "A text model (" + model.answered_by +
                                                 ") cannot rank for model " + model.entry->id};
  }
  auto emulated = co_await emulated_sentiment(context, model, std::move(task));
  co_return std::move(emulated);
}

}  // namespace selvedge::api
