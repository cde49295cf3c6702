// Bot door: the routes of the RAG bot's own port: knowledge in, questions in, streamed answers out.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "api/access_log.h"
#include "api/context.h"
#include "api/router.h"
#include "api/test_kit.h"
#include "base/result.h"
#include "http/message.h"
#include "rag/bot.h"

namespace selvedge::api {

// POST /knowledge/add {"text","id"?}: {"message":"Indexed successfully"}; the id is in the header
//   selvedge-id.
// GET /knowledge?cursor=&limit=: {"items":[{"id","text","chunks"}],"total_chunks","next"}.
// DELETE /knowledge/{id}.
// POST /chat?answer=auto|model|quote&sources=1 {"question"}: text/event-stream.
// GET /imagine?prompt=&seed=&steps=&width=&height=: image/png.
// GET /health, GET /.
//
// Bodies are JSON whatever their content type says: curl's -d sends JSON as a form. Errors are
// plain_error().
class BotDoor {
 public:
  // `bot` must outlive the door, and the door the server that it answers for. `kit`: null is an
  // idle one.
  // `drawing`: whose models draw, and where pictures are kept; outlives the door. Null: none draw.
  explicit BotDoor(rag::Bot& bot, std::shared_ptr<TestKit> kit = nullptr,
                   const ApiContext* drawing = nullptr);
  BotDoor(const BotDoor&) = delete;
  BotDoor& operator=(const BotDoor&) = delete;

  // On the I/O thread. For http::ServerOptions::handler, error_body and body_limit.
  asio::awaitable<http::Response> handle(http::Request request);
  static http::Response error_body(int status, Code code, std::string_view message,
                                   const http::Request* request);
  std::size_t body_limit(const http::Request& request) const;

 private:
  // What dispatch() answers, after what the test kit has to do with it.
  asio::awaitable<http::Response> answer_with_kit(http::Request& request);
  asio::awaitable<http::Response> dispatch(http::Request& request);
  asio::awaitable<Result<http::Response>> add(const http::Request& request);
  asio::awaitable<Result<http::Response>> list(const http::Request& request);
  asio::awaitable<Result<http::Response>> remove(const PathParameters& parameters);
  asio::awaitable<Result<http::Response>> chat(const http::Request& request);
  asio::awaitable<Result<http::Response>> imagine(const http::Request& request);
  void add_knowledge_routes();
  void add_other_routes();

  rag::Bot& bot_;
  std::shared_ptr<TestKit> kit_;
  const ApiContext* drawing_;
  Router router_;
  RequestCounts counts_;
};

}  // namespace selvedge::api
