// LlamaText: admission, batches, and what comes out of them.
#include "engines/llama_text.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <utility>

#include "engines/completion_text.h"
#include "engines/prompt_pictures.h"
#include "engines/sampling.h"
#include "engines/token_logprobs.h"

namespace selvedge::engines {
namespace {

constexpr std::int32_t kContextTokensMax = 8192;  // When the server does not say.
constexpr std::size_t kBatchTokens = 512;
// Tokens that ended sequences may keep while another one runs: attention passes over the cells of
// all sequences, and a thousand of them cost a small model 3% of its speed.
constexpr std::int32_t kIdleTokens = 1024;

std::int32_t window(std::int32_t asked, std::int32_t trained) {
  const std::int32_t own = trained > 0 ? trained : kContextTokensMax;
  return asked > 0 ? std::min(asked, own) : std::min(own, kContextTokensMax);
}

// Sequences share the cells: room for one whole window, and for the others half of theirs up to a
// bound, since most prompts are short and every cell costs memory.
std::int32_t pool_cells(std::int32_t window_tokens, std::int32_t sequences_max) {
  if (sequences_max <= 1) return window_tokens;
  return window_tokens + std::min(window_tokens, 4096);
}

// A prompt is read in chunks between which frames are answered: large models get smaller ones.
std::size_t chunk_tokens_for(std::uint64_t parameters) {
  if (parameters < 1'000'000'000) return 512;
  return parameters < 5'000'000'000 ? 128 : 64;
}

std::size_t top_logprobs_of(const wire::Sampling& sampling) {
  return static_cast<std::size_t>(std::clamp(sampling.top_logprobs, 0, wire::kTopLogprobsMax));
}

Status check_bias(const wire::Sampling& sampling, std::int32_t vocabulary_tokens) {
  for (const wire::TokenBias& one : sampling.logit_bias) {
    if (one.token >= 0 && one.token < vocabulary_tokens) continue;
    return Error{Code::invalid_input, "logit_bias: there is no token " + std::to_string(one.token) +
                                          "; the last one is " +
                                          std::to_string(vocabulary_tokens - 1)};
  }
  return ok_status();
}

bool is_repeatable(const wire::Sampling& sampling) {
  return sampling.has_seed || !(sampling.temperature > 0);
}

}  // namespace

struct LlamaText::Sequence {
  wire::TaskId task = 0;
  std::shared_ptr<const LoadedAdapter> adapter;  // Null: none.
  std::vector<llama_token> prompt;
  PromptPictures pictures;
  std::size_t computed = 0;  // Of the prompt.
  std::size_t cached = 0;
  std::int32_t tokens_max = 0;
  bool repeatable = false;
  Sampler sampler;
  CompletionText text;
  std::optional<ChatReader> reader = {};  // Where the completion has more in it than text.
  std::vector<llama_token> written = {};  // Control tokens that the reader must see.
  bool logprobs = false;
  std::size_t top_logprobs = 0;
  UnsentLogprobs unsent_logprobs = {};
  std::size_t slot = 0;
  llama_token next = LLAMA_TOKEN_NULL;  // Drawn, not yet computed.
  std::int32_t completion_tokens = 0;
  std::int32_t unsent_tokens = 0;

  bool reading() const { return computed < prompt.size(); }
  bool seeing() const { return reading() && pictures.at(computed) != nullptr; }
  std::uint64_t group() const { return adapter ? adapter->key : 0; }
  // Of one that was given up only what was read counts.
  wire::Finished finished(wire::FinishReason reason) const {
    const bool given_up = reason == wire::FinishReason::cancelled;
    return {task,
            reason,
            static_cast<std::int32_t>(given_up ? computed : prompt.size()),
            static_cast<std::int32_t>(cached),
            completion_tokens,
            text.stop()};
  }
};

// Tokens of one llama_decode, and whose they are.
class LlamaText::Batch {
 public:
  struct Share {
    Sequence* sequence = nullptr;
    std::vector<llama_token> tokens;
    std::int32_t output = -1;  // Index of its logits.
    bool whole_chunk = false;  // Computed from one chunk border to the next, or to the end.
  };

