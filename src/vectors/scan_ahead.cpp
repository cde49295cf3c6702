// Scan ahead: pieces of keys and values go from one thread to the other.
#include "vectors/scan_ahead.h"

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace selvedge::vectors {
namespace {

constexpr std::size_t kPieceBytes = 1U << 20;
constexpr std::size_t kPiecesAhead = 4;

struct Piece {
  struct Lengths {
    std::size_t key = 0;
    std::size_t value = 0;
  };
  std::string bytes;
  std::vector<Lengths> entries;

  void add(std::string_view key, std::string_view value) {
    bytes += key;
    bytes += value;
    entries.push_back({key.size(), value.size()});
  }
};

// From one thread to one other.
class Pieces {
 public:
  // Waits for room. False: nobody takes any more.
  bool put(Piece piece) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return queue_.size() < kPiecesAhead || left_; });
    if (left_) return false;
    queue_.push_back(std::move(piece));
    changed_.notify_all();
    return true;
  }
  void end() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }
  // Nothing: that was all.
  std::optional<Piece> take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !queue_.empty() || ended_; });
    if (queue_.empty()) return std::nullopt;
    Piece piece = std::move(queue_.front());
    queue_.pop_front();
    changed_.notify_all();
    return piece;
  }
  void leave() {
    const std::lock_guard lock(mutex_);
    left_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;  // Guards what follows.
  std::condition_variable changed_;
  std::deque<Piece> queue_;
  bool ended_ = false;
  bool left_ = false;
};

Status read(const Database& database, std::string_view begin, std::string_view end,
            Pieces& pieces) {
  Piece piece;
  SEL_CHECK_OK(database.scan(begin, end, true,
                             [&](std::string_view key, std::string_view value) -> Result<bool> {
                               piece.add(key, value);
                               if (piece.bytes.size() < kPieceBytes) return true;
                               return pieces.put(std::exchange(piece, {}));
                             }));
  pieces.put(std::move(piece));
  return ok_status();
}

Status visit_all(Pieces& pieces, const Database::Visit& visit) {
  while (const auto piece = pieces.take()) {
    std::string_view left = piece->bytes;
    for (const Piece::Lengths& entry : piece->entries) {
      SEL_TRY(more, visit(left.substr(0, entry.key), left.substr(entry.key, entry.value)));
      if (!more) return ok_status();
      left.remove_prefix(entry.key + entry.value);
    }
  }
  return ok_status();
}

}  // namespace

Status scan_ahead(const Database& database, std::string_view begin, std::string_view end,
                  const Database::Visit& visit) {
  Pieces pieces;
  Status outcome = ok_status();
  std::jthread reader([&] {
    outcome = read(database, begin, end, pieces);
    pieces.end();
  });
  Status visited = visit_all(pieces, visit);
  pieces.leave();
  reader.join();
  if (!visited.ok()) return visited;
  return outcome;
}

}  // namespace selvedge::vectors
