// OpenAI run: one generation of either kind, from its tasks to the whole answer or the stream.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "api/context.h"
#include "api/openai_answer.h"
#include "api/openai_call.h"

namespace selvedge::api {

struct OpenAiAnswer {
  std::string json;  // When there is no stream.
  double neurons = 0;
  std::unique_ptr<EventSource> events;  // When the call asked for a stream.
};

// How a call is answered: its kind of object, the door's form of an error in mid-stream, and the
// UUID that the object's id is made of, and who pays.
struct OpenAiWay {
  std::unique_ptr<OpenAiForm> form;
  std::function<std::string(const Error&)> error_json;
  std::string request_id;
  inference::Payer payer;
};

// Starts all choices at once. Errors: those of find_adapter, Inference::generate and
// TokenStream::next.
asio::awaitable<Result<OpenAiAnswer>> run_openai(const ApiContext& context,
                                                 const catalog::Resolved& model, OpenAiCall call,
                                                 OpenAiWay way);

// A call of `ai/run` for a model of the OpenAI generation: the path names the model, the body has
// `messages`, or a `prompt`. A stream always tells its usage. Errors: invalid_input.
struct NativeOpenAiCall {
  OpenAiCall call;
  std::unique_ptr<OpenAiForm> form;
};
Result<NativeOpenAiCall> parse_native_openai(const nlohmann::json& inputs, std::string model,
                                             const Rules& rules = Rules());

}  // namespace selvedge::api
