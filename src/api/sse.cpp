// SSE: the first event is read beside a timer, all others straight from the source.
#include "api/sse.h"

#include <exception>
#include <utility>

#include <boost/asio.hpp>

#include "base/log.h"

namespace selvedge::api {
namespace {

using Event = Result<std::optional<std::string>>;

// Shared by the body and by the coroutine that reads the first event, which outlives a body that is
// destroyed meanwhile until its cancellation has taken effect.
struct FirstEvent {
  explicit FirstEvent(const asio::any_io_executor& executor) : ready(executor) {}
  std::unique_ptr<EventSource> source;
  std::optional<Event> event;
  asio::steady_timer ready;  // Cancelled when `event` is there.
  asio::cancellation_signal stop;
};

asio::awaitable<void> read_first(std::shared_ptr<FirstEvent> first) {
  try {
    auto event = co_await first->source->next();
    first->event.emplace(std::move(event));
  } catch (const boost::system::system_error& failure) {
    // Asio's way of unwinding a cancelled coroutine; nobody waits for the event any more.
    if (failure.code() != asio::error::operation_aborted) {
      log::error("a stream ended by an exception: {}", failure.what());
    }
    first->event.emplace(Error{Code::cancelled, "cancelled"});
  } catch (const std::exception& failure) {
    log::error("a stream ended by an exception: {}", failure.what());
    first->event.emplace(Error{Code::internal, "internal error"});
  }
  first->ready.cancel();
}

class SseBody final : public http::BodyStream {
 public:
  SseBody(std::unique_ptr<EventSource> source, SseTimes times,
          const asio::any_io_executor& executor)
      : times_(times), first_(std::make_shared<FirstEvent>(executor)) {
    first_->source = std::move(source);
    asio::co_spawn(executor, read_first(first_),
                   asio::bind_cancellation_slot(first_->stop.slot(), asio::detached));
  }
  SseBody(const SseBody&) = delete;
  SseBody& operator=(const SseBody&) = delete;
  ~SseBody() override {
    if (reading_first_ && !first_->event) first_->stop.emit(asio::cancellation_type::terminal);
  }

  // Waits for the first event; true when it is there.
  asio::awaitable<bool> wait(std::chrono::milliseconds time) {
    if (first_->event) co_return true;
    first_->ready.expires_after(time);
    boost::system::error_code ignored;
    auto token = asio::redirect_error(asio::use_awaitable, ignored);
    co_await first_->ready.async_wait(token);
    co_return first_->event.has_value();
  }

  const std::optional<Event>& first_event() const { return first_->event; }

  asio::awaitable<std::optional<std::string>> next() override {
    if (ended_) co_return std::nullopt;
    if (reading_first_) {
      const bool there = co_await wait(times_.ping);
      if (!there) co_return std::string(": ping\n\n");
      reading_first_ = false;
      co_return written(*std::move(first_->event));
    }
    auto event = co_await first_->source->next();
    co_return written(std::move(event));
  }

 private:
  std::optional<std::string> written(Event event) {
    if (!event.ok()) {
      ended_ = true;
      return first_->source->error_event(event.error());
    }
    if (!event.value()) ended_ = true;
    return std::move(event).value();
  }

  SseTimes times_;
  std::shared_ptr<FirstEvent> first_;
  bool reading_first_ = true;
  bool ended_ = false;
};

}  // namespace

std::string sse_event(std::string_view json) {
  std::string event;
  event.reserve(json.size() + 8);
  event += "data: ";
  event += json;
  event += "\n\n";
  return event;
}

asio::awaitable<Result<http::Response>> sse_response(std::unique_ptr<EventSource> source,
                                                     SseTimes times) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  auto body = std::make_unique<SseBody>(std::move(source), times, executor);
  const bool there = co_await body->wait(times.head_max);
  if (there && !body->first_event()->ok()) co_return body->first_event()->error();
  http::Response response;
  response.headers.set("content-type", "text/event-stream");
  response.headers.set("cache-control", "no-cache");
  response.stream = std::move(body);
  co_return std::move(response);
}

}  // namespace selvedge::api
