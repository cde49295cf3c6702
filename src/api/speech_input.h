// Speech input: the bytes of an audio file out of a request, whichever way they came.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/result.h"

namespace selvedge::api {

// Inputs of a speech model. Where `audio` came as the body itself or as a list of bytes it is in
// `bytes`, and the member in `inputs` is an empty list, so that they can be held against the
// schema.
struct SpeechInput {
  nlohmann::json inputs;
  std::string bytes;
  bool is_body = false;  // The file came by itself: there is no JSON that a schema could judge.
};

// A body that does not begin as a JSON object is the file. Of JSON, a list of bytes is read without
// a value for each: thirty seconds are megabytes of numbers. Errors: missing_body, invalid_json,
// invalid_input (a byte that is none).
Result<SpeechInput> read_speech_input(std::string_view body);

// The same of inputs that were parsed already.
Result<SpeechInput> speech_input_of(nlohmann::json inputs);

}  // namespace selvedge::api
