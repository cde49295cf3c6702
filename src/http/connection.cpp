// One coroutine a connection. The client's leaving cancels this coroutine as a whole, and with it
// whatever handler or stream it waits for.
#include "http/connection.h"

#include <cstdio>
#include <exception>
#include <typeinfo>

#include <boost/asio.hpp>
#include <boost/core/demangle.hpp>

#include "base/log.h"
#include "http/response_head.h"
#include "http/text.h"

namespace selvedge::http {
namespace {

constexpr int kLingerMs = 1'000;
// Read ahead while a request is answered: enough for pipelined requests of the usual size.
constexpr std::size_t kAheadBytesMax = 32 * 1024;

std::string type_of(const std::exception& exception) {
  return boost::core::demangle(typeid(exception).name());
}

// The answer to "OPTIONS *".
Response server_options() {
  Response response;
  response.status = 204;
  response.headers.set("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
  return response;
}

std::string chunk_head(std::size_t bytes) {
  std::array<char, 24> text = {};
  std::snprintf(text.data(), text.size(), "%zx\r\n", bytes);
  return text.data();
}

}  // namespace

Connection::Connection(std::shared_ptr<ServerState> state, asio::ip::tcp::socket socket)
    : state_(std::move(state)),
      line_(std::make_shared<Line>(std::move(socket))),
      reader_(*line_, state_->options, state_->bodies) {}

void Connection::start(const asio::any_io_executor& executor) {
  state_->connections.emplace(this, shared_from_this());
  auto ended = [self = shared_from_this()](std::exception_ptr) {
    self->line_->close();
    self->state_->connections.erase(self.get());
    if (self->state_->on_removed) self->state_->on_removed();
  };
  asio::co_spawn(executor, run(), asio::bind_cancellation_slot(signal_.slot(), std::move(ended)));
}

void Connection::stop() {
  const auto self = shared_from_this();
  leave();
  line_->close();
}

void Connection::leave() {
  if (gone_) return;
  gone_ = true;
  signal_.emit(asio::cancellation_type::terminal);
}

asio::awaitable<void> Connection::run() {
  bool more = true;
  while (more) more = co_await serve_one();
  if (!gone_) co_await line_->linger(kLingerMs);
}

asio::awaitable<bool> Connection::serve_one() {
  idle_ = true;
  const std::function<void()> on_head = [this] { idle_ = false; };
  Incoming incoming = co_await reader_.next(on_head);
  if (incoming.ended || gone_) co_return false;
  idle_ = false;
  bool more = false;
  if (incoming.refusal) {
    const Refusal& refusal = *incoming.refusal;
    Response response = error_response(refusal.status, refusal.code, refusal.message,
                                       incoming.target_known ? &incoming.request : nullptr);
    co_await send(std::move(response), incoming, false);
  } else {
    more = co_await answer(std::move(incoming));
  }
  // A client that pipelines does not keep the others waiting.
  if (more && !line_->input().empty()) co_await line_->yield();
  idle_ = true;
  co_return more && !state_->ending;
}

asio::awaitable<bool> Connection::answer(Incoming incoming) {
  if (incoming.request.path == "*") {
    const bool goes_on = incoming.keep_alive && !state_->ending;
    const bool told = co_await send(server_options(), incoming, goes_on);
    co_return told&& goes_on;
  }
  line_->watch(kAheadBytesMax, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->leave();
  });
  const bool wants_close = !incoming.keep_alive;
  // The request moves into the handler; what the answer needs of it stays.
  Incoming kept;
  kept.http_1_0 = incoming.http_1_0;
  kept.hold = std::move(incoming.hold);
  kept.request.method = incoming.request.method;
  std::optional<Response> response = co_await call_handler(std::move(incoming.request));
  if (!response || gone_) co_return false;
  const bool closes = equal_caseless(response->headers.get("connection"), "close");
  const bool keep_alive = !wants_close && !closes && !state_->ending;
  const bool sent = co_await send(std::move(*response), kept, keep_alive);
  line_->stop_watching();
  co_return sent&& keep_alive;
}

asio::awaitable<std::optional<Response>> Connection::call_handler(Request request) {
  // For the shape of an error, should one be needed after the handler took the request.
  Request outline;
  outline.method = request.method;
  outline.target = request.target;
  outline.path = request.path;
  outline.headers = request.headers;
  std::string thrown;
  try {
    auto answering = state_->options.handler(std::move(request));
    Response response = co_await std::move(answering);
    co_return response;
  } catch (const std::exception& exception) {
    thrown = type_of(exception);
  } catch (...) {
    thrown = "unknown";
  }
  if (gone_) co_return std::nullopt;
  log::error("http: a handler threw {}", thrown);
  co_return error_response(500, Code::internal, "internal error", &outline);
}

asio::awaitable<bool> Connection::send(Response response, const Incoming& incoming,
                                       bool keep_alive) {
  HeadOptions head;
  head.http_1_0 = incoming.http_1_0;
  head.keep_alive = keep_alive;
  head.length = response.body.size();
  const bool bodiless = never_has_body(response.status);
  const bool is_head = incoming.request.method == "HEAD";
  if (bodiless) {
    head.form = BodyForm::none;
  } else if (response.stream) {
    head.form = incoming.http_1_0 ? BodyForm::until_close : BodyForm::chunked;
    if (incoming.http_1_0 && !is_head) head.keep_alive = false;
  }
  const std::string bytes = response_head(response, head);
  Line::Parts parts = {bytes, "", ""};
  if (head.form == BodyForm::sized && !is_head) parts[1] = response.body;
  const int stall_ms_max = state_->options.limits.stream_stall_ms_max;
  bool sent = co_await line_->write(parts, stall_ms_max);
  if (sent && response.stream && !bodiless && !is_head)
    sent = co_await send_pieces(*response.stream, head.form == BodyForm::chunked);
  co_return sent&& head.keep_alive == keep_alive;
}

asio::awaitable<bool> Connection::send_pieces(BodyStream& stream, bool chunked) {
  const int stall_ms_max = state_->options.limits.stream_stall_ms_max;
  std::string thrown;
  try {
    while (true) {
      std::optional<std::string> piece = co_await stream.next();
      if (gone_) co_return false;
      if (!piece) break;
      if (piece->empty()) continue;  // An empty chunk would end the body.
      const std::string size = chunked ? chunk_head(piece->size()) : "";
      const Line::Parts parts = {size, *piece, chunked ? "\r\n" : ""};
      const bool sent = co_await line_->write(parts, stall_ms_max);
      if (!sent) {
        gone_ = true;  // Stalled or broken: there is nobody to linger for.
        co_return false;
      }
    }
  } catch (const std::exception& exception) {
    thrown = type_of(exception);
  } catch (...) {
    thrown = "unknown";
  }
  if (gone_) co_return false;
  if (!thrown.empty()) {
    // Without the last chunk the client sees that the body is not whole.
    log::error("http: a body stream threw {}", thrown);
    gone_ = true;
    co_return false;
  }
  if (stream.broken()) {
    gone_ = true;
    co_return false;
  }
  const Line::Parts end = {chunked ? "0\r\n\r\n" : "", "", ""};
  const bool sent = co_await line_->write(end, stall_ms_max);
  co_return sent;
}

Response Connection::error_response(int status, Code code, const std::string& message,
                                    const Request* request) const {
  Response response;
  if (state_->options.error_body) {
    response = state_->options.error_body(status, code, message, request);
  } else {
    response.headers.set("Content-Type", "text/plain; charset=utf-8");
    response.body = message + "\n";
  }
  response.status = status;
  const bool retry = status == 429 || status == 503;
  if (retry && !response.headers.has("retry-after")) response.headers.set("Retry-After", "1");
  return response;
}

}  // namespace selvedge::http
