// LlamaRanking: pairs and scores.
#include "engines/llama_ranking.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

namespace selvedge::engines {
namespace {

// The marks between two texts and behind the second one, as the encoder was trained: "q </s></s> d
// </s>" of the RoBERTa family, "q [SEP] d [SEP]" of BERT's.
void read_marks(const LlamaModel& model, std::vector<llama_token>& between,
                std::vector<llama_token>& behind) {
  const llama_vocab* vocabulary = model.vocabulary();
  const llama_token separator = llama_vocab_sep(vocabulary);
  const llama_token end = llama_vocab_eos(vocabulary);
  const bool twice = llama_vocab_type(vocabulary) == LLAMA_VOCAB_TYPE_UGM;
  const bool ends = (llama_vocab_get_add_eos(vocabulary) || twice) && end != LLAMA_TOKEN_NULL;
  const bool separates = llama_vocab_get_add_sep(vocabulary) && separator != LLAMA_TOKEN_NULL;
  if (ends) between.push_back(end);
  if (separates) between.push_back(separator);
  if (twice && between.size() == 1) between.push_back(between.front());
  if (ends || separates) behind.push_back(ends ? end : separator);
}

// Of two texts the longer one gives way, token by token.
void cut_to(std::size_t tokens_max, std::vector<llama_token>& left,
            std::vector<llama_token>& right) {
  std::size_t left_size = left.size();
  std::size_t right_size = right.size();
  while (left_size + right_size > tokens_max) --(left_size > right_size ? left_size : right_size);
  left.resize(left_size);
  right.resize(right_size);
}

}  // namespace

struct LlamaRanking::Texts final : Task {
  using Task::Task;
  wire::Message answer() override { return std::move(ranks); }

  wire::Ranks ranks;
};

LlamaRanking::LlamaRanking(Private, std::shared_ptr<const LlamaModel> model, const wire::Load& load)
    : EncoderEngine(std::move(model), load) {
  read_marks(this->model(), between_, behind_);
}

Result<std::unique_ptr<LlamaRanking>> LlamaRanking::open(std::shared_ptr<const LlamaModel> model,
                                                         const wire::Load& load) {
  if (!is_encoder(*model)) {
    return Error{Code::model_unsupported,
                 "architecture " + model->architecture() + ": ranks and labels no texts"};
  }
  auto engine = std::make_unique<LlamaRanking>(Private{}, std::move(model), load);
  SEL_CHECK_OK(engine->open_classifier(load.model_path));
  return engine;
}

Status LlamaRanking::open_classifier(const std::string& model_path) {
  SEL_TRY(kind, head_kind_of(model_path));
  if (kind == HeadKind::none) {
    return Error{Code::model_unsupported, "the encoder has no classifier to score texts with"};
  }
  const auto pooling = kind == HeadKind::relu ? LLAMA_POOLING_TYPE_CLS : LLAMA_POOLING_TYPE_RANK;
  SEL_CHECK_OK(open_context(pooling));
  const std::uint32_t results = llama_model_n_cls_out(model().get());
  results_ = std::max<std::size_t>(results, 1);
  for (std::uint32_t at = 0; at < results; ++at) {
    const char* label = llama_model_cls_label(model().get(), at);
    if (label != nullptr) labels_.emplace_back(label);
  }
  if (labels_.size() != results_) labels_.clear();
  if (kind != HeadKind::relu) return ok_status();
  SEL_TRY(head,
          ReluHead::read(model_path, static_cast<std::size_t>(llama_model_n_embd(model().get()))));
  head_ = std::move(head);
  return ok_status();
}

std::vector<llama_token> LlamaRanking::pair_tokens(std::vector<llama_token> query,
                                                   const std::string& text) const {
  std::vector<llama_token> document = model().tokenize(text, false);
  const llama_token begin = llama_vocab_bos(model().vocabulary());
  const std::size_t marks = between_.size() + behind_.size() + (begin == LLAMA_TOKEN_NULL ? 0 : 1);
  cut_to(static_cast<std::size_t>(context_tokens()) - marks, query, document);
  std::vector<llama_token> tokens;
  tokens.reserve(query.size() + document.size() + marks);
  if (begin != LLAMA_TOKEN_NULL) tokens.push_back(begin);
  tokens.insert(tokens.end(), query.begin(), query.end());
  tokens.insert(tokens.end(), between_.begin(), between_.end());
  tokens.insert(tokens.end(), document.begin(), document.end());
  tokens.insert(tokens.end(), behind_.begin(), behind_.end());
  return tokens;
}

Status LlamaRanking::start_rank(wire::Rank task) {
  auto one = std::make_unique<Texts>(task.task);
  wire::Ranks& answer = one->ranks;
  answer.task = task.task;
  answer.labels = labels_;
  answer.scores.assign(task.texts.size() * results_, 0.0f);
  const std::vector<llama_token> query = model().tokenize(task.query, false);
  for (const std::string& text : task.texts) {
    SEL_CHECK_OK(add_text(*one,
                          task.query.empty() ? encoder_tokens(model(), text, context_tokens())
                                             : pair_tokens(query, text),
                          answer.token_counts));
  }
  add_task(std::move(one));
  return ok_status();
}

Status LlamaRanking::take(const Row& row) {
  const float* values = llama_get_embeddings_seq(context(), row.sequence);
  if (values == nullptr) return Error{Code::internal, "llama.cpp gave no scores for a text"};
  wire::Ranks& answer = static_cast<Texts&>(*row.task).ranks;
  const auto place = answer.scores.begin() + static_cast<std::ptrdiff_t>(row.text * results_);
  if (head_) {
    const auto width = static_cast<std::size_t>(llama_model_n_embd(model().get()));
    const std::vector<float> scores = head_->scores(std::span(values, width));
    std::ranges::copy(scores, place);
  } else {
    std::copy_n(values, results_, place);
  }
  const bool finite = std::all_of(place, place + static_cast<std::ptrdiff_t>(results_),
                                  [](float score) { return std::isfinite(score); });
  if (!finite) return Error{Code::internal, "the model gave a score that is no number"};
  return ok_status();
}

}  // namespace selvedge::engines
