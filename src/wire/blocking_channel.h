// BlockingChannel: frames over a plain socket, for a process with one loop and no event library.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "wire/messages.h"

namespace selvedge::wire {

// One end of a connected stream socket. Used by one thread at a time.
class BlockingChannel {
 public:
  // Owns `socket` and closes it.
  explicit BlockingChannel(int socket) : socket_(socket) {}
  ~BlockingChannel();
  BlockingChannel(const BlockingChannel&) = delete;
  BlockingChannel& operator=(const BlockingChannel&) = delete;

  // Appends every message that has arrived whole, waiting at most `wait` for the first one
  // (nullopt: for as long as it takes; 0: not at all). Appending nothing is no error: the time was
  // up. Errors: unavailable (the other side closed; whole messages before that were appended first,
  // by this call or an earlier one), corrupt_data (an impossible frame: the channel is of no more
  // use), io.
  Status receive(std::vector<Message>& messages,
                 std::optional<std::chrono::milliseconds> wait = std::nullopt);

  // Returns when the whole frame is with the kernel; waits while the other side does not read.
  // Errors: unavailable (the other side closed), body_too_large (above limits::frame_bytes_max;
  // nothing was sent), io.
  Status send(const Message& message);

  // The same for several, with one write as far as the kernel takes it.
  Status send(std::span<const Message> messages);

 private:
  Status send_bytes(std::string_view bytes);
  Status fill();
  Status take_frames(std::vector<Message>& messages);

  int socket_;
  bool closed_ = false;    // The other side ended its stream; what it sent before may be unread.
  std::string received_;   // Bytes not yet taken as frames ...
  std::size_t taken_ = 0;  // ... from here on.
};

}  // namespace selvedge::wire
