// OpenAI images: pictures from a prompt, in OpenAI's shape.
#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "api/context.h"
#include "api/drawing.h"
#include "api/openai_fields.h"
#include "http/message.h"

namespace selvedge::api {

struct OpenAiImagesCall {
  std::string model;
  inference::DrawTask task;
  DrawingForm form = DrawingForm::png;
  std::int32_t count = 1;
  bool says_steps = false;
  bool says_guidance = false;
};

// `{prompt, model?, n? 1…4, size? "auto" | "<width>x<height>", response_format? "b64_json",
// output_format? "png" | "jpeg", stream? false}` and, beyond OpenAI, the inputs `negative_prompt`,
// `steps`, `guidance` and `seed`. Of n pictures each has the next seed. Source:
// docs/compatibility.md#openai.
OpenAiParsed<OpenAiImagesCall> parse_openai_images(const nlohmann::json& body);

// {"created","data":[{"b64_json"}],"output_format","size","usage"?}: a POST of images/generations.
asio::awaitable<http::Response> openai_images(const ApiContext& context,
                                              const http::Request& request, inference::Payer payer);

}  // namespace selvedge::api
