// RequestReader: takes requests off a line, one by one, and says why when it must refuse one.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "http/body_sink.h"
#include "http/line.h"
#include "http/message.h"
#include "http/server.h"

namespace selvedge::http {

struct Incoming {
  bool ended = false;  // The client is done, or was idle too long: nothing to answer.
  std::optional<Refusal> refusal;
  bool target_known = false;  // `request` holds method, path and headers, also beside a refusal.
  Request request;
  std::optional<BodyHold> hold;  // Keeps the body's bytes counted while the request is answered.
  bool http_1_0 = false;
  bool keep_alive = false;
};

class RequestReader {
 public:
  // All are borrowed and must outlive the reader.
  RequestReader(Line& line, const ServerOptions& options, BodyBudget& budget);
  ~RequestReader();

  // The next request. `on_head` is called when its head is complete.
  asio::awaitable<Incoming> next(std::function<void()> on_head);

 private:
  struct Parser;
  using Deadline = Line::Clock::time_point;

  asio::awaitable<bool> read_head(Incoming& incoming);
  bool parse_head(Parser& parser, Incoming& incoming);
  bool check_request(Incoming& incoming);
  bool check_host(Incoming& incoming);
  bool check_origin(Incoming& incoming);
  asio::awaitable<bool> read_body(Parser& parser, Incoming& incoming);
  asio::awaitable<bool> read_sized(BodySink& sink, std::uint64_t length, Incoming& incoming);
  asio::awaitable<bool> read_chunks(Parser& parser, BodySink& sink, Incoming& incoming);
  asio::awaitable<bool> more_body(Incoming& incoming);
  asio::awaitable<bool> keep(BodySink& sink, std::string_view bytes, Incoming& incoming);

  Line& line_;
  const ServerOptions& options_;
  BodyBudget& budget_;
  bool first_ = true;
  std::size_t head_bytes_ = 0;
  Deadline body_deadline_;
  // Of the request at hand.
  bool chunked_ = false;
  bool gzip_ = false;
  std::uint64_t length_ = 0;
  std::size_t body_bytes_max_ = 0;
};

}  // namespace selvedge::http
