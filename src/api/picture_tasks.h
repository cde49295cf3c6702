// Picture tasks: captions and labels of a picture, by a text model that reads pictures.
#pragma once

#include <string>

#include <boost/asio/awaitable.hpp>
#include <nlohmann/json_fwd.hpp>

#include "api/context.h"
#include "catalog/catalog.h"
#include "inference/inference.h"

namespace selvedge::api {

namespace asio = boost::asio;

struct PictureCall {
  inference::GenerateTask task;
  bool labels = false;  // Image classification; else a caption.
};

// `input` has met the model's schema; its `image` is taken out. `file`: the picture, where it came
// as the body itself. Errors: invalid_input.
Result<PictureCall> parse_picture_call(nlohmann::json& input, std::string file,
                                       const catalog::ModelEntry& entry);

struct PictureAnswer {
  std::string text;  // What the model said.
  std::string json;  // {"description":"…"}, or [{"score":0.61,"label":"tabby cat"}].
  inference::Usage usage;
};

// Asks `model`. A label is what the model calls the main thing in the picture, in its own words,
// and its score how likely the model was to say so: the product of its tokens' probabilities. There
// is one: the scores of further ones would be another question's. Errors: those of
// Inference::generate and TokenStream::next.
asio::awaitable<Result<PictureAnswer>> run_picture_call(const ApiContext& context,
                                                        const catalog::Resolved& model,
                                                        PictureCall call);

}  // namespace selvedge::api
