// Inference: tasks in, token streams and embeddings out. Hides runners, queues and threads.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "base/result.h"
#include "catalog/catalog.h"
#include "wire/messages.h"

namespace selvedge::inference {

namespace asio = boost::asio;

struct Usage {
  std::int32_t prompt_tokens = 0;
  std::int32_t cached_tokens = 0;
  std::int32_t completion_tokens = 0;
};

// A LoRA adapter that changes a generation.
struct Adapter {
  std::string name;  // Of the fine-tune.
  std::string path;  // In GGUF; empty: there is none.
};

// Whom a task is booked to. Without an account: nobody.
struct Payer {
  std::string account;
  std::string key;  // Names a bearer token without telling it; empty: the call had none.
};

struct GenerateTask {
  std::vector<wire::ChatMessage> messages;
  std::string prompt;
  bool raw = false;
  std::int32_t tokens_max = 256;
  std::vector<std::string> stop;
  wire::Sampling sampling;
  bool cut_to_window = false;      // See wire::Generate.
  std::int32_t window_tokens = 0;  // The same.
  bool refuse_when_busy = false;   // queue_full unless the task can start at once.
  wire::ChatOptions chat = {};
  Adapter adapter = {};
  Payer payer = {};
  // Told and booked as the tokens of the prompt, where the weights are given more than the caller's
  // text: of an emulation, its instruction.
  std::optional<std::int32_t> prompt_tokens_told = {};
  // Called when the stream was given up before its end, once it is known what was used until then:
  // maybe much later, maybe never, maybe for a stream that ended as well.
  std::function<void(const Usage&)> given_up = {};
};

struct Piece {
  std::string text;  // Whole UTF-8 characters; may be empty on the last one.
  std::vector<wire::TokenLogprob> logprobs;  // Tokens complete with this text, when asked for.
  bool last = false;
  wire::FinishReason reason = wire::FinishReason::stop;  // Of the last one.
  Usage usage;                                           // Of the last one.
  std::string reasoning = {};
  std::vector<wire::ToolCallDelta> tool_calls = {};
  std::string stop = {};  // Of the last one: the stop string that ended it, if one did.
};

// The completion of one generation. Destroying it cancels the task: a client that leaves costs one
// batch at most.
class TokenStream {
 public:
  virtual ~TokenStream() = default;
  // The next piece; after the last one it must not be called again.
  // Errors: model_crashed, deadline_exceeded, context_overflow, cancelled, internal.
  virtual asio::awaitable<Result<Piece>> next() = 0;
};

// What the embedded text is, for models that were trained with prefixes. `plain`: not known (a REST
// call); the query prefix is used on both sides then.
enum class EmbedRole : std::uint8_t { plain, query, passage };

struct EmbedTask {
  std::vector<std::string> texts;
  wire::Pooling pooling = wire::Pooling::mean;
  EmbedRole role = EmbedRole::plain;
  bool refuse_when_busy = false;  // As in GenerateTask.
  Payer payer = {};
};

struct Embeddings {
  std::int32_t dimensions = 0;  // What the id promises: the model's own values, zero-padded to it.
  std::vector<float> values;    // [texts x dimensions], row-major, each row of length 1.
  Usage usage;
};

struct TokenSpans {
  std::vector<std::int32_t> ids;
  std::vector<std::uint32_t> ends;  // Byte offset where each token ends.
};

struct RankTask {
  std::string query;  // Empty: the texts are labelled.
  std::vector<std::string> texts;
  bool refuse_when_busy = false;  // As in GenerateTask.
  Payer payer = {};
};

struct Ranks {
  std::vector<float> scores;        // As in wire::Ranks.
  std::vector<std::string> labels;  // The same.
  Usage usage;
};

struct TranscribeTask {
  wire::Transcribe request;       // Its task number is not looked at.
  bool refuse_when_busy = false;  // As in GenerateTask.
  Payer payer = {};
};

struct DrawTask {
  wire::Draw request;             // Its task number is not looked at.
  bool refuse_when_busy = false;  // As in GenerateTask.
  Payer payer = {};
};

// How far a task is that takes long, and at last what came of it.
template <class Outcome>
struct WorkEvent {
  std::int32_t done = 0;   // Steps of a picture, seconds of audio.
  std::int32_t total = 0;  // 0 = not known.
  std::optional<Outcome> outcome = {};
};

// One such task under way. Destroying it cancels the task.
template <class Outcome>
class WorkStream {
 public:
  virtual ~WorkStream() = default;
  // The next event; after the one with the outcome it must not be called again.
  // Errors: those of TokenStream::next, file_invalid.
  virtual asio::awaitable<Result<WorkEvent<Outcome>>> next() = 0;
};
using DrawStream = WorkStream<wire::Picture>;
using TranscribeStream = WorkStream<wire::Transcript>;

// Waits for what comes of it. Errors: those of WorkStream::next.
template <class Outcome>
asio::awaitable<Result<Outcome>> outcome_of(WorkStream<Outcome>& stream) {
  for (;;) {
    auto next = co_await stream.next();
    if (!next.ok()) co_return std::move(next.error());
    if (next->outcome) co_return std::move(*next->outcome);
  }
}

enum class RunnerState : std::uint8_t { starting, ready, backing_off };

struct RunnerStatus {
  std::string model;  // Name of the weights.
  RunnerState state = RunnerState::starting;
  int pid = 0;
  std::uint64_t memory_bytes = 0;
  std::size_t tasks_active = 0;
  std::size_t tasks_waiting = 0;
  std::int32_t threads = 0;  // Granted now.
  std::uint64_t restarts = 0;
};

// Everything is called on the I/O thread. A model is loaded by its first task and unloaded when
// idle.
class Inference {
 public:
  virtual ~Inference() = default;

  // Returns when the task is accepted (the model may still be loading). `model` is copied.
  // Errors: queue_full, memory_budget_exceeded, unavailable; later ones come from the stream.
  virtual asio::awaitable<Result<std::unique_ptr<TokenStream>>> generate(
      const catalog::Resolved& model, GenerateTask task) = 0;

  // Errors: as generate, and those of TokenStream::next.
  virtual asio::awaitable<Result<Embeddings>> embed(const catalog::Resolved& model,
                                                    EmbedTask task) = 0;

  // How the model cuts `text` into tokens. Errors: as embed.
  virtual asio::awaitable<Result<TokenSpans>> tokenize(const catalog::Resolved& model,
                                                       std::string text) = 0;

  // Errors: as embed.
  virtual asio::awaitable<Result<Ranks>> rank(const catalog::Resolved& model, RankTask task) = 0;

  // Returns when the task is accepted. Errors: as generate.
  virtual asio::awaitable<Result<std::unique_ptr<TranscribeStream>>> transcribe(
      const catalog::Resolved& model, TranscribeTask task) = 0;

  // Returns when the task is accepted. Errors: as generate.
  virtual asio::awaitable<Result<std::unique_ptr<DrawStream>>> draw(const catalog::Resolved& model,
                                                                    DrawTask task) = 0;

  virtual std::vector<RunnerStatus> status() const = 0;

  // Refuses new tasks, ends the running ones with `unavailable`, and stops the runners.
  virtual asio::awaitable<void> shut_down() = 0;
};

}  // namespace selvedge::inference
