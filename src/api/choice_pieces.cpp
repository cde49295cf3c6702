// Choice pieces: one reading coroutine a stream, each with a place for one piece.
#include "api/choice_pieces.h"

#include <deque>
#include <exception>
#include <optional>
#include <utility>

#include <boost/asio.hpp>

#include "base/log.h"

namespace selvedge::api {

struct ChoicePieces::Shared {
  struct Source {
    std::unique_ptr<inference::TokenStream> stream;
    std::optional<Result<inference::Piece>> piece;  // Until next() takes it.
    std::unique_ptr<asio::steady_timer> taken;      // Cancelled when it did.
    asio::cancellation_signal stop;
    bool reading = false;
  };
  std::deque<Source> sources;
  std::deque<std::size_t> ready;               // Sources with a piece, oldest first.
  std::unique_ptr<asio::steady_timer> filled;  // Cancelled when `ready` grows.
  bool stopped = false;

  void put(std::size_t at, Result<inference::Piece> piece) {
    sources[at].piece.emplace(std::move(piece));
    ready.push_back(at);
    filled->cancel();
  }
  // A cancelled coroutine unwinds by an exception of Asio; nobody waits for it any more.
  void end(std::size_t at, const std::exception_ptr& failure) {
    sources[at].reading = false;
    if (!failure || stopped) return;
    log::error("a choice ended by an exception");
    put(at, Error{Code::internal, "internal error"});
  }
};

namespace {

using TimePoint = asio::steady_timer::time_point;

asio::awaitable<void> wait_for(asio::steady_timer& event) {
  boost::system::error_code ignored;
  auto token = asio::redirect_error(asio::use_awaitable, ignored);
  co_await event.async_wait(token);
}

}  // namespace

ChoicePieces::ChoicePieces() : shared_(std::make_shared<Shared>()) {}

ChoicePieces::ChoicePieces(std::vector<std::unique_ptr<inference::TokenStream>> streams)
    : shared_(std::make_shared<Shared>()), running_(streams.size()) {
  for (auto& stream : streams) shared_->sources.emplace_back().stream = std::move(stream);
}

ChoicePieces::ChoicePieces(ChoicePieces&&) noexcept = default;

ChoicePieces& ChoicePieces::operator=(ChoicePieces&& other) noexcept {
  stop();
  shared_ = std::move(other.shared_);
  running_ = other.running_;
  started_ = other.started_;
  return *this;
}

ChoicePieces::~ChoicePieces() { stop(); }

void ChoicePieces::stop() {
  if (!shared_ || !started_) return;
  const auto shared = shared_;
  shared->stopped = true;
  for (Shared::Source& source : shared->sources) {
    if (source.reading) source.stop.emit(asio::cancellation_type::terminal);
  }
}

asio::awaitable<void> ChoicePieces::read(std::shared_ptr<Shared> shared, std::size_t at) {
  Shared::Source& source = shared->sources[at];
  bool more = true;
  while (more) {
    auto piece = co_await source.stream->next();
    if (shared->stopped) co_return;
    more = piece.ok() && !piece->last;
    shared->put(at, std::move(piece));
    while (more && source.piece) co_await wait_for(*source.taken);
  }
}

void ChoicePieces::start(const asio::any_io_executor& executor) {
  started_ = true;
  shared_->filled = std::make_unique<asio::steady_timer>(executor, TimePoint::max());
  for (std::size_t at = 0; at < shared_->sources.size(); ++at) {
    Shared::Source& source = shared_->sources[at];
    source.taken = std::make_unique<asio::steady_timer>(executor, TimePoint::max());
    source.reading = true;
    auto done = [shared = shared_, at](const std::exception_ptr& failure) {
      shared->end(at, failure);
    };
    asio::co_spawn(executor, read(shared_, at),
                   asio::bind_cancellation_slot(source.stop.slot(), std::move(done)));
  }
}

asio::awaitable<Result<ChoicePieces::Indexed>> ChoicePieces::next() {
  SEL_CHECK(running_ > 0);
  Indexed one;
  if (shared_->sources.size() == 1) {
    auto next = co_await shared_->sources[0].stream->next();
    SEL_CO_TRY(piece, std::move(next));
    one.piece = std::move(piece);
  } else {
    const auto executor = co_await asio::this_coro::executor;
    if (!started_) start(executor);
    while (shared_->ready.empty()) co_await wait_for(*shared_->filled);
    one.index = shared_->ready.front();
    shared_->ready.pop_front();
    Shared::Source& source = shared_->sources[one.index];
    auto next = *std::move(source.piece);
    source.piece.reset();
    source.taken->cancel();
    SEL_CO_TRY(piece, std::move(next));
    one.piece = std::move(piece);
  }
  if (one.piece.last) --running_;
  co_return std::move(one);
}

}  // namespace selvedge::api
