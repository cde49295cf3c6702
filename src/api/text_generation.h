// Text generation: the legacy native shape of Workers AI, from JSON to a task and from pieces to
// JSON.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "api/rules.h"
#include "api/sse.h"
#include "api/tool_calls.h"
#include "inference/inference.h"

namespace selvedge::api {

// What `response` is.
enum class ResponseKind : std::uint8_t {
  text,
  json,     // The value that the completion is the text of.
  verdict,  // Llama Guard's, as {"safe","categories"}.
};

struct GenerateCall {
  inference::GenerateTask task;
  bool stream = false;
  std::string lora = {};  // Id or name of a fine-tune; empty = none.
  ResponseKind kind = ResponseKind::text;
};

// `input` has met the model's schema (ModelInputs::check). What is left to refuse: roles and parts
// that nobody knows, and fields that are not served. Errors: invalid_input. Source:
// docs/compatibility.md#text-generation.
Result<GenerateCall> parse_generate(const nlohmann::json& input, const Rules& rules = Rules());

// GenerateTask::window_tokens of a call under `rules`.
std::int32_t window_of(const Rules& rules, const catalog::ModelEntry& entry);

struct Completion {
  std::string text;
  std::vector<ToolCall> tool_calls = {};
  inference::Usage usage = {};
};

// {"response":"…","tool_calls"?:[…],"usage":{…}}; the usage with the call's price. `response` is
// null beside calls, where the model said nothing else. Errors: json_mode_unmet.
Result<std::string> generate_result(const Completion& completion, ResponseKind kind,
                                    double neurons);

// "unsafe\nS1,S9" as {"safe":false,"categories":["S1","S9"]}.
std::string verdict_json(std::string_view text);
// All pieces of `stream` put together. Errors: those of TokenStream::next.
asio::awaitable<Result<Completion>> collect(inference::TokenStream& stream);

// The events of a streamed completion: {"response":"…","p":"…"} each, one with the tool calls where
// there are any, one with the usage, [DONE].
// `p` is padding of random length, so that the sizes of packets do not tell the tokens.
class CompletionEvents final : public EventSource {
 public:
  // `error_json` makes the door's form of an error; `entry` has the prices and outlives this; the
  // padding follows from `padding_seed`.
  CompletionEvents(std::unique_ptr<inference::TokenStream> stream, const catalog::ModelEntry& entry,
                   std::function<std::string(const Error&)> error_json, unsigned padding_seed);
  asio::awaitable<Result<std::optional<std::string>>> next() override;
  std::string error_event(const Error& error) override;

 private:
  std::string text_event(std::string_view text);

  std::unique_ptr<inference::TokenStream> stream_;
  const catalog::ModelEntry& entry_;
  std::function<std::string(const Error&)> error_json_;
  std::minstd_rand padding_;
  ToolCalls calls_;
  bool ended_ = false;
};

}  // namespace selvedge::api
