// Listings: the listings of ids under way, each fixed to the moment when it began.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "vectors/database.h"

namespace selvedge::vectors {

// Those of all indexes of one store. A listing ends when its time is over, when its index is
// dropped, or when limits::list_cursors_max newer ones began; with it goes what it kept on disk.
// Thread-safe.
class Listings {
 public:
  using Clock = std::function<std::int64_t()>;  // Microseconds since 1970.

  explicit Listings(Clock now_us) : now_us_(std::move(now_us)) {}

  struct Listing {
    std::uint64_t serial = 0;  // Of the index.
    std::shared_ptr<const Database::View> view;
    std::uint64_t total_count = 0;
    std::int64_t expires_us = 0;
  };

  // A listing that begins now; it is kept once it is given to `keep`.
  Listing begin(std::uint64_t serial, std::shared_ptr<const Database::View> view,
                std::uint64_t total_count) const;
  // Its name in cursors.
  std::string keep(const Listing& listing);

  // The listing that `name` names, of the index `serial`. Errors: cursor_invalid.
  Result<Listing> find(std::string_view name, std::uint64_t serial);

  // Ends those of an index.
  void end(std::uint64_t serial);
  // Ends those whose time is over. Cheap.
  void expire();

  std::size_t size() const;

 private:
  struct Kept {
    std::string name;
    Listing listing;
  };
  std::vector<Kept> take_expired();

  const Clock now_us_;
  mutable std::mutex kept_mutex_;  // Guards the list; what leaves it is freed after the unlock.
  std::vector<Kept> kept_;         // The oldest first.
};

// A cursor names a listing and the id that the last page ended with.
struct Cursor {
  std::string listing;
  std::string after;
};
std::string encode_cursor(const Cursor& cursor);
// Errors: cursor_invalid.
Result<Cursor> decode_cursor(std::string_view text);

}  // namespace selvedge::vectors
