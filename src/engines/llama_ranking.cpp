// LlamaRanking: pairs, encoding, scores.
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

struct LlamaRanking::Task {
  std::vector<std::vector<llama_token>> texts;
  std::size_t taken = 0;   // Texts that were put into a batch.
  std::size_t scored = 0;  // Texts whose scores are there.
  wire::Ranks answer;
};

// A text's place in the batch: the sequence of the same number.
struct LlamaRanking::Row {
  Task* task = nullptr;
  std::size_t text = 0;
};

LlamaRanking::LlamaRanking(Private, std::shared_ptr<const LlamaModel> model, const wire::Load& load)
    : model_(std::move(model)),
      threads_(load.threads_max),
      context_tokens_(encoder_window(*model_, load.context_tokens)),
      batch_tokens_(
          std::max(EncoderBatch::kPackedTokens, static_cast<std::size_t>(context_tokens_))) {
  read_marks(*model_, between_, behind_);
}

LlamaRanking::~LlamaRanking() = default;

Result<std::unique_ptr<LlamaRanking>> LlamaRanking::open(std::shared_ptr<const LlamaModel> model,
                                                         const wire::Load& load) {
  if (!is_encoder(*model)) {
    return Error{Code::model_unsupported,
                 "architecture " + model->architecture() + ": ranks and labels no texts"};
  }
  auto engine = std::make_unique<LlamaRanking>(Private{}, std::move(model), load);
  SEL_CHECK_OK(engine->open_context(load.model_path));
  return engine;
}

Status LlamaRanking::open_context(const std::string& model_path) {
  SEL_TRY(kind, head_kind_of(model_path));
  if (kind == HeadKind::none) {
    return Error{Code::model_unsupported, "the encoder has no classifier to score texts with"};
  }
  const auto pooling = kind == HeadKind::relu ? LLAMA_POOLING_TYPE_CLS : LLAMA_POOLING_TYPE_RANK;
  SEL_TRY(context, open_encoder_context(*model_, batch_tokens_, pooling));
  context_ = std::move(context);
  batch_ = std::make_unique<EncoderBatch>(batch_tokens_);
  const std::uint32_t results = llama_model_n_cls_out(model_->get());
  results_ = std::max<std::size_t>(results, 1);
  for (std::uint32_t at = 0; at < results; ++at) {
    const char* label = llama_model_cls_label(model_->get(), at);
    if (label != nullptr) labels_.emplace_back(label);
  }
  if (labels_.size() != results_) labels_.clear();
  if (kind != HeadKind::relu) return ok_status();
  SEL_TRY(head,
          ReluHead::read(model_path, static_cast<std::size_t>(llama_model_n_embd(model_->get()))));
  head_ = std::move(head);
  return ok_status();
}

void LlamaRanking::set_threads(std::int32_t threads) { threads_.grant(threads); }

std::vector<llama_token> LlamaRanking::pair_tokens(std::vector<llama_token> query,
                                                   const std::string& text) const {
  std::vector<llama_token> document = model_->tokenize(text, false);
  const llama_token begin = llama_vocab_bos(model_->vocabulary());
  const std::size_t marks = between_.size() + behind_.size() + (begin == LLAMA_TOKEN_NULL ? 0 : 1);
  cut_to(static_cast<std::size_t>(context_tokens_) - marks, query, document);
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
  auto one = std::make_unique<Task>();
  one->answer.task = task.task;
  one->answer.labels = labels_;
  one->answer.scores.assign(task.texts.size() * results_, 0.0f);
  const std::vector<llama_token> query = model_->tokenize(task.query, false);
  for (const std::string& text : task.texts) {
    one->texts.push_back(task.query.empty() ? encoder_tokens(*model_, text, context_tokens_)
                                            : pair_tokens(query, text));
    if (one->texts.back().empty()) {
      return Error{Code::invalid_input, "text: empty, and the model marks no beginning"};
    }
    one->answer.token_counts.push_back(static_cast<std::int32_t>(one->texts.back().size()));
  }
  tasks_.push_back(std::move(one));
  return ok_status();
}

Result<wire::Tokens> LlamaRanking::tokenize(const wire::Tokenize& task) {
  return model_->tokens_of(task);
}

void LlamaRanking::cancel(wire::TaskId task, std::vector<wire::Message>& events) {
  const auto found = std::find_if(tasks_.begin(), tasks_.end(),
                                  [task](const auto& one) { return one->answer.task == task; });
  if (found == tasks_.end()) return;
  events.push_back(wire::Failed{task, Code::cancelled, "cancelled"});
  tasks_.erase(found);
}

// Whole texts in the order of the tasks, until the next one does not fit.
std::vector<LlamaRanking::Row> LlamaRanking::fill() {
  std::vector<Row> rows;
  batch_->clear();
  for (const auto& task : tasks_) {
    for (; task->taken < task->texts.size(); ++task->taken) {
      const std::vector<llama_token>& tokens = task->texts[task->taken];
      if (!batch_->fits(tokens.size())) return rows;
      rows.push_back({task.get(), task->taken});
      batch_->add(tokens);
    }
  }
  return rows;
}

Status LlamaRanking::step(std::vector<wire::Message>& events) {
  const std::vector<Row> rows = fill();
  if (!rows.empty()) {
    const std::int32_t failure = threads_.run(context_.get(), batch_->size(), false, [this] {
      return llama_encode(context_.get(), batch_->get());
    });
    if (failure != 0) {
      return Error{Code::internal,
                   "llama.cpp could not encode a batch (" + std::to_string(failure) + ")"};
    }
    SEL_CHECK_OK(take_scores(rows));
    unused_logits_.give_back(context_.get(), *model_, batch_->size());
  }
  while (!tasks_.empty() && tasks_.front()->scored == tasks_.front()->texts.size()) {
    events.push_back(std::move(tasks_.front()->answer));
    tasks_.pop_front();
  }
  return ok_status();
}

Status LlamaRanking::take_scores(const std::vector<Row>& rows) {
  const auto width = static_cast<std::size_t>(llama_model_n_embd(model_->get()));
  for (std::size_t at = 0; at < rows.size(); ++at) {
    const float* values = llama_get_embeddings_seq(context_.get(), static_cast<llama_seq_id>(at));
    if (values == nullptr) return Error{Code::internal, "llama.cpp gave no scores for a text"};
    Task& task = *rows[at].task;
    const auto place =
        task.answer.scores.begin() + static_cast<std::ptrdiff_t>(rows[at].text * results_);
    if (head_) {
      const std::vector<float> scores = head_->scores(std::span(values, width));
      std::ranges::copy(scores, place);
    } else {
      std::copy_n(values, results_, place);
    }
    const bool finite = std::all_of(place, place + static_cast<std::ptrdiff_t>(results_),
                                    [](float score) { return std::isfinite(score); });
    if (!finite) return Error{Code::internal, "the model gave a score that is no number"};
    ++task.scored;
  }
  return ok_status();
}

}  // namespace selvedge::engines
