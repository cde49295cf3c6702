// Counts before it keeps: no byte is held that the limits do not allow.
#include "http/body_sink.h"

#include <algorithm>

namespace selvedge::http {
namespace {

// Decoded in one step: about two milliseconds of work.
constexpr std::size_t kStepBytes = 1024 * 1024;
// A client that has sent so much gets room for all it told of: a large body is then held once, and
// not copied each time it has doubled.
constexpr std::size_t kTrustedBytes = 4 * 1024 * 1024;

}  // namespace

bool BodyHold::grow(std::size_t bytes) {
  if (bytes > budget_->bytes_max - std::min(budget_->used, budget_->bytes_max)) return false;
  budget_->used += bytes;
  bytes_ += bytes;
  return true;
}

BodySink::BodySink(BodyBudget& budget, std::size_t bytes_max, bool gzip, std::size_t bytes_told)
    : bytes_max_(bytes_max), bytes_told_(bytes_told), hold_(budget) {
  if (gzip) gunzip_.emplace();
}

std::size_t BodySink::add(std::string_view bytes) {
  const std::size_t before = body_.size();
  std::size_t took = bytes.size();
  if (gunzip_) {
    // One byte more than allowed shows that the limit is passed.
    const std::size_t room = std::min(kStepBytes, bytes_max_ - before + 1);
    auto step = gunzip_->step(bytes, body_, room);
    if (!step.ok()) {
      fault_ = Fault::damaged;
      return bytes.size();
    }
    took = step.value();
  } else if (bytes.size() <= bytes_max_ - before) {
    if (before > kTrustedBytes && bytes_told_ > body_.capacity()) {
      body_.reserve(std::min(bytes_told_, bytes_max_) + kBodySpareBytes);
    }
    body_.append(bytes);
  } else {
    fault_ = Fault::too_large;
    return bytes.size();
  }
  wire_bytes_ += took;
  if (body_.size() > bytes_max_ || wire_bytes_ > bytes_max_)
    fault_ = Fault::too_large;
  else if (!hold_.grow(body_.size() - before))
    fault_ = Fault::busy;
  return took;
}

void BodySink::finish() {
  if (fault_ != Fault::none || !gunzip_) return;
  // What the decoder still holds back comes out without more input.
  while (fault_ == Fault::none && !gunzip_->complete()) {
    const std::size_t before = body_.size();
    add({});
    if (body_.size() == before) break;
  }
  if (fault_ == Fault::none && !gunzip_->complete()) fault_ = Fault::damaged;
}

}  // namespace selvedge::http
