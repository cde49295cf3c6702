// Faulty body: counts the blank lines that end events.
#include "api/faulty_body.h"

#include <utility>

namespace selvedge::api {
namespace {

constexpr std::string_view kEventEnd = "\n\n";

// The length of the first `events` events of `piece`, and how many of these it has.
struct Cut {
  std::size_t bytes = 0;
  std::size_t events = 0;
};
Cut cut_after(std::string_view piece, std::size_t events) {
  Cut cut;
  while (cut.events < events) {
    const std::size_t end = piece.find(kEventEnd, cut.bytes);
    if (end == piece.npos) break;
    cut.bytes = end + kEventEnd.size();
    ++cut.events;
  }
  return cut;
}

class HalfBody final : public http::BodyStream {
 public:
  explicit HalfBody(std::string body) : body_(std::move(body)) { body_.resize(body_.size() / 2); }
  asio::awaitable<std::optional<std::string>> next() override {
    if (body_.empty()) co_return std::nullopt;
    co_return std::exchange(body_, {});
  }
  bool broken() const override { return true; }

 private:
  std::string body_;
};

}  // namespace

FaultyBody::FaultyBody(std::unique_ptr<http::BodyStream> body, std::size_t events,
                       std::optional<std::string> last_event)
    : body_(std::move(body)), events_left_(events), last_event_(std::move(last_event)) {}

asio::awaitable<std::optional<std::string>> FaultyBody::next() {
  if (ended_) co_return std::nullopt;
  auto piece = co_await body_->next();
  if (!piece || piece->starts_with(':')) co_return std::move(piece);
  const Cut cut = cut_after(*piece, events_left_);
  events_left_ -= cut.events;
  if (cut.bytes == piece->size()) co_return std::move(piece);
  // There is more than may be sent.
  ended_ = true;
  body_.reset();
  piece->resize(cut.bytes);
  broken_ = !last_event_;
  if (last_event_) *piece += *last_event_;
  if (piece->empty()) co_return std::nullopt;
  co_return std::move(piece);
}

std::unique_ptr<http::BodyStream> half_body(std::string body) {
  return std::make_unique<HalfBody>(std::move(body));
}

}  // namespace selvedge::api
