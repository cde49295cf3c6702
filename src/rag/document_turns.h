// Document turns: writes of one document go one after the other, writes of several at once.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

namespace selvedge::rag {

namespace asio = boost::asio;

// Used on the I/O thread; must outlive its turns and the coroutines that wait for one.
class DocumentTurns {
 public:
  // Holds the turn until it is destroyed.
  class Turn {
   public:
    Turn(DocumentTurns& turns, std::string id) : turns_(&turns), id_(std::move(id)) {}
    Turn(Turn&& other) noexcept : turns_(other.turns_), id_(std::move(other.id_)) {
      other.turns_ = nullptr;
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
      if (turns_ != nullptr) turns_->release(id_);
    }

   private:
    DocumentTurns* turns_;
    std::string id_;
  };

  // Waits until nobody holds the turn of `id`.
  asio::awaitable<Turn> take(std::string id);

 private:
  using Waiters = std::vector<std::shared_ptr<asio::steady_timer>>;

  void release(const std::string& id);

  std::map<std::string, Waiters> held_;
};

}  // namespace selvedge::rag
