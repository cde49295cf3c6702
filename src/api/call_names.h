// Call names: what a request asks for, in the words by which the test kit's switches name calls.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace selvedge::api {

enum class Product : std::uint8_t { none, ai, vectorize, bot };

// One call has the same names at whichever door it comes in.
//   a model call       "ai/run", "ai/run/<model>", "<model>", the last two also without the '@';
//                      through an OpenAI door also "ai/v1/chat/completions" and so on
//   a call of an index "vectorize/query", "vectorize/query/<index>", "<index>"; in place of `query`
//                      insert, upsert, get_by_ids, delete_by_ids, list, info, get_index,
//                      delete_index, update_index, metadata_index/create, …/list, …/delete
//   of all indexes     "vectorize/create_index", "vectorize/list_indexes"
//   other AI paths     the path behind the account: "ai/models/search"
//   the bot            the path: "bot/chat", "bot/knowledge/add", "bot/knowledge"
// `none`: pages about the server itself, and paths that nobody knows.
struct CallNames {
  Product product = Product::none;
  std::vector<std::string> names;
  std::string target;  // The model or the index, where the request says it; for messages.
};

// Of a request at the API port that came by a REST or OpenAI path. Its body is read only to find
// the model where the path does not name it.
CallNames rest_call_names(http::Request& request);

// Of a binding's request that was unwrapped (unwrap_binding).
CallNames ai_binding_call_names(const http::Request& request);
CallNames vectorize_binding_call_names(const http::Request& request);

// Of a request at the bot's port.
CallNames bot_call_names(const http::Request& request);

}  // namespace selvedge::api
