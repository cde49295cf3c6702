// OpenAI body: the JSON of a request of one of OpenAI's forms, read into what it asks for.
#pragma once

#include <utility>

#include <boost/asio/awaitable.hpp>
#include <nlohmann/json.hpp>

#include "api/chat_options.h"
#include "api/context.h"
#include "api/inline_work.h"
#include "api/openai_fields.h"
#include "api/openai_routes.h"
#include "http/message.h"

namespace selvedge::api {

// What `parse` makes of the body's object: an OpenAiParsed of some call, or the fault that the body
// is none. Parsing and reading fields happen off the I/O thread where the body is large; `request`
// outlives them.
template <class Parse>
auto parse_openai_body(const ApiContext& context, const http::Request& request, Parse parse)
    -> asio::awaitable<decltype(parse(nlohmann::json()))> {
  using Parsed = decltype(parse(nlohmann::json()));
  auto work = [&body = request.body, parse]() -> Parsed {
    auto read = parse_ordered_object(body);
    if (!read.ok()) return OpenAiFault{openai_wording(read.error()), {}, {}};
    return parse(read.value());
  };
  auto parsed = co_await inline_or_offload(context.pool, request.body.size(), kInlineBodyBytes,
                                           std::move(work));
  co_return std::move(parsed);
}

}  // namespace selvedge::api
