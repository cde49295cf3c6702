// BlockingChannel: poll, then take what the kernel holds without waiting for more.
#include "wire/blocking_channel.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"

namespace selvedge::wire {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kReadBytes = 64 * 1024;
// One receive() stops reading here, so that a sender who never pauses cannot keep it for ever.
constexpr std::size_t kReadBytesPerCallMax = 16 * kReadBytes;

Error socket_error(const char* what) {
  return {Code::io,
          std::string("runner socket: ") + what + ": " + std::generic_category().message(errno)};
}

Error closed_error() { return {Code::unavailable, "runner socket: closed by the other side"}; }

// True when `socket` is ready for `events` (or broken, which the next call on it tells).
Result<bool> wait_until_ready(int socket, short events,
                              std::optional<std::chrono::milliseconds> wait) {
  const auto until = Clock::now() + wait.value_or(std::chrono::milliseconds(0));
  pollfd entry{socket, events, 0};
  while (true) {
    int left_ms = -1;
    if (wait) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
      left_ms = left.count() > 0 ? static_cast<int>(left.count()) : 0;
    }
    const int ready = ::poll(&entry, 1, left_ms);
    if (ready >= 0) return ready > 0;
    if (errno != EINTR) return socket_error("poll");
  }
}

}  // namespace

BlockingChannel::~BlockingChannel() {
  if (socket_ >= 0) ::close(socket_);
}

Status BlockingChannel::receive(std::vector<Message>& messages,
                                std::optional<std::chrono::milliseconds> wait) {
  const std::size_t before = messages.size();
  const auto until = Clock::now() + wait.value_or(std::chrono::milliseconds(0));
  SEL_CHECK_OK(take_frames(messages));
  while (!closed_) {
    auto left = wait;
    if (messages.size() > before) {
      left = std::chrono::milliseconds(0);
    } else if (wait) {
      const auto rest = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
      left = std::max(rest, std::chrono::milliseconds(0));
    }
    SEL_TRY(ready, wait_until_ready(socket_, POLLIN, left));
    if (!ready) return ok_status();
    SEL_CHECK_OK(fill());
    SEL_CHECK_OK(take_frames(messages));
    if (messages.size() > before) return ok_status();
  }
  if (messages.size() > before) return ok_status();
  return closed_error();
}

Status BlockingChannel::fill() {
  for (std::size_t got_bytes = 0; got_bytes < kReadBytesPerCallMax;) {
    const std::size_t old_bytes = received_.size();
    received_.resize(old_bytes + kReadBytes);
    const ssize_t got = ::recv(socket_, received_.data() + old_bytes, kReadBytes, MSG_DONTWAIT);
    received_.resize(old_bytes + (got > 0 ? static_cast<std::size_t>(got) : 0));
    if (got == 0 || (got < 0 && errno == ECONNRESET)) {
      closed_ = true;
      return ok_status();
    }
    if (got < 0) {
      if (errno == EAGAIN || errno == EWOULDBLOCK) return ok_status();
      if (errno == EINTR) continue;
      return socket_error("receive");
    }
    got_bytes += static_cast<std::size_t>(got);
  }
  return ok_status();
}

Status BlockingChannel::take_frames(std::vector<Message>& messages) {
  while (received_.size() - taken_ >= kFrameHeaderBytes) {
    std::uint32_t body_bytes = 0;
    std::memcpy(&body_bytes, received_.data() + taken_, sizeof body_bytes);
    if (body_bytes > limits::frame_bytes_max) {
      return Error{Code::corrupt_data,
                   "runner frame: " + std::to_string(body_bytes) + " bytes are too many"};
    }
    if (received_.size() - taken_ - kFrameHeaderBytes < body_bytes) break;
    const std::string_view body(received_.data() + taken_ + kFrameHeaderBytes, body_bytes);
    SEL_TRY(message, decode(body));
    messages.push_back(std::move(message));
    taken_ += kFrameHeaderBytes + body_bytes;
  }
  received_.erase(0, taken_);
  taken_ = 0;
  // One huge frame must not hold its memory for the life of the process.
  if (received_.empty() && received_.capacity() > kReadBytesPerCallMax) received_.shrink_to_fit();
  return ok_status();
}

Status BlockingChannel::send(const Message& message) { return send(std::span(&message, 1)); }

Status BlockingChannel::send(std::span<const Message> messages) {
  std::string frames;
  for (const Message& message : messages) {
    const std::string frame = encode(message);
    if (frame.size() - kFrameHeaderBytes > limits::frame_bytes_max) {
      return Error{Code::body_too_large,
                   "runner frame: " + std::to_string(frame.size()) + " bytes are too many"};
    }
    frames += frame;
  }
  return send_bytes(frames);
}

Status BlockingChannel::send_bytes(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      SEL_TRY(ready, wait_until_ready(socket_, POLLOUT, std::nullopt));
    } else if (errno == EPIPE || errno == ECONNRESET) {
      return closed_error();
    } else if (errno != EINTR) {
      return socket_error("send");
    }
  }
  return ok_status();
}

}  // namespace selvedge::wire
