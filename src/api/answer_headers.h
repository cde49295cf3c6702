// Answer headers: what every door tells of a model call beside its answer.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "catalog/catalog.h"
#include "http/message.h"

namespace selvedge::api {

// The value of `selvedge-model`: the weights that answered, "…; stand-in" where they are not the
// model's own, "…; emulation" where a text model is told to do what the model does, and "…; alias
// of
// @cf/…" where the model was asked for by an alias.
std::string answered_by(const catalog::Resolved& model);

// Sets `selvedge-model` to `weights`, `cf-ai-req-id`, and `cf-ai-neurons` where they are known (of
// a stream its last event tells).
void set_answer_headers(http::Response& response, std::string weights, std::string_view request_id,
                        std::optional<double> neurons);

}  // namespace selvedge::api
