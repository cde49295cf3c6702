// Runner channel: reads in large pieces (a token is a small frame), writes one frame after another.
#include "inference/runner_channel.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "base/limits.h"

namespace selvedge::inference {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;

std::size_t body_bytes(const char* header) {
  std::uint32_t length = 0;
  for (std::size_t at = 0; at < wire::kFrameHeaderBytes; ++at) {
    length |= static_cast<std::uint32_t>(static_cast<unsigned char>(header[at])) << (8 * at);
  }
  return length;
}

}  // namespace

Result<std::shared_ptr<RunnerChannel>> RunnerChannel::open(asio::io_context& io,
                                                           Descriptor socket) {
  auto channel = std::make_shared<RunnerChannel>(io);
  boost::system::error_code error;
  channel->socket_.assign(asio::local::stream_protocol(), socket.get(), error);
  if (error) return Error{Code::io, "channel of a runner: " + error.message()};
  socket.release();
  return channel;
}

bool RunnerChannel::send(const wire::Message& message) {
  if (!socket_.is_open()) return false;
  std::string frame = wire::encode(message);
  if (!sending_.empty() && sending_bytes_ + frame.size() > limits::frame_bytes_max) return false;
  sending_bytes_ += frame.size();
  sending_.push_back(std::move(frame));
  if (sending_.size() == 1) write_next();
  return true;
}

void RunnerChannel::write_next() {
  asio::async_write(
      socket_, asio::buffer(sending_.front()),
      [self = shared_from_this()](const boost::system::error_code& error, std::size_t) {
        if (error) {
          // The receiver meets the end of the stream and tells about it.
          self->sending_.clear();
          self->sending_bytes_ = 0;
          return;
        }
        self->sending_bytes_ -= self->sending_.front().size();
        self->sending_.pop_front();
        if (!self->sending_.empty()) self->write_next();
      });
}

std::size_t RunnerChannel::frame_bytes() const {
  return wire::kFrameHeaderBytes + body_bytes(received_.data() + received_at_);
}

bool RunnerChannel::has_frame() const {
  const std::size_t there = received_end_ - received_at_;
  return there >= wire::kFrameHeaderBytes && there >= frame_bytes();
}

asio::awaitable<Result<wire::Message>> RunnerChannel::receive() {
  while (!has_frame()) {
    std::size_t wanted = kReadBytes;
    const std::size_t there = received_end_ - received_at_;
    if (there >= wire::kFrameHeaderBytes) {
      if (frame_bytes() > limits::frame_bytes_max) {
        co_return Error{Code::corrupt_data, "a frame longer than any may be"};
      }
      wanted = std::max(wanted, frame_bytes() - there);
    }
    if (received_at_ > 0) {
      std::memmove(received_.data(), received_.data() + received_at_, there);
      received_at_ = 0;
      received_end_ = there;
    }
    // A long frame's memory is given back once it is read.
    if (there == 0 && received_.size() > 16 * kReadBytes) received_ = std::string();
    if (received_.size() < there + wanted) received_.resize(there + wanted);
    const auto room = asio::buffer(received_.data() + there, received_.size() - there);
    auto [error, count] =
        co_await socket_.async_read_some(room, asio::as_tuple(asio::use_awaitable));
    if (error) co_return Error{Code::io, error.message()};
    received_end_ += count;
  }
  const std::string_view body(received_.data() + received_at_ + wire::kFrameHeaderBytes,
                              frame_bytes() - wire::kFrameHeaderBytes);
  auto message = wire::decode(body);
  received_at_ += frame_bytes();
  co_return message;
}

void RunnerChannel::end_receiving() {
  boost::system::error_code ignored;
  socket_.shutdown(asio::socket_base::shutdown_receive, ignored);
}

void RunnerChannel::close() {
  boost::system::error_code ignored;
  socket_.close(ignored);
}

}  // namespace selvedge::inference
