// Faulty body: a stream that fails, or breaks, after some of its events.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "http/message.h"

namespace selvedge::api {

namespace asio = boost::asio;

// Passes on the first `events` events of `body`, then `last_event`, and ends; without one the
// connection breaks there. A body with no more events than that is left as it is. Comments do not
// count.
class FaultyBody final : public http::BodyStream {
 public:
  FaultyBody(std::unique_ptr<http::BodyStream> body, std::size_t events,
             std::optional<std::string> last_event);
  asio::awaitable<std::optional<std::string>> next() override;
  bool broken() const override { return broken_; }

 private:
  std::unique_ptr<http::BodyStream> body_;
  std::size_t events_left_;
  std::optional<std::string> last_event_;
  bool ended_ = false;
  bool broken_ = false;
};

// The first half of a whole body, after which the connection breaks.
std::unique_ptr<http::BodyStream> half_body(std::string body);

}  // namespace selvedge::api
