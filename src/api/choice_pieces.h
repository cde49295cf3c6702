// Choice pieces: the pieces of several token streams, in the order in which they come.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "base/result.h"
#include "inference/inference.h"

namespace selvedge::api {

namespace asio = boost::asio;

// Destroying it cancels all of its streams. I/O thread only.
class ChoicePieces {
 public:
  ChoicePieces();
  explicit ChoicePieces(std::vector<std::unique_ptr<inference::TokenStream>> streams);
  ChoicePieces(ChoicePieces&&) noexcept;
  ChoicePieces& operator=(ChoicePieces&& other) noexcept;
  ~ChoicePieces();

  struct Indexed {
    std::size_t index = 0;  // Of the stream.
    inference::Piece piece;
  };
  // Not called again after an error, or when all have ended. Errors: those of the streams; the
  // first one ends all.
  asio::awaitable<Result<Indexed>> next();

  // Every stream has given its last piece.
  bool ended() const { return running_ == 0; }

 private:
  // Shared with the coroutines that read the streams, which outlive this until their cancellation
  // has taken effect.
  struct Shared;

  static asio::awaitable<void> read(std::shared_ptr<Shared> shared, std::size_t at);
  void start(const asio::any_io_executor& executor);
  void stop();

  std::shared_ptr<Shared> shared_;
  std::size_t running_ = 0;
  bool started_ = false;
};

}  // namespace selvedge::api