  explicit Batch(std::size_t tokens_max)
      : tokens_max_(tokens_max),
        batch_(llama_batch_init(static_cast<std::int32_t>(tokens_max), 0, 1)) {}
  ~Batch() { llama_batch_free(batch_); }
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  void clear() {
    batch_.n_tokens = 0;
    shares_.clear();
  }
  std::size_t size() const { return static_cast<std::size_t>(batch_.n_tokens); }
  std::size_t room() const { return tokens_max_ - size(); }
  const llama_batch& get() const { return batch_; }
  const std::vector<Share>& shares() const { return shares_; }
  bool empty() const { return shares_.empty(); }

  // `at_first`: of the first token in the sequence.
  void add(Sequence& sequence, std::span<const llama_token> tokens, std::size_t at_first,
           bool wants_output, bool whole_chunk) {
    const llama_pos position = sequence.pictures.position_of(at_first);
    for (std::size_t at = 0; at < tokens.size(); ++at) {
      const std::int32_t row = batch_.n_tokens++;
      batch_.token[row] = tokens[at];
      batch_.pos[row] = position + static_cast<llama_pos>(at);
      batch_.n_seq_id[row] = 1;
      batch_.seq_id[row][0] = static_cast<llama_seq_id>(sequence.slot);
      batch_.logits[row] = static_cast<std::int8_t>(wants_output && at + 1 == tokens.size());
    }
    shares_.push_back({&sequence,
                       {tokens.begin(), tokens.end()},
                       wants_output ? batch_.n_tokens - 1 : -1,
                       whole_chunk});
  }

