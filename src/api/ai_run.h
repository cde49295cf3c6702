// AI run: one model call, the same for every door: find the model, check the input, do it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "api/context.h"
#include "api/run_options.h"
#include "api/sse.h"

namespace selvedge::api {

namespace asio = boost::asio;

// What is asked for, beside the inputs.
struct AiCall {
  std::string model;
  std::string request_id = {};  // A UUID; ids and padding in the answer follow from it.
  RunOptions options = RunOptions();
  inference::Payer payer = {};
  std::string file = {};       // An input that came as a stream beside the others: audio.
  std::string file_type = {};  // Its content type, as sent.
  std::string body_type = {};  // That of the inputs, as sent: a form is told by it.
  // The door's form of an error in the middle of a stream.
  std::function<std::string(const Error&)> error_json;
};

// What a call gave: a result, a file, or the events of a stream when the input asked for one.
struct AiAnswer {
  catalog::Resolved model;
  std::string result_json;              // When there is neither stream nor file.
  std::string bytes = {};               // A file, answered as it is.
  std::string bytes_type = {};          // Its content type; empty = there is none.
  std::optional<double> neurons;        // What it cost; of a stream its last event tells.
  std::unique_ptr<EventSource> events;  // Else null.
  std::vector<std::pair<std::string, std::string>> headers = {};  // Of the answer, besides.
};

// Errors: model_not_found; model_deprecated (under hosted rules).
Result<const catalog::ModelEntry*> find_model(const ApiContext& context, const std::string& model);

// `input` is the JSON text of the model's inputs, which may hold `options` too; for a speech model
// also the file itself. Errors: body_too_large (for a model that takes no files),
// model_not_found, model_deprecated, model_not_installed, model_unsupported, invalid_json,
// invalid_input, missing_body, not_served, those of Inference. Texts that clients search for are
// those of the hosted service.
asio::awaitable<Result<AiAnswer>> run_model(const ApiContext& context, AiCall call,
                                            std::string_view input);

// The same with inputs that were parsed already; an object.
asio::awaitable<Result<AiAnswer>> run_inputs(const ApiContext& context, AiCall call,
                                             nlohmann::json inputs);

}  // namespace selvedge::api
