// Every release wakes all who wait for that document; the first to run takes the turn.
#include "rag/document_turns.h"

#include <boost/asio.hpp>

namespace selvedge::rag {

asio::awaitable<DocumentTurns::Turn> DocumentTurns::take(std::string id) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  while (held_.contains(id)) {
    auto timer =
        std::make_shared<asio::steady_timer>(executor, asio::steady_timer::time_point::max());
    held_[id].push_back(timer);
    boost::system::error_code ignored;  // Woken by cancelling the timer.
    auto token = asio::redirect_error(asio::use_awaitable, ignored);
    co_await timer->async_wait(token);
  }
  held_[id];
  co_return Turn(*this, std::move(id));
}

void DocumentTurns::release(const std::string& id) {
  const auto place = held_.find(id);
  if (place == held_.end()) return;
  const Waiters waiters = std::move(place->second);
  held_.erase(place);
  for (const auto& timer : waiters) timer->cancel();
}

}  // namespace selvedge::rag