 private:
  std::size_t tokens_max_;
  llama_batch batch_;
  std::vector<Share> shares_;
};

LlamaText::LlamaText(Private, std::shared_ptr<const LlamaModel> model, const wire::Load& load)
    : model_(std::move(model)),
      threads_(load.threads_max),
      sequences_max_(std::clamp(load.sequences_max, 1, 64)),
      context_tokens_(window(load.context_tokens, llama_model_n_ctx_train(model_->get()))),
      chunk_tokens_(chunk_tokens_for(llama_model_n_params(model_->get()))),
      may_keep_(!llama_model_is_recurrent(model_->get()) && !llama_model_is_hybrid(model_->get())),
      adapters_(model_) {}

LlamaText::~LlamaText() = default;

Result<std::unique_ptr<LlamaText>> LlamaText::open(std::shared_ptr<const LlamaModel> model,
                                                   const wire::Load& load) {
  if (llama_model_has_encoder(model->get()) || !llama_model_has_decoder(model->get()) ||
      model->metadata("{arch}.attention.causal") == "false") {
    return Error{Code::model_unsupported,
                 "architecture " + model->architecture() + ": makes no text"};
  }
  auto engine = std::make_unique<LlamaText>(Private{}, std::move(model), load);
  SEL_TRY(chat_prompt, ChatPrompt::open(*engine->model_));
  engine->chat_prompt_ = std::move(chat_prompt);
  engine->prompt_tokens_ = std::make_unique<PromptTokens>(*engine->model_, *engine->chat_prompt_);
  SEL_TRY(planner,
          ChatPlanner::open(*engine->model_, *engine->chat_prompt_, *engine->prompt_tokens_));
  engine->planner_ = std::move(planner);
  for (const wire::ModelPart& part : load.parts) {
    if (part.role != "projector") continue;
    SEL_TRY(pictures, PictureReader::open(part.path, *engine->model_));
    engine->pictures_ = std::move(pictures);
  }
  SEL_CHECK_OK(engine->open_context());
  return engine;
}

Status LlamaText::open_context() {
  const std::int32_t cells = pool_cells(context_tokens_, sequences_max_);
  llama_context_params params = llama_context_default_params();
  params.n_ctx = static_cast<std::uint32_t>(cells);
  params.n_seq_max = static_cast<std::uint32_t>(sequences_max_);
  params.n_batch = kBatchTokens;
  params.n_ubatch = kBatchTokens;
  params.kv_unified = true;
  params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_AUTO;
  params.no_perf = true;
  params.n_threads = 1;
  params.n_threads_batch = 1;
  context_.reset(llama_init_from_model(model_->get(), params));
  if (!context_) {
    return Error{Code::model_load_failed,
                 "no memory for a context of " + std::to_string(cells) + " tokens"};
  }
  slots_ = std::make_unique<SlotTable>(
      static_cast<std::size_t>(sequences_max_), static_cast<std::size_t>(cells),
      static_cast<std::size_t>(std::max(kIdleTokens, context_tokens_ / 4)));
  batch_ = std::make_unique<Batch>(kBatchTokens);
  std::int32_t count = 0;
  const llama_token* suppressed = llama_vocab_get_suppress_tokens(model_->vocabulary(), &count);
  if (suppressed != nullptr) suppressed_.assign(suppressed, suppressed + count);
  return ok_status();
}

void LlamaText::set_threads(std::int32_t threads) { threads_.grant(threads); }

Result<std::vector<llama_token>> LlamaText::prompt_tokens(const wire::Generate& task) const {
  SEL_TRY(made, plan(task));
  return std::move(made.prompt);
}

Result<ChatPlan> LlamaText::plan(const wire::Generate& task) const {
  if (!task.messages.empty()) return planner_->plan(task.messages, task.chat);
  if (!task.raw) return planner_->plan({{"user", task.prompt}}, task.chat);
  ChatPlan plan;
  plan.prompt = prompt_tokens_->raw(task.prompt);
  if (task.chat.json_schema.empty()) return plan;
  SEL_TRY(gbnf, ChatPlanner::json_grammar(task.chat.json_schema));
  plan.grammar.gbnf = std::move(gbnf);
  return plan;
}

Status LlamaText::start_generate(wire::Generate task) {
  SEL_TRY(plan, this->plan(task));
  std::vector<llama_token> prompt = std::move(plan.prompt);
  if (prompt.empty()) return Error{Code::invalid_input, "prompt: empty"};
  SEL_TRY(pictures, PromptPictures::place(prompt, task, pictures_.get()));
  std::int32_t tokens_max = std::max(1, task.tokens_max);
  const auto window_tokens = static_cast<std::size_t>(wire::window_of(task, context_tokens_));
  if (task.cut_to_window && prompt.size() < window_tokens) {
    tokens_max = std::min(tokens_max, static_cast<std::int32_t>(window_tokens - prompt.size()));
  }
  if (prompt.size() + static_cast<std::size_t>(tokens_max) > window_tokens) {
    return wire::window_exceeded(static_cast<std::int64_t>(prompt.size()), tokens_max,
                                 static_cast<std::int64_t>(window_tokens));
  }
  SEL_CHECK_OK(check_bias(task.sampling, llama_vocab_n_tokens(model_->vocabulary())));
  std::shared_ptr<const LoadedAdapter> adapter;
  if (!task.adapter.empty()) {
    SEL_TRY(taken, adapters_.take(task.adapter));
    adapter = std::move(taken);
  }
  SEL_TRY(gate, GrammarGate::open(*model_, plan.grammar));
  std::vector<llama_token> said = prompt;
  std::erase_if(said, is_picture_token);
  Sampler sampler(task.sampling, said, suppressed_, std::move(gate));
  std::vector<std::string> stops = std::move(task.stop);
  stops.insert(stops.end(), plan.stops.begin(), plan.stops.end());
  std::vector<llama_token> written;
  for (const std::string& text : plan.grammar.preserved) {
    const auto tokens = model_->tokenize(text, true);
    if (tokens.size() == 1) written.push_back(tokens[0]);
  }
  auto sequence =
      std::make_unique<Sequence>(Sequence{.task = task.task,
                                          .adapter = std::move(adapter),
                                          .prompt = std::move(prompt),
                                          .pictures = std::move(pictures),
                                          .tokens_max = tokens_max,
                                          .repeatable = is_repeatable(task.sampling),
                                          .sampler = std::move(sampler),
                                          .text = CompletionText(std::move(stops)),
                                          .reader = std::move(plan.reader),
                                          .written = std::move(written),
                                          .logprobs = task.sampling.logprobs,
                                          .top_logprobs = top_logprobs_of(task.sampling)});
  waiting_.push_back(std::move(sequence));
  return ok_status();
}

Status LlamaText::start_embed(wire::Embed) {
  return Error{Code::model_unsupported,
               "architecture " + model_->architecture() + ": makes no embeddings"};
}

Result<wire::Tokens> LlamaText::tokenize(const wire::Tokenize& task) {
  return model_->tokens_of(task);
}

void LlamaText::cancel(wire::TaskId task, std::vector<wire::Message>& events) {
  const auto is_it = [task](const auto& sequence) { return sequence->task == task; };
  if (const auto found = std::find_if(waiting_.begin(), waiting_.end(), is_it);
      found != waiting_.end()) {
    events.push_back((*found)->finished(wire::FinishReason::cancelled));
    waiting_.erase(found);
    return;
  }
  const auto found = std::find_if(running_.begin(), running_.end(), is_it);
  if (found == running_.end()) return;
  events.push_back((*found)->finished(wire::FinishReason::cancelled));
  slots_->release((*found)->slot);
  running_.erase(found);
}

// First come, first served: a large prompt that waits is not overtaken for ever by small ones.
void LlamaText::admit() {
  while (!waiting_.empty()) {
    Sequence& sequence = *waiting_.front();
    const SlotTable::Question question{sequence.prompt,
                                       static_cast<std::size_t>(sequence.tokens_max),
                                       sequence.repeatable ? chunk_tokens_ : 0,
                                       may_keep_,
                                       sequence.group(),
                                       !pictures_ || !pictures_->has_wide_positions()};
    const auto place = slots_->take(question);
    if (!place) return;
    sequence.slot = place->slot;
    llama_memory_t memory = llama_get_memory(context_.get());
    const auto slot = static_cast<llama_seq_id>(place->slot);
    std::size_t kept = place->kept;
    if (place->copy_from != place->slot) {
      forget(place->slot, 0);
      llama_memory_seq_cp(memory, static_cast<llama_seq_id>(place->copy_from), slot, 0,
                          static_cast<llama_pos>(kept));
    } else {
      forget(place->slot, kept);
    }
    if (!kept_is_whole(place->slot, kept)) {
      forget(place->slot, 0);
      slots_->clear(place->slot);
      kept = 0;
    }
    for (const std::size_t cleared : place->cleared) forget(cleared, 0);
    sequence.computed = kept;
    sequence.cached = kept;
    running_.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
}

void LlamaText::forget(std::size_t slot, std::size_t from) {
  llama_memory_t memory = llama_get_memory(context_.get());
  const auto sequence = static_cast<llama_seq_id>(slot);
  if (llama_memory_seq_rm(memory, sequence, static_cast<llama_pos>(from), -1)) return;
  llama_memory_seq_rm(memory, sequence, -1, -1);
}

// A memory with a sliding window may have dropped cells that the kept beginning needs, and one that
// could not drop an end has dropped all.
bool LlamaText::kept_is_whole(std::size_t slot, std::size_t kept) const {
  if (kept == 0) return true;
  llama_memory_t memory = llama_get_memory(context_.get());
  const auto sequence = static_cast<llama_seq_id>(slot);
  return llama_memory_seq_pos_min(memory, sequence) == 0 &&
         llama_memory_seq_pos_max(memory, sequence) == static_cast<llama_pos>(kept) - 1;
}

// Setting another adapter makes llama.cpp plan its graph anew, which costs a model of 135 million
// weights half as much as a token: a turn is some steps.
void LlamaText::choose_group() {
  constexpr std::int32_t kTurnSteps = 8;
  std::optional<std::uint64_t> next;
  std::optional<std::uint64_t> first;
  bool goes_on = false;
  for (const auto& sequence : running_) {
    const std::uint64_t group = sequence->group();
    goes_on = goes_on || group == group_;
    if (group > group_ && (!next || group < *next)) next = group;
    if (!first || group < *first) first = group;
  }
  if (!first || (goes_on && --turn_steps_ > 0)) return;
  group_ = next ? *next : *first;
  turn_steps_ = kTurnSteps;
}

void LlamaText::use_adapter(std::shared_ptr<const LoadedAdapter> adapter) {
  if (adapter == in_context_) return;
  llama_adapter_lora* one = adapter ? adapter->adapter.get() : nullptr;
  float scale = 1;
  llama_set_adapters_lora(context_.get(), &one, adapter ? 1 : 0, &scale);
  // Held until it is out of the context.
  in_context_ = std::move(adapter);
}

void LlamaText::fill(Batch& batch) {
  batch.clear();
  for (const auto& sequence : running_) {
    if (sequence->reading() || sequence->group() != group_) continue;
    batch.add(*sequence, std::span(&sequence->next, 1), slots_->tokens(sequence->slot).size(), true,
              false);
  }
  // In company prompts are read in halves, so that the others' streams do not stand still.
  const std::size_t chunk = batch.empty() ? chunk_tokens_ : chunk_tokens_ / 2;
  std::size_t chunk_room = std::min(chunk, batch.room());
  for (const auto& sequence : running_) {
    if (!sequence->reading() || chunk_room == 0 || sequence->group() != group_) continue;
    if (sequence->seeing()) continue;
    // Chunks end at fixed borders, so that the same prompt is always computed in the same pieces.
    const std::size_t border = chunk_tokens_ - sequence->computed % chunk_tokens_;
    const std::size_t size = sequence->prompt.size();
    const std::size_t left = sequence->pictures.next(sequence->computed, size) - sequence->computed;
    const std::size_t wanted = std::min(border, left);
    const std::size_t count = std::min(wanted, chunk_room);
    const bool whole = count == wanted && sequence->computed % chunk_tokens_ == 0;
    batch.add(*sequence, std::span(sequence->prompt).subspan(sequence->computed, count),
              sequence->computed, sequence->computed + count == size, whole);
    chunk_room -= count;
  }
}

// llama.cpp's number: 0 = done.
std::int32_t LlamaText::compute(const llama_batch& batch, bool steady) {
  const auto decode = [&] { return llama_decode(context_.get(), batch); };
  const auto tokens = static_cast<std::size_t>(batch.n_tokens);
  const std::int32_t failure = threads_.run(context_.get(), tokens, steady, decode);
  if (failure != 1) return failure;
  // No cells in a row that suits: what ended sequences hold is only a cache.
  for (const std::size_t slot : slots_->idle_slots()) {
    forget(slot, 0);
    slots_->clear(slot);
  }
  return threads_.run(context_.get(), tokens, steady, decode);
}

Status LlamaText::decode(Batch& batch) {
  use_adapter(batch.shares().front().sequence->adapter);
  const bool steady = batch.size() == 1 && batch.shares().front().sequence->repeatable;
  const std::int32_t failure = compute(batch.get(), steady);
  if (failure == 0) return ok_status();
  // Which cells were written is not known: start clean.
  for (const Batch::Share& share : batch.shares()) {
    forget(share.sequence->slot, 0);
    slots_->clear(share.sequence->slot);
  }
  return Error{Code::internal,
               "llama.cpp could not compute a batch (" + std::to_string(failure) + ")"};
}

Status LlamaText::step(std::vector<wire::Message>& events) {
  if (const std::uint64_t bytes = adapters_.held_bytes(); bytes != told_adapter_bytes_) {
    events.push_back(wire::AdapterMemory{bytes});
    told_adapter_bytes_ = bytes;
  }
  admit();
  choose_group();
  if (Sequence* sequence = next_to_see()) {
    see(*sequence, events);
    return ok_status();
  }
  fill(*batch_);
  if (batch_->empty()) return Error{Code::internal, "no sequence can go on"};
  SEL_CHECK_OK(decode(*batch_));
  take_results(*batch_, events);
  return ok_status();
}

void LlamaText::take_results(const Batch& batch, std::vector<wire::Message>& events) {
  const bool alone = batch.shares().size() == 1;
  for (const Batch::Share& share : batch.shares()) {
    Sequence& sequence = *share.sequence;
    slots_->append(sequence.slot, share.tokens, alone && share.whole_chunk);
    if (sequence.reading()) sequence.computed += share.tokens.size();
    if (share.output < 0) continue;
    if (!take_token(sequence, share.output, events)) end(sequence);
  }
}

void LlamaText::end(Sequence& sequence) {
  slots_->release(sequence.slot);
  const auto ended = std::find_if(running_.begin(), running_.end(),
                                  [&](const auto& running) { return running.get() == &sequence; });
  running_.erase(ended);
}

// The sequence whose picture this step computes, or null. Between two pictures the streams of the
// others go on.
LlamaText::Sequence* LlamaText::next_to_see() {
  Sequence* found = nullptr;
  bool others = false;
  for (const auto& sequence : running_) {
    if (sequence->group() != group_) continue;
    if (!sequence->seeing()) {
      others = true;
    } else if (found == nullptr) {
      found = sequence.get();
    }
  }
  saw_ = found != nullptr && !(saw_ && others);
  return saw_ ? found : nullptr;
}

void LlamaText::see(Sequence& sequence, std::vector<wire::Message>& events) {
  const PicturePiece& piece = sequence.pictures.at(sequence.computed)->piece;
  const auto tokens = static_cast<std::size_t>(piece.tokens);
  const Status seen = decode_picture(sequence);
  if (!seen.ok()) {
    events.push_back(wire::Failed{sequence.task, seen.error().code, seen.error().message});
    forget(sequence.slot, 0);
    slots_->clear(sequence.slot);
    end(sequence);
    return;
  }
  slots_->append(sequence.slot, std::vector<TokenId>(tokens, piece.stand_in), false);
  sequence.computed += tokens;
}

Status LlamaText::decode_picture(Sequence& sequence) {
  const PicturePiece& piece = sequence.pictures.at(sequence.computed)->piece;
  const auto tokens = static_cast<std::size_t>(piece.tokens);
  const bool both_ways = pictures_->sees_both_ways(piece);
  if (both_ways && tokens > kBatchTokens) {
    return Error{Code::model_unsupported,
                 "a picture of " + std::to_string(tokens) + " tokens is more than one batch"};
  }
  SEL_TRY(values, pictures_->embed(piece, threads_.granted()));
  use_adapter(sequence.adapter);
  const llama_pos begin = sequence.pictures.position_of(sequence.computed);
  const std::vector<llama_pos> positions = pictures_->positions(piece, begin);
  if (both_ways) llama_set_causal_attn(context_.get(), false);
  std::int32_t failure = 0;
  for (std::size_t first = 0; first < tokens && failure == 0; first += kBatchTokens) {
    const PictureBatch batch(values, pictures_->width(), positions, begin,
                             static_cast<llama_seq_id>(sequence.slot), first,
                             std::min(kBatchTokens, tokens - first));
    failure = compute(batch.get(), true);
  }
  if (both_ways) llama_set_causal_attn(context_.get(), true);
  if (failure == 0) return ok_status();
  return Error{Code::internal,
               "llama.cpp could not compute a picture (" + std::to_string(failure) + ")"};
}

llama_token LlamaText::draw(Sequence& sequence, std::int32_t output) {
  const std::span<float> logits(
      llama_get_logits_ith(context_.get(), output),
      static_cast<std::size_t>(llama_vocab_n_tokens(model_->vocabulary())));
  if (sequence.logprobs) raw_logits_.assign(logits.begin(), logits.end());
  return sequence.sampler.sample(logits);
}

// Of the token just drawn.
wire::TokenLogprob LlamaText::logprob_of(const Sequence& sequence) const {
  const TokenRanking ranking = rank_tokens(raw_logits_, sequence.next, sequence.top_logprobs);
  wire::TokenLogprob token{model_->piece(sequence.next, false), ranking.drawn_logprob, {}};
  token.top.reserve(ranking.top.size());
  for (const RankedToken& one : ranking.top) {
    token.top.push_back({model_->piece(one.token, true), one.logprob});
  }
  return token;
}

std::string LlamaText::piece_of(const Sequence& sequence) const {
  const bool written = std::ranges::find(sequence.written, sequence.next) != sequence.written.end();
  return model_->piece(sequence.next, written);
}

// Whatever of the completion can be told now.
void LlamaText::send(Sequence& sequence, std::string text, bool last,
                     std::vector<wire::Message>& events) {
  const std::size_t sent_bytes = sequence.text.sent_bytes();
  ChatReader::News news;
  if (!sequence.reader) {
    news.text = std::move(text);
  } else {
    news = last ? sequence.reader->finish(text) : sequence.reader->add(text);
  }
  auto logprobs = last ? sequence.unsent_logprobs.finish(sent_bytes)
                       : sequence.unsent_logprobs.take(sent_bytes);
  if (news.empty() && logprobs.empty()) return;
  events.push_back(wire::Piece{sequence.task, std::move(news.text),
                               std::exchange(sequence.unsent_tokens, 0), std::move(logprobs),
                               std::move(news.reasoning), std::move(news.tool_calls)});
}

// Draws the next token; false when the sequence has ended with it.
bool LlamaText::take_token(Sequence& sequence, std::int32_t output,
                           std::vector<wire::Message>& events) {
  sequence.next = draw(sequence, output);
  const bool ends = llama_vocab_is_eog(model_->vocabulary(), sequence.next);
  std::string text;
  if (!ends) {
    ++sequence.completion_tokens;
    ++sequence.unsent_tokens;
    text = sequence.text.add(piece_of(sequence));
    if (sequence.logprobs) sequence.unsent_logprobs.add(logprob_of(sequence));
  }
  const bool stopped = ends || sequence.text.stopped();
  const bool full = sequence.completion_tokens >= sequence.tokens_max;
  const bool last = stopped || full;
  if (last) text += sequence.text.finish();
  send(sequence, std::move(text), last, events);
  if (!last) return true;
  events.push_back(
      sequence.finished(stopped ? wire::FinishReason::stop : wire::FinishReason::length));
  return false;
}

}  // namespace selvedge::engines
