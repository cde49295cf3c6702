// OpenAI models: which models answer here, and the names they may be asked for by.
#pragma once

#include <string>
#include <string_view>

#include "api/context.h"

namespace selvedge::api {

// The Cloudflare id that a client's model name means: `@cf/…` as it is, also `cf/…` and
// `workers-ai/@cf/…`, which clients that take the first part for a provider send.
std::string cloudflare_model_id(std::string_view name);

// {"object":"list","data":[…]}: the text, embedding and speech models that have weights on this
// disk. Reads the disk: for the worker pool.
std::string openai_model_list(const ApiContext& context);

// {"id","object":"model","created","owned_by"}. `created` is 0 where Cloudflare does not tell.
// Errors: model_not_found, model_not_installed, model_unsupported, model_deprecated.
Result<std::string> openai_model(const ApiContext& context, std::string_view name);

// What answers for `name` in a call of `task`. Errors: as openai_model; the messages are OpenAI's.
Result<catalog::Resolved> resolve_openai_model(const ApiContext& context, std::string_view name,
                                               catalog::Task task);

}  // namespace selvedge::api
