// SSE: events out of a source, as an HTTP body that keeps the line alive while nothing comes.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "base/result.h"
#include "http/message.h"

namespace selvedge::api {

namespace asio = boost::asio;

// "data: <json>\n\n". `json` holds no line break (JSON of this layer never does).
std::string sse_event(std::string_view json);
inline constexpr std::string_view kSseDone = "data: [DONE]\n\n";

// Makes the events of one stream: a formatter around a TokenStream or an Answer. Destroying it
// cancels the work behind it.
class EventSource {
 public:
  virtual ~EventSource() = default;
  // The next whole events (one or more, each ended by a blank line); nullopt = the end, after which
  // it is not called again; an error ends the stream too.
  virtual asio::awaitable<Result<std::optional<std::string>>> next() = 0;
  // What an error in mid-stream looks like at this door: a whole event.
  virtual std::string error_event(const Error& error) = 0;
};

struct SseTimes {
  // How long an answer's head waits for the first event, so that an early failure still has its own
  // HTTP status.
  std::chrono::milliseconds head_max{2'000};
  // While the first event is outstanding, a comment line is sent this often.
  std::chrono::milliseconds ping{15'000};
};

// 200 `text/event-stream`, `cache-control: no-cache`, with the source as its body; or the source's
// error, when it comes before the first event and within `head_max`. An error after that is written
// as error_event() and ends the stream without [DONE], which clients take as truncated.
// Runs on the I/O thread.
asio::awaitable<Result<http::Response>> sse_response(std::unique_ptr<EventSource> source,
                                                     SseTimes times = SseTimes());

}  // namespace selvedge::api
