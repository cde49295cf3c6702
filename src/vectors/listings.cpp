// Listings: a short list under a mutex; names nobody can guess.
#include "vectors/listings.h"

#include <algorithm>
#include <optional>
#include <random>
#include <utility>

#include "base/limits.h"

namespace selvedge::vectors {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";
constexpr std::size_t kNameBytes = 16;

std::string to_hex(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char each : bytes) {
    const auto byte = static_cast<unsigned char>(each);
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 0xFU];
  }
  return text;
}

std::optional<std::string> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (std::size_t at = 0; at < text.size(); at += 2) {
    const std::size_t high = kDigits.find(text[at]);
    const std::size_t low = kDigits.find(text[at + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    bytes += static_cast<char>(high << 4U | low);
  }
  return bytes;
}

std::string random_name() {
  std::random_device random;
  std::string bytes;
  while (bytes.size() < kNameBytes) bytes += static_cast<char>(random() & 0xFFU);
  return to_hex(bytes);
}

Error invalid_cursor() {
  return Error{Code::cursor_invalid, "the cursor is malformed, expired or of another index"};
}

}  // namespace

Listings::Listing Listings::begin(std::uint64_t serial, std::shared_ptr<const Database::View> view,
                                  std::uint64_t total_count) const {
  constexpr std::int64_t kLifetimeUs = std::int64_t{limits::list_cursor_ms_max} * 1'000;
  return {serial, std::move(view), total_count, now_us_() + kLifetimeUs};
}

std::string Listings::keep(const Listing& listing) {
  std::string name = random_name();
  std::vector<Kept> gone = take_expired();
  const std::lock_guard lock(kept_mutex_);
  if (kept_.size() >= limits::list_cursors_max) {
    gone.push_back(std::move(kept_.front()));
    kept_.erase(kept_.begin());
  }
  kept_.push_back({name, listing});
  return name;
}

Result<Listings::Listing> Listings::find(std::string_view name, std::uint64_t serial) {
  expire();
  const std::lock_guard lock(kept_mutex_);
  for (const Kept& each : kept_) {
    if (each.name == name && each.listing.serial == serial) return each.listing;
  }
  return invalid_cursor();
}

void Listings::end(std::uint64_t serial) {
  std::vector<Kept> gone;
  const std::lock_guard lock(kept_mutex_);
  const auto first = std::stable_partition(kept_.begin(), kept_.end(), [serial](const Kept& each) {
    return each.listing.serial != serial;
  });
  std::move(first, kept_.end(), std::back_inserter(gone));
  kept_.erase(first, kept_.end());
}

void Listings::expire() { take_expired(); }

std::vector<Listings::Kept> Listings::take_expired() {
  std::vector<Kept> gone;
  const std::lock_guard lock(kept_mutex_);
  if (kept_.empty()) return gone;
  // All live equally long, so the expired ones are the oldest.
  const std::int64_t now = now_us_();
  const auto first = std::find_if(kept_.begin(), kept_.end(), [now](const Kept& each) {
    return each.listing.expires_us > now;
  });
  std::move(kept_.begin(), first, std::back_inserter(gone));
  kept_.erase(kept_.begin(), first);
  return gone;
}

std::size_t Listings::size() const {
  const std::lock_guard lock(kept_mutex_);
  return kept_.size();
}

std::string encode_cursor(const Cursor& cursor) {
  return cursor.listing + '-' + to_hex(cursor.after);
}

Result<Cursor> decode_cursor(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash != kNameBytes * 2 || text.size() > dash + 1 + limits::id_bytes_max * 2) {
    return invalid_cursor();
  }
  auto after = from_hex(text.substr(dash + 1));
  if (!after || after->empty()) return invalid_cursor();
  return Cursor{std::string(text.substr(0, dash)), std::move(*after)};
}

}  // namespace selvedge::vectors
