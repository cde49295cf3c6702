// OpenAI answer: choices of one call as one object, or as the chunks of a stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/choice_pieces.h"
#include "api/openai_logprobs.h"
#include "api/sse.h"
#include "api/tool_calls.h"
#include "catalog/catalog.h"
#include "inference/inference.h"

namespace selvedge::api {

// What is known of one choice: all of it, or what a chunk adds.
struct Choice {
  std::string text;
  TokenLogprobs logprobs;  // nullopt where they were not asked for.
  wire::FinishReason reason = wire::FinishReason::stop;
  std::string reasoning = {};
  std::vector<ToolCall> tool_calls = {};      // Of a whole choice.
  std::vector<ToolCalls::Added> called = {};  // What a chunk adds to them.
  bool calls_tools = false;                   // Some call has come, with this piece or before.
};

// "stop" or "length".
std::string_view finish_reason_name(wire::FinishReason reason);
// "tool_calls", where tools were called and nothing cut them off.
std::string_view finish_reason_name(const Choice& choice);

// How one kind of object writes its choices. Each call appends one element of `choices`.
class OpenAiForm {
 public:
  virtual ~OpenAiForm() = default;
  virtual std::string_view id_prefix() const = 0;
  virtual std::string_view object(bool chunk) const = 0;
  virtual void append_choice(std::string& json, std::size_t index, const Choice& choice) const = 0;
  // Before the first piece of a choice; appends nothing where the kind has no such chunk.
  virtual void append_first(std::string& json, std::size_t index) const = 0;
  virtual void append_piece(std::string& json, std::size_t index, const Choice& piece) = 0;
  // Of `last` only what ended it is looked at.
  virtual void append_last(std::string& json, std::size_t index, const Choice& last) const = 0;
};

// What the objects of one call share: id, time, model, fingerprint of the weights, and the price.
struct OpenAiHead {
  std::string uuid;            // The id is made of it.
  std::int64_t created_s = 0;  // Since 1970.
  std::string model;           // As asked for.
  std::string fingerprint;
  const catalog::ModelEntry* entry = nullptr;  // For the price.
  std::size_t choices_per_prompt = 1;          // A prompt is paid for once.
  bool logprobs = false;
  bool include_usage = false;  // In a stream.
  bool null_usage = true;      // Then: null on the chunks before the one that has it.
};

struct OpenAiWhole {
  std::string json;
  double neurons = 0;
};

// Reads all choices to their end. Errors: those of TokenStream::next.
asio::awaitable<Result<OpenAiWhole>> whole_answer(
    std::vector<std::unique_ptr<inference::TokenStream>> streams, const OpenAiHead& head,
    const OpenAiForm& form);

// The chunks of a streamed answer, [DONE] at the end. Choices are told apart by their `index` and
// interleave as they come.
class OpenAiEvents final : public EventSource {
 public:
  // `error_json` makes the door's form of an error.
  OpenAiEvents(std::vector<std::unique_ptr<inference::TokenStream>> streams, OpenAiHead head,
               std::unique_ptr<OpenAiForm> form,
               std::function<std::string(const Error&)> error_json);
  asio::awaitable<Result<std::optional<std::string>>> next() override;
  std::string error_event(const Error& error) override;

 private:
  void add_chunk(std::string& events, std::string_view choice);
  void add_piece(std::string& events, std::size_t index, inference::Piece piece);
  void add_end(std::string& events);

  OpenAiHead head_;
  std::unique_ptr<OpenAiForm> form_;
  std::function<std::string(const Error&)> error_json_;
  ChoicePieces pieces_;
  std::string chunk_begin_;  // Up to the choices.
  std::vector<bool> begun_;
  std::vector<ToolCalls> calls_;  // By choice.
  inference::Usage usage_;
  bool ended_ = false;
};

}  // namespace selvedge::api
