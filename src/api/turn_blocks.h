// Turn blocks: a completion as a row of blocks: reasoning, text, calls of tools.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/sse.h"
#include "api/tool_calls.h"
#include "inference/inference.h"

namespace selvedge::api {

struct Block {
  enum class Kind : std::uint8_t { reasoning, text, call };
  Kind kind = Kind::text;
  std::string text;  // Of a call: its arguments.
  std::string id;    // Of a call.
  std::string name;  // Of a call.
};

struct Turn {
  std::vector<Block> blocks;
  bool calls_tools = false;
  wire::FinishReason reason = wire::FinishReason::stop;
  std::string stop;  // The stop string that ended it, if one did.
  inference::Usage usage;
};

// Told what happens to the last block of a turn, in order: begin, any number of deltas, end.
class BlockSink {
 public:
  virtual ~BlockSink() = default;
  virtual void begin(std::size_t index, const Block& block) = 0;
  virtual void delta(std::size_t index, const Block& block, const std::string& added) = 0;
  virtual void end(std::size_t index, const Block& block) = 0;
};

// Puts pieces together.
class TurnBuilder {
 public:
  // Ids of calls follow from `seed`. `sink` may be null.
  explicit TurnBuilder(std::string seed) : calls_(std::move(seed)) {}

  void add(inference::Piece piece, BlockSink* sink);

  const Turn& turn() const { return turn_; }

 private:
  void grow(Block::Kind kind, const std::string& text, BlockSink* sink);
  void open(Block block, BlockSink* sink);
  void close(BlockSink* sink);

  ToolCalls calls_;
  Turn turn_;
  bool open_ = false;
};

// All of `stream`. Errors: those of TokenStream::next.
asio::awaitable<Result<Turn>> whole_turn(inference::TokenStream& stream, std::string seed);

// Writes the events of one streamed turn. Numbers of blocks are those of the turn.
class TurnForm : public BlockSink {
 public:
  // Before everything else.
  virtual void first() = 0;
  virtual void last(const Turn& turn) = 0;
  virtual std::string error_event(const Error& error) = 0;

  // What was written since the last call.
  std::string take() { return std::exchange(events_, {}); }

 protected:
  std::string events_;
};

class TurnEvents final : public EventSource {
 public:
  TurnEvents(std::unique_ptr<inference::TokenStream> stream, std::unique_ptr<TurnForm> form,
             std::string seed);
  asio::awaitable<Result<std::optional<std::string>>> next() override;
  std::string error_event(const Error& error) override { return form_->error_event(error); }

 private:
  std::unique_ptr<inference::TokenStream> stream_;
  std::unique_ptr<TurnForm> form_;
  TurnBuilder builder_;
  bool begun_ = false;
  bool ended_ = false;
};

}  // namespace selvedge::api
