// Turn blocks: whatever comes goes into the open block, or closes it and opens another one.
#include "api/turn_blocks.h"

#include <utility>

namespace selvedge::api {

void TurnBuilder::open(Block block, BlockSink* sink) {
  close(sink);
  turn_.blocks.push_back(std::move(block));
  open_ = true;
  if (sink != nullptr) sink->begin(turn_.blocks.size() - 1, turn_.blocks.back());
}

void TurnBuilder::close(BlockSink* sink) {
  if (!open_) return;
  open_ = false;
  Block& block = turn_.blocks.back();
  if (block.kind == Block::Kind::call && block.text.empty()) {
    block.text = "{}";
    if (sink != nullptr) sink->delta(turn_.blocks.size() - 1, block, block.text);
  }
  if (sink != nullptr) sink->end(turn_.blocks.size() - 1, block);
}

void TurnBuilder::grow(Block::Kind kind, const std::string& text, BlockSink* sink) {
  if (text.empty()) return;
  if (!open_ || turn_.blocks.back().kind != kind) open({kind, {}, {}, {}}, sink);
  turn_.blocks.back().text += text;
  if (sink != nullptr) sink->delta(turn_.blocks.size() - 1, turn_.blocks.back(), text);
}

void TurnBuilder::add(inference::Piece piece, BlockSink* sink) {
  grow(Block::Kind::reasoning, piece.reasoning, sink);
  grow(Block::Kind::text, piece.text, sink);
  for (const wire::ToolCallDelta& delta : piece.tool_calls) {
    ToolCalls::Added added = calls_.add(delta);
    turn_.calls_tools = true;
    if (added.first()) {
      open({Block::Kind::call, {}, std::move(added.id), std::move(added.name)}, sink);
    }
    // Calls come one after the other; what belongs to no open one has nowhere to go.
    if (open_ && turn_.blocks.back().kind == Block::Kind::call) {
      grow(Block::Kind::call, added.arguments, sink);
    }
  }
  if (!piece.last) return;
  close(sink);
  turn_.reason = piece.reason;
  turn_.stop = std::move(piece.stop);
  turn_.usage = piece.usage;
}

asio::awaitable<Result<Turn>> whole_turn(inference::TokenStream& stream, std::string seed) {
  TurnBuilder builder(std::move(seed));
  bool last = false;
  while (!last) {
    auto next = co_await stream.next();
    SEL_CO_TRY(piece, std::move(next));
    last = piece.last;
    builder.add(std::move(piece), nullptr);
  }
  co_return builder.turn();
}

TurnEvents::TurnEvents(std::unique_ptr<inference::TokenStream> stream,
                       std::unique_ptr<TurnForm> form, std::string seed)
    : stream_(std::move(stream)), form_(std::move(form)), builder_(std::move(seed)) {}

asio::awaitable<Result<std::optional<std::string>>> TurnEvents::next() {
  if (ended_) co_return std::optional<std::string>();
  std::string events;
  while (events.empty()) {
    auto next = co_await stream_->next();
    SEL_CO_TRY(piece, std::move(next));
    // Not before the first piece: an early failure has its own status.
    if (!std::exchange(begun_, true)) form_->first();
    ended_ = piece.last;
    builder_.add(std::move(piece), form_.get());
    if (ended_) form_->last(builder_.turn());
    events = form_->take();
  }
  co_return std::optional<std::string>(std::move(events));
}

}  // namespace selvedge::api
