// Text generation: the legacy native shape of Workers AI, from JSON to a task and from pieces to
// JSON.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "api/rules.h"
#include "api/sse.h"
#include "inference/inference.h"

namespace selvedge::api {

struct GenerateCall {
  inference::GenerateTask task;
  bool stream = false;
  std::string lora = {};  // Id or name of a fine-tune; empty = none.
};

// `input` has met the model's schema (ModelInputs::check). What is left to refuse: roles and parts
// that nobody knows, and fields that are not served. Errors: invalid_input. Source:
// docs/compatibility.md#text-generation.
Result<GenerateCall> parse_generate(const nlohmann::json& input, const Rules& rules = Rules());

// GenerateTask::window_tokens of a call under `rules`.
std::int32_t window_of(const Rules& rules, const catalog::ModelEntry& entry);

// {"response":"…","usage":{…}}; the usage with the call's price.
std::string generate_result(std::string_view text, const inference::Usage& usage, double neurons);

struct Completion {
  std::string text;
  inference::Usage usage;
};
// All pieces of `stream` put together. Errors: those of TokenStream::next.
asio::awaitable<Result<Completion>> collect(inference::TokenStream& stream);

// The events of a streamed completion: {"response":"…","p":"…"} each, one with the usage, [DONE].
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
  bool ended_ = false;
};

}  // namespace selvedge::api
