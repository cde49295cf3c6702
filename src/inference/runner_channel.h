// Runner channel: frames to and from one runner, without blocking.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include "base/result.h"
#include "inference/descriptor.h"
#include "wire/messages.h"

namespace selvedge::inference {

namespace asio = boost::asio;

// Any number of senders, one receiver. I/O thread only.
class RunnerChannel : public std::enable_shared_from_this<RunnerChannel> {
 public:
  // `socket` is a connected stream socket of the family AF_UNIX.
  // Errors: io (the event loop takes no more descriptors).
  static Result<std::shared_ptr<RunnerChannel>> open(asio::io_context& io, Descriptor socket);
  explicit RunnerChannel(asio::io_context& io) : socket_(io) {}  // For open() alone.

  // Queues the frame. False when the channel is closed, or when the runner has not read for so long
  // that the queue is full: nothing can be told to it any more then.
  bool send(const wire::Message& message);

  // The next message; at most one call at a time. After an error there is nothing more to receive.
  // Errors: io (the runner closed its end), corrupt_data (bytes that are no frame).
  asio::awaitable<Result<wire::Message>> receive();

  // What has arrived can still be received; then comes the end, even if somebody else holds the
  // runner's end of the pair.
  void end_receiving();
  void close();

 private:
  // The frame at the front of what was read, if it is all there.
  bool has_frame() const;
  std::size_t frame_bytes() const;
  void write_next();

  asio::local::stream_protocol::socket socket_;
  std::deque<std::string> sending_;
  std::size_t sending_bytes_ = 0;
  std::string received_;
  std::size_t received_at_ = 0;  // Start of the first frame not taken yet.
  std::size_t received_end_ = 0;
};

}  // namespace selvedge::inference
